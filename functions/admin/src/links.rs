//! Enrollment links.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::http::{AdminScope, Json, Problem, ProblemDetails};
use shared::service::create_enrollment_link::{DEFAULT_DAYS, create_enrollment_link};
use shared::state::AppState;
use shared::time::{Timestamp, from_unix};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    /// How long the link may be used, in days (1 to 90).
    #[serde(default = "default_days")]
    valid_days: i64,
}

fn default_days() -> i64 {
    DEFAULT_DAYS
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LinkView {
    id: String,
    /// Open this on the device. It enrolls one device and is shown this once.
    url: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Make a link that enrolls one device.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/enrollment-links", tag = "enrollment", params(("tenant" = String, Path)),
    request_body = NewLink,
    responses((status = 201, body = LinkView),
        (status = 409, description = "No authority, or no usable push certificate", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewLink>,
) -> Result<(StatusCode, JsonAnswer<LinkView>), Problem> {
    let (link, url) = create_enrollment_link(&state, &scope, body.valid_days).await?;
    let view = LinkView {
        id: link.id.to_string(),
        url: url.expose().clone(),
        expires_at: from_unix(link.expires_at),
    };
    Ok((StatusCode::CREATED, JsonAnswer(view)))
}
