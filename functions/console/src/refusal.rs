//! An error as a page: what happened, why, and where to go from there.

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use shared::error::{Error, Kind};
use shared::http::status;
use url::form_urlencoded;

use crate::layout;
use crate::look::way_back;

/// Why a page is not shown, or a form not taken.
pub(crate) struct Refusal {
    error: Error,
    /// The page to come back to after signing in, if there is one.
    back: Option<String>,
}

impl Refusal {
    /// What stands in the way of a request.
    pub(crate) fn new(error: Error, parts: &Parts) -> Self {
        Self { error, back: way_back(parts) }
    }

    /// The same for a request that is about to be taken apart.
    pub(crate) fn maker(parts: &Parts) -> impl FnOnce(Error) -> Self + use<> {
        let back = way_back(parts);
        move |error| Self { error, back }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, back: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { error, back } = self;
        if error.kind() == Kind::Unauthenticated {
            return Redirect::to(&sign_in(back.as_deref())).into_response();
        }
        let status = status(error.kind());
        if status.is_server_error() {
            tracing::error!(code = error.code(), error = %error.chain(), "a page failed");
        } else {
            tracing::debug!(code = error.code(), error = %error.chain(), "a page was refused");
        }
        let mut response = layout::answer(status, layout::alone(title(status), &page(&error, status)));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// The way to sign in and come back.
fn sign_in(back: Option<&str>) -> String {
    match back {
        Some(back) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", back).finish();
            format!("/console/sign-in?{query}")
        }
        None => "/console/sign-in".to_owned(),
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is no such page",
        StatusCode::FORBIDDEN => "You may not do this",
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT => "This was not done",
        StatusCode::TOO_MANY_REQUESTS => "Too many tries",
        _ => "Something went wrong",
    }
}

fn page(error: &Error, status: StatusCode) -> Markup {
    html! {
        h1 { (title(status)) }
        (layout::trouble(error))
        @if status.is_server_error() {
            p { "Nothing is lost. Wait a few seconds and try again." }
        }
        p { a href="/console" { "Go to the first page" } }
    }
}
