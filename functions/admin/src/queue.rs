//! What waits on one enrollment.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use shared::domain::command::{CommandStatus, QueuedCommand};
use shared::domain::explanation::Explanation;
use shared::error::Error;
use shared::http::{AdminScope, Problem, ProblemDetails, Query, ViewerScope};
use shared::id::EnrollmentId;
use shared::service::list_queue::list_queue;
use shared::service::withdraw_command::clear_queue;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// True for what was set aside, instead of what waits.
    #[serde(default)]
    stuck: bool,
    /// The `next` of the page before.
    #[serde(default)]
    after: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingCommand {
    command_uuid: String,
    request_type: String,
    status: CommandStatus,
    /// 0 to 9; the higher is handed out first.
    priority: u8,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its time is over.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// How often the device said NotNow.
    not_now_tally: u64,
    /// Why it waits, in a sentence.
    explanation: String,
}

impl From<(QueuedCommand, Explanation)> for WaitingCommand {
    fn from((command, explanation): (QueuedCommand, Explanation)) -> Self {
        Self {
            command_uuid: command.uuid.to_string(),
            request_type: command.request_type,
            status: command.status,
            priority: command.priority,
            created_at: command.created_at,
            expires_at: command.not_after,
            not_now_tally: command.not_now_tally,
            explanation: explanation.to_string(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct QueuePage {
    /// In the order they are handed out.
    commands: Vec<WaitingCommand>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

fn id(text: &str) -> Result<EnrollmentId, Error> {
    text.parse().map_err(|error: Error| error.at("enrollment"))
}

/// What waits on an enrollment and why, in the order it is handed out; or what was set aside.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/commands", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path), Which),
    responses((status = 200, body = QueuePage), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Result<JsonAnswer<QueuePage>, Problem> {
    let (commands, next) =
        list_queue(&state, &scope, &id(&enrollment)?, which.stuck, which.after.as_deref()).await?;
    Ok(JsonAnswer(QueuePage { commands: commands.into_iter().map(WaitingCommand::from).collect(), next }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ClearedQueue {
    /// How many commands were taken back.
    cancelled: usize,
}

/// Take back all that waits on an enrollment.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/commands", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path)),
    responses((status = 200, body = ClearedQueue), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn clear(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
) -> Result<JsonAnswer<ClearedQueue>, Problem> {
    let cancelled = clear_queue(&state, &scope, &id(&enrollment)?).await?;
    Ok(JsonAnswer(ClearedQueue { cancelled }))
}
