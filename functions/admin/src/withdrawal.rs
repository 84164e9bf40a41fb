//! Commands that were sent: taken back, approved, tried again; and the PIN they set.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::error::{Error, Result};
use shared::http::{AdminScope, HelpScope, Problem, ProblemDetails};
use shared::id::{CommandUuid, EnrollmentId};
use shared::service::approve_command::approve_command;
use shared::service::reveal_pin::reveal_pin;
use shared::service::withdraw_command::{cancel_command, cancel_on_target as cancel_one, retry_command};
use shared::state::AppState;
use utoipa::ToSchema;

use crate::command_jobs::JobView;

fn uuid(text: &str) -> Result<CommandUuid> {
    text.parse().map_err(|error: Error| error.at("command"))
}

fn target(command: &str, enrollment: &str) -> Result<(CommandUuid, EnrollmentId)> {
    Ok((uuid(command)?, enrollment.parse().map_err(|error: Error| error.at("enrollment"))?))
}

/// Take a command back on all its targets. A device that has fetched it may still answer; then its answer counts. A job's command is taken
/// back in the background: the job says how far that is.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/commands/{command}", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path)),
    responses((status = 204), (status = 202, description = "A job takes it back", body = JobView), (status = 403, description = "The help desk did not send it itself", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn cancel(
    HelpScope(scope): HelpScope,
    State(state): State<AppState>,
    Path((_, command)): Path<(String, String)>,
) -> Result<Response, Problem> {
    Ok(match cancel_command(&state, &scope, &uuid(&command)?).await? {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(job) => (StatusCode::ACCEPTED, JsonAnswer(JobView::from(job))).into_response(),
    })
}

/// Take a command back on one target.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/commands/{command}/targets/{enrollment}", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path), ("enrollment" = String, Path)),
    responses((status = 204), (status = 403, description = "The help desk did not send it itself", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn cancel_on_target(
    HelpScope(scope): HelpScope,
    State(state): State<AppState>,
    Path((_, command, enrollment)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let (command, enrollment) = target(&command, &enrollment)?;
    cancel_one(&state, &scope, &command, &enrollment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try a command again that was set aside because the device fetched it again and again without an answer.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/commands/{command}/targets/{enrollment}/retry", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path), ("enrollment" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It is not set aside", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn retry(
    HelpScope(scope): HelpScope,
    State(state): State<AppState>,
    Path((_, command, enrollment)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let (command, enrollment) = target(&command, &enrollment)?;
    retry_command(&state, &scope, &command, &enrollment).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PinView {
    /// Six digits.
    pin: String,
}

/// Read the PIN that a Mac was locked or erased with. The audit log keeps who did.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/commands/{command}/targets/{enrollment}/pin", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path), ("enrollment" = String, Path)),
    responses((status = 200, body = PinView), (status = 404, description = "It sets no PIN", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn pin(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, command, enrollment)): Path<(String, String, String)>,
) -> Result<JsonAnswer<PinView>, Problem> {
    let (command, enrollment) = target(&command, &enrollment)?;
    let pin = reveal_pin(&state, &scope, &command, &enrollment).await?;
    Ok(JsonAnswer(PinView { pin: pin.expose().clone() }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovedCommand {
    command_uuid: String,
    request_type: String,
    #[schema(value_type = Vec<String>)]
    targets: Vec<EnrollmentId>,
    /// Whoever approved it first.
    approved_by: Option<String>,
}

/// Approve a command that a colleague asked for, so that it is queued.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/commands/{command}/approve", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path)),
    responses((status = 200, body = ApprovedCommand),
        (status = 403, description = "Asked for with the same token", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It needs no approval, was cancelled, or is over", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn approve(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, command)): Path<(String, String)>,
) -> Result<JsonAnswer<ApprovedCommand>, Problem> {
    let batch = approve_command(&state, &scope, &uuid(&command)?).await?;
    Ok(JsonAnswer(ApprovedCommand {
        command_uuid: batch.uuid.to_string(),
        request_type: batch.request_type,
        targets: batch.targets,
        approved_by: batch.approved_by,
    }))
}
