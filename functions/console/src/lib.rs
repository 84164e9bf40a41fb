//! Web pages. For now the one that expiry mails link to: how to renew a push certificate with the API.

mod page;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What a browser may do with a page: show it with its own style, and ask nothing of anybody.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(push_certificate))
}

/// How to renew a push certificate.
///
/// Public, and the same for every tenant: it reads nothing, so it can tell nothing.
#[utoipa::path(
    get, path = "/console/{tenant}/push-certificate", tag = "console", params(("tenant" = String, Path)),
    responses((status = 200, content_type = "text/html"))
)]
async fn push_certificate(State(state): State<AppState>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, page::renewal(&state.config.base_url).into_string()).into_response()
}
