//! Enrollment links: what a person opens on the device that is to be managed.

use axum::extract::State;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::http::{Problem, ProblemDetails, Query, path_part};
use shared::service::enrollment_profile::enrollment_profile;
use shared::state::AppState;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(open_link))
}

#[derive(Deserialize, IntoParams)]
struct Options {
    /// `1`: without signature, where the server's setting allows it.
    #[serde(default)]
    unsigned: Option<String>,
}

/// The enrollment profile behind a link.
///
/// The same each time: opening a link does not use it up, issuing the device's identity does.
#[utoipa::path(
    get, path = "/enroll/{tenant}/{token}", tag = "device",
    params(("tenant" = String, Path), ("token" = String, Path), Options),
    responses(
        (status = 200, description = "A .mobileconfig", content_type = "application/x-apple-aspen-config"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The link was used or has ended, or there is no usable push certificate",
            body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn open_link(
    State(state): State<AppState>,
    mut parts: Parts,
    Query(options): Query<Options>,
) -> Result<Response, Problem> {
    let tenant = path_part(&mut parts, "tenant").await?.parse()?;
    let token = path_part(&mut parts, "token").await?;
    let unsigned = options.unsigned.as_deref() == Some("1");
    let profile = enrollment_profile(&state, tenant, &token, unsigned).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-apple-aspen-config".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", profile.file_name)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, profile.bytes).into_response())
}
