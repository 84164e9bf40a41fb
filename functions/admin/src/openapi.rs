//! The API's description.

use axum::http::header;
use axum::response::IntoResponse;

/// Of all functions, written by `make openapi`; a test compares it with the code.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// The API's description as OpenAPI 3.1.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "operator", responses((status = 200, content_type = "application/json")))]
pub(crate) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
