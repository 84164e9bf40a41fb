//! Commands: sent, and shown with what became of them.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::domain::command::{CommandStatus, usual_priority};
use shared::domain::rights::{self, Right};
use shared::error::Error;
use shared::http::{AdminScope, HelpScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::id::{CommandUuid, EnrollmentId};
use shared::protocol::command::Command;
use shared::service::command_jobs::{NewJob, preview_command, start_job};
use shared::service::enqueue_command::{
    Accepted, NewCommand, Warning, command_from, enqueue_command, with_pins,
};
use shared::service::show_command::{TargetStatus, show_command};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::command_jobs::{JobView, PreviewView};
use crate::targets::{Selection, Targets};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandOrder {
    /// Whom it is for: a list of enrollments, or one of these.
    #[schema(value_type = Selection)]
    targets: Targets,
    /// Apple's command as JSON: `RequestType` and its keys; data in base64.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"RequestType": "DeviceInformation"}))]
    command: Option<serde_json::Value>,
    /// Or, instead, a raw command: a property list, XML as text or any form in base64.
    #[serde(default)]
    command_plist: Option<String>,
    /// 0 to 9; the higher is handed out first.
    #[serde(default = "usual_priority")]
    priority: u8,
    /// A UUID of your own, so that a repeated call sends nothing twice.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    command_uuid: Option<CommandUuid>,
    /// How many seconds it may wait, 60 to 31536000; the tenant's `command_expires_in` unless given.
    #[serde(default)]
    expires_in: Option<u64>,
    /// Whether each Mac gets a random PIN of its own (DeviceLock and EraseDevice); read it as that of a single command.
    #[serde(default)]
    random_pin: bool,
}

/// Why a command that was accepted will probably not do what it should.
#[derive(Serialize, ToSchema)]
pub(crate) struct WarningView {
    /// On which target; null when it is about the command itself.
    #[schema(value_type = Option<String>)]
    enrollment: Option<EnrollmentId>,
    /// `unknown-key`, `platform`, `os-version`, `supervised`, `user-enrollment`, `channel` or `pin`.
    code: &'static str,
    message: String,
}

impl From<Warning> for WarningView {
    fn from(warning: Warning) -> Self {
        Self { enrollment: warning.enrollment, code: warning.code, message: warning.message }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SentCommand {
    command_uuid: String,
    request_type: String,
    #[schema(value_type = Vec<String>)]
    targets: Vec<EnrollmentId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Whether a second administrator must approve it before it is queued.
    awaits_approval: bool,
    /// What speaks against it, as far as the devices are known. It is sent all the same.
    warnings: Vec<WarningView>,
}

impl From<Accepted> for SentCommand {
    fn from(accepted: Accepted) -> Self {
        let batch = accepted.batch;
        Self {
            awaits_approval: batch.awaits_approval(),
            warnings: accepted.warnings.into_iter().map(WarningView::from).collect(),
            command_uuid: batch.uuid.to_string(),
            request_type: batch.request_type,
            targets: batch.targets,
            created_at: batch.created_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TargetView {
    #[schema(value_type = String)]
    enrollment: EnrollmentId,
    /// Null where the call was cut short before this target; repeat it with the same `command_uuid`.
    status: Option<CommandStatus>,
    /// How often the device said NotNow.
    not_now_tally: u64,
    /// When the final answer came, or it was withdrawn.
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    /// When its time is over.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Whether the answer came after it was withdrawn: the device had fetched it before.
    after_cancel: bool,
    /// Why it stands where it stands, in a sentence.
    explanation: String,
    /// The device's answer, decoded.
    #[schema(value_type = Option<Object>)]
    result: Option<serde_json::Value>,
}

impl From<TargetStatus> for TargetView {
    fn from(target: TargetStatus) -> Self {
        Self {
            enrollment: target.enrollment,
            status: target.status,
            not_now_tally: target.not_now_tally,
            completed_at: target.completed_at,
            expires_at: target.not_after,
            after_cancel: target.after_cancel,
            explanation: target.explanation.to_string(),
            result: target.result,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CommandView {
    command_uuid: String,
    request_type: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was taken back as a whole.
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled_at: Option<Timestamp>,
    awaits_approval: bool,
    /// Who approved it, where that was needed.
    approved_by: Option<String>,
    /// Whether it goes to many devices by a job: then `targets` is empty, and `command-jobs` has them.
    is_job: bool,
    targets: Vec<TargetView>,
}

/// Queue a command on every target and wake them. Up to 100 listed enrollments are checked, and queued at once. More of them, a group, a
/// filter or all devices become a job, which is accepted with 202 and done in the background. The help desk sends the commands of the daily
/// work to one device.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/commands", tag = "devices", params(("tenant" = String, Path)),
    request_body = CommandOrder,
    responses((status = 201, body = SentCommand),
        (status = 202, description = "A job was accepted", body = JobView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "The help desk does not send this", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "A target is unknown", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "A target is not enrolled, or its push certificate expired", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn send(
    HelpScope(scope): HelpScope,
    State(state): State<AppState>,
    Json(order): Json<CommandOrder>,
) -> Result<Response, Problem> {
    if order.command_plist.is_some() {
        // Nobody has filled it in by a form that says what it does.
        rights::check(scope.actor(), Right::Manage)?;
    }
    let command: Command = command_from(order.command.as_ref(), order.command_plist.as_deref())?;
    let targets = match order.targets.chosen()?.few() {
        Ok(few) => few,
        Err(targets) => {
            let new = NewJob {
                command,
                targets,
                priority: order.priority,
                uuid: order.command_uuid,
                expires_in: order.expires_in,
                random_pin: order.random_pin,
            };
            let job = start_job(&state, &scope, new).await?;
            return Ok((StatusCode::ACCEPTED, JsonAnswer(JobView::from(job))).into_response());
        }
    };
    let new = NewCommand {
        command,
        targets,
        priority: order.priority,
        uuid: order.command_uuid,
        expires_in: order.expires_in,
        random_pin: order.random_pin,
    };
    let accepted = enqueue_command(&state, &scope, new).await?;
    Ok((StatusCode::CREATED, JsonAnswer(SentCommand::from(accepted))).into_response())
}

/// See whom a command would be queued on, before it is sent. The body is that of the command itself. Up to 20,000 devices are
/// looked at.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/commands/preview", tag = "devices", params(("tenant" = String, Path)),
    request_body = CommandOrder,
    responses((status = 200, body = PreviewView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "The group is unknown", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn preview(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(order): Json<CommandOrder>,
) -> Result<JsonAnswer<PreviewView>, Problem> {
    let command: Command = command_from(order.command.as_ref(), order.command_plist.as_deref())?;
    let command = with_pins(&command, order.random_pin)?;
    let targets = order.targets.chosen()?;
    Ok(JsonAnswer(preview_command(&state, &scope, &command, &targets).await?.into()))
}

/// A command's status, and its decoded result, on each target.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/commands/{command}", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path)),
    responses((status = 200, body = CommandView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, command)): Path<(String, String)>,
) -> Result<JsonAnswer<CommandView>, Problem> {
    let uuid: CommandUuid = command.parse().map_err(|error: Error| error.at("command"))?;
    let (batch, targets) = show_command(&state, &scope, &uuid).await?;
    Ok(JsonAnswer(CommandView {
        awaits_approval: batch.awaits_approval(),
        command_uuid: batch.uuid.to_string(),
        request_type: batch.request_type,
        created_at: batch.created_at,
        cancelled_at: batch.cancelled_at,
        approved_by: batch.approved_by,
        is_job: batch.job.is_some(),
        targets: targets.into_iter().map(TargetView::from).collect(),
    }))
}
