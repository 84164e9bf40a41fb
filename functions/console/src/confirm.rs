//! The page behind the link that a contact is mailed. Only its button confirms: programs that look at links before
//! people do must not.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use shared::error::Kind;
use shared::http::Problem;
use shared::secret::Secret;
use shared::service::confirm_contact::confirm_contact;
use shared::state::AppState;

use crate::layout;

/// The question whether to confirm an address.
#[utoipa::path(
    get, path = "/console/{tenant}/confirm/{token}", tag = "console",
    params(("tenant" = String, Path), ("token" = String, Path)),
    responses((status = 200, content_type = "text/html"))
)]
pub(crate) async fn show() -> Response {
    answer(StatusCode::OK, question())
}

/// The answer: the address is read.
#[utoipa::path(
    post, path = "/console/{tenant}/confirm/{token}", tag = "console",
    params(("tenant" = String, Path), ("token" = String, Path)),
    responses((status = 200, content_type = "text/html"), (status = 404, content_type = "text/html"))
)]
pub(crate) async fn confirm(
    State(state): State<AppState>,
    Path((tenant, token)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let confirmed = match tenant.parse() {
        Ok(tenant) => confirm_contact(&state, tenant, &Secret::new(token)).await,
        Err(error) => Err(error),
    };
    match confirmed {
        Ok(address) => Ok(answer(StatusCode::OK, done(address.as_str()))),
        Err(error) if error.kind() == Kind::NotFound => Ok(answer(StatusCode::NOT_FOUND, over())),
        Err(error) => Err(error.into()),
    }
}

fn answer(status: StatusCode, page: Markup) -> Response {
    layout::answer(status, page)
}

fn question() -> Markup {
    layout::alone(
        "Confirm your address",
        &html! {
            h1 { "Confirm your address" }
            p { "Somebody in your organization named you as one who hears of certificates before they expire." }
            form method="post" { button { "I read mails at this address" } }
        },
    )
}

fn done(address: &str) -> Markup {
    layout::alone(
        "Thank you",
        &html! {
            h1 { "Thank you" }
            p { (address) " hears of certificates from thirty days before they expire." }
        },
    )
}

fn over() -> Markup {
    layout::alone(
        "This link does not work",
        &html! {
            h1 { "This link does not work" }
            p { "It is older than thirty days, or was not copied whole. An administrator of your organization can have a new one sent." }
        },
    )
}
