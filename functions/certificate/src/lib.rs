//! The push certificate: request, upload, review, activate, roll back, export, delete; and the vendor certificate that signs requests.

mod activation;
mod deletion;
mod export;
mod ownership;
mod request;
mod request_body;
mod request_review;
mod review;
mod signer;
mod staged;
mod status;
mod vendor;
mod view;

use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(activation::show, deletion::delete))
        .routes(routes!(status::show))
        .routes(routes!(request::create, request::show, request::cancel))
        .routes(routes!(request_review::review))
        .routes(routes!(request::download))
        .routes(routes!(staged::upload, staged::show, staged::discard))
        .routes(routes!(staged::check))
        .routes(routes!(activation::activate))
        .routes(routes!(activation::roll_back))
        .routes(routes!(signer::install, signer::show, signer::remove))
        .routes(routes!(signer::install_server, signer::show_server, signer::remove_server))
        .routes(routes!(export::export))
        .routes(routes!(ownership::show, ownership::record))
        .routes(routes!(ownership::confirm))
        .routes(routes!(vendor::install, vendor::list))
        .routes(routes!(vendor::activate))
        .routes(routes!(vendor::delete))
}
