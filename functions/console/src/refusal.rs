//! An error as a page: what happened, why, and where to go from there.

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use shared::error::{Error, Kind};
use shared::http::{retry_after, status};
use shared::id::TenantId;
use url::form_urlencoded;

use crate::layout;
use crate::look::way_back;

/// Why a page is not shown, or a form not taken.
pub(crate) struct Refusal {
    error: Error,
    /// The page to come back to after signing in, if there is one.
    back: Option<String>,
    /// Where to sign in.
    door: String,
}

impl Refusal {
    /// What stands in the way of a request.
    pub(crate) fn new(error: Error, parts: &Parts) -> Self {
        Self::maker(parts)(error)
    }

    /// The same for a request that is about to be taken apart.
    pub(crate) fn maker(parts: &Parts) -> impl FnOnce(Error) -> Self + use<> {
        let back = way_back(parts);
        // An organization that wants its own provider's word has a page of its own.
        let own = tenant_of(parts.uri.path()).map(|tenant| own_door(&tenant));
        move |error: Error| {
            let door = own.filter(|_| error.code() == "organization-sign-in");
            Self { error, back, door: door.unwrap_or_else(|| DOOR.to_owned()) }
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, back: None, door: DOOR.to_owned() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { error, back, door } = self;
        if error.kind() == Kind::Unauthenticated {
            return Redirect::to(&sign_in(&door, back.as_deref())).into_response();
        }
        let status = status(error.kind());
        if status.is_server_error() {
            tracing::error!(code = error.code(), error = %error.chain(), "a page failed");
        } else {
            tracing::debug!(code = error.code(), error = %error.chain(), "a page was refused");
        }
        let mut response = layout::answer(status, layout::alone(title(status), &page(&error, status)));
        if let Some(seconds) = retry_after(error.kind()) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Where everybody signs in.
const DOOR: &str = "/console/sign-in";

/// Where the members of one tenant sign in.
pub(crate) fn own_door(tenant: &TenantId) -> String {
    format!("/console/{tenant}/sign-in")
}

/// The tenant that a page belongs to.
pub(crate) fn tenant_of(page: &str) -> Option<TenantId> {
    page.strip_prefix("/console/")?.split(['/', '?']).next()?.parse().ok()
}

/// The way to sign in and come back.
pub(crate) fn sign_in(door: &str, back: Option<&str>) -> String {
    match back {
        Some(back) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", back).finish();
            format!("{door}?{query}")
        }
        None => door.to_owned(),
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is no such page",
        StatusCode::FORBIDDEN => "You may not do this",
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::CONFLICT => "This was not done",
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
