//! One call for programs and for forms: JSON in and out, or a form and a page.

use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::error::{Error, Result};
use shared::http::{API_BODY, Json, Problem};

use super::{Local, layout, text};

/// What was sent, and whether a browser's form sent it.
pub(super) struct Submitted<T> {
    pub(super) from_form: bool,
    pub(super) value: T,
}

impl<T: DeserializeOwned> FromRequest<Local> for Submitted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, local: &Local) -> Result<Self, Response> {
        let says_form = text(request.headers(), header::CONTENT_TYPE)
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, API_BODY)
            .await
            .map_err(|cause| Problem(misfit().because(cause)).into_response())?;
        // `curl --data` says "form" of everything; JSON is known by its brace.
        let from_form = says_form && body.trim_ascii_start().first() != Some(&b'{');
        let request = Request::from_parts(parts, Body::from(body));
        if from_form {
            let form = Form::from_request(request, local).await;
            let Form(value) = form.map_err(|cause| refusal("/", misfit().because(cause)))?;
            return Ok(Self { from_form, value });
        }
        let json = Json::from_request(request, &local.state).await;
        let Json(value) = json.map_err(IntoResponse::into_response)?;
        Ok(Self { from_form, value })
    }
}

fn misfit() -> Error {
    Error::malformed("form-body", "The form does not fit this page.")
}

/// A program gets the outcome or a problem; a browser goes back to `page`, or sees what is wrong.
pub(super) fn reply<T: Serialize>(from_form: bool, page: &str, outcome: Result<T>) -> Response {
    match outcome {
        Ok(_) if from_form => Redirect::to(page).into_response(),
        Ok(value) => axum::Json(value).into_response(),
        Err(error) if from_form => refusal(page, error),
        Err(error) => Problem(error).into_response(),
    }
}

fn refusal(page: &str, error: Error) -> Response {
    let content = html! {
        h1 { "That did not work" }
        div.alert-box role="alert" {
            p { (error.to_string()) }
            @if let Some(next) = error.next_step() { p { (next) } }
        }
        p { a href=(page) { "Back" } }
    };
    let shown = layout::page("That did not work", page, &content);
    // The same status, and the same line in the log, as a program gets.
    let status = Problem(error).into_response().status();
    (status, layout::answer(shown)).into_response()
}
