//! Command fetch: a device reports on its last command and gets the next.

use axum::extract::{Request, State};
use axum::response::Response;
use shared::http::device_message;
use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(command)).routes(routes!(both))
}

/// A device polls for commands (`ServerURL`).
///
/// Proven by `Mdm-Signature`. 200 with a command, or 200 with an empty body.
#[utoipa::path(
    method(put, post), path = "/mdm/{tenant}/command", tag = "device",
    params(("tenant" = String, Path)),
    responses((status = 200), (status = 400), (status = 503))
)]
async fn command(state: State<AppState>, request: Request) -> Response {
    device_message(state, request).await
}

/// Both check-in and polls, for devices enrolled with one URL.
#[utoipa::path(
    method(put, post), path = "/mdm/{tenant}", tag = "device",
    params(("tenant" = String, Path)),
    responses((status = 200), (status = 400), (status = 410), (status = 503))
)]
async fn both(state: State<AppState>, request: Request) -> Response {
    device_message(state, request).await
}
