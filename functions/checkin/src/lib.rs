//! Check-in: Authenticate, TokenUpdate, CheckOut and what else a device says of itself.

use axum::extract::{Request, State};
use axum::response::Response;
use shared::http::device_message;
use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(checkin))
}

/// A device checks in (`CheckInURL`).
///
/// Proven by `Mdm-Signature`. Never answers 401 or 403: they could make the device remove its enrollment.
#[utoipa::path(
    method(put, post), path = "/mdm/{tenant}/checkin", tag = "device",
    params(("tenant" = String, Path)),
    responses((status = 200), (status = 400), (status = 410, description = "UserAuthenticate: not managed"), (status = 503))
)]
async fn checkin(state: State<AppState>, request: Request) -> Response {
    device_message(state, request).await
}
