//! For how long the logs and finished commands are kept.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::retention::Retention;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::service::retention::change_retention;
use shared::state::AppState;
use utoipa::ToSchema;

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionView {
    /// For how many days the surveillance log is kept (30 to 3,650).
    #[schema(example = 400)]
    events_days: u32,
    /// For how many days the audit log is kept (30 to 3,650).
    #[schema(example = 1095)]
    audit_days: u32,
    /// For how many days a command is kept after its final answer or its withdrawal (30 to 90); as it is unless given.
    #[serde(default)]
    #[schema(example = 90)]
    commands_days: Option<u32>,
}

impl From<Retention> for RetentionView {
    fn from(retention: Retention) -> Self {
        Self {
            events_days: retention.events_days,
            audit_days: retention.audit_days,
            commands_days: Some(retention.commands_days),
        }
    }
}

/// For how long the logs and finished commands are kept.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/retention", tag = "logs", params(("tenant" = String, Path)),
    responses((status = 200, body = RetentionView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<RetentionView>, Problem> {
    Ok(JsonAnswer(state.store.retention(&scope).await?.into()))
}

/// Change for how long the logs and finished commands are kept. What is older of the logs is not shown any more, and deleted within the
/// hour; a command ends by what was set when it finished.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/retention", tag = "logs", params(("tenant" = String, Path)),
    request_body = RetentionView,
    responses((status = 200, body = RetentionView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn change(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<RetentionView>,
) -> Result<JsonAnswer<RetentionView>, Problem> {
    let RetentionView { events_days, audit_days, commands_days } = body;
    Ok(JsonAnswer(change_retention(&state, &scope, events_days, audit_days, commands_days).await?.into()))
}
