//! The push certificate: request, upload, review, activate, roll back; and the vendor certificate that signs requests.

mod activation;
mod request;
mod request_body;
mod request_review;
mod staged;
mod vendor;
mod view;

use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(activation::show))
        .routes(routes!(request::create, request::show, request::cancel))
        .routes(routes!(request_review::review))
        .routes(routes!(request::download))
        .routes(routes!(staged::upload, staged::show, staged::discard))
        .routes(routes!(activation::activate))
        .routes(routes!(activation::roll_back))
        .routes(routes!(vendor::install, vendor::list))
        .routes(routes!(vendor::activate))
        .routes(routes!(vendor::delete))
}
