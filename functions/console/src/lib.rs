//! Web pages: how to renew a push certificate, which expiry mails link to; the confirmation of a contact's address; the
//! expiry calendar.

mod calendar;
mod confirm;
mod page;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(push_certificate))
        .routes(routes!(confirm::show, confirm::confirm))
        .routes(routes!(calendar::show))
}

/// How to renew a push certificate.
///
/// Public, and the same for every tenant: it reads nothing, so it can tell nothing.
#[utoipa::path(
    get, path = "/console/{tenant}/push-certificate", tag = "console", params(("tenant" = String, Path)),
    responses((status = 200, content_type = "text/html"))
)]
async fn push_certificate(State(state): State<AppState>) -> Response {
    page::answer(StatusCode::OK, "public, max-age=3600", &page::renewal(&state.config.base_url))
}
