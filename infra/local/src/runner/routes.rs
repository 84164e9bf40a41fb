//! Every function's routes in one router.

use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;

/// The routes of all functions, in the order of `functions/`, and with them the API's description.
pub fn function_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(checkin::router())
        .merge(command::router())
        .merge(enroll::router())
        .merge(scep::router())
        .merge(certificate::router())
        .merge(admin::router())
}
