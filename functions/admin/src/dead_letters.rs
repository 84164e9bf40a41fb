//! The operator's dead letters.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use shared::domain::dead_letter::{DeadLetter, DeadLetterQueue};
use shared::error::{Error, Result as Checked};
use shared::http::{OperatorCaller, Problem, ProblemDetails};
use shared::id::TenantId;
use shared::port::dead_letters::{LettersMove, MoveState};
use shared::service::dead_letters::{
    DeadLettersShown, dead_letters, discard_dead_letters, send_dead_letters_back,
};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetterView {
    /// What it asked for, in words.
    what: &'static str,
    /// Whose it is.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Which device, command or webhook it is about.
    subject: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    sent_at: Timestamp,
    /// Why it failed, where it is known.
    error: Option<String>,
}

impl From<DeadLetter> for DeadLetterView {
    fn from(DeadLetter { about, sent_at, error, .. }: DeadLetter) -> Self {
        Self { what: about.what, tenant: about.tenant, subject: about.subject, sent_at, error }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum MoveStateView {
    Running,
    Done,
    Failed,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LettersMoveView {
    state: MoveStateView,
    /// About how many letters it moved.
    moved: u64,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// Why it ended before its time, as the queue says it.
    reason: Option<String>,
}

impl From<LettersMove> for LettersMoveView {
    fn from(LettersMove { state, moved, started_at }: LettersMove) -> Self {
        let (state, reason) = match state {
            MoveState::Running => (MoveStateView::Running, None),
            MoveState::Done => (MoveStateView::Done, None),
            MoveState::Failed(why) => (MoveStateView::Failed, Some(why)),
        };
        Self { state, moved, started_at, reason }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLettersView {
    queue: DeadLetterQueue,
    /// About how many letters lie there.
    letters: u64,
    /// Some of them, the oldest first.
    some: Vec<DeadLetterView>,
    /// Whether they can be sent back to where they came from.
    goes_back: bool,
    /// The last time that letters were sent back.
    last_move: Option<LettersMoveView>,
}

impl From<DeadLettersShown> for DeadLettersView {
    fn from(DeadLettersShown { queue, letters, some, last_move }: DeadLettersShown) -> Self {
        Self {
            queue,
            letters,
            some: some.into_iter().map(DeadLetterView::from).collect(),
            goes_back: queue.goes_back(),
            last_move: last_move.map(LettersMoveView::from),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetterQueues {
    queues: Vec<DeadLettersView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SentBack {
    /// About how many letters go back.
    letters: u64,
}

/// Messages that failed so often that they were set aside: how many, and what some of them are about.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "operator", responses((status = 200, body = DeadLetterQueues)))]
pub(crate) async fn list(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
) -> Result<JsonAnswer<DeadLetterQueues>, Problem> {
    let queues = dead_letters(&state, &operator).await?;
    Ok(JsonAnswer(DeadLetterQueues { queues: queues.into_iter().map(DeadLettersView::from).collect() }))
}

/// Send a queue's letters back to where they came from, to be tried anew. They go by themselves.
#[utoipa::path(
    post, path = "/v1/dead-letters/{queue}/send-back", tag = "operator", params(("queue" = String, Path)),
    responses(
        (status = 200, body = SentBack), (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json")
    )
)]
pub(crate) async fn send_back(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Path(queue): Path<String>,
) -> Result<JsonAnswer<SentBack>, Problem> {
    let letters = send_dead_letters_back(&state, &operator, named(&queue)?).await?;
    Ok(JsonAnswer(SentBack { letters }))
}

/// Delete a queue's letters.
#[utoipa::path(
    delete, path = "/v1/dead-letters/{queue}", tag = "operator", params(("queue" = String, Path)),
    responses(
        (status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json")
    )
)]
pub(crate) async fn discard(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Path(queue): Path<String>,
) -> Result<StatusCode, Problem> {
    discard_dead_letters(&state, &operator, named(&queue)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn named(queue: &str) -> Checked<DeadLetterQueue> {
    DeadLetterQueue::named(queue).ok_or_else(|| Error::not_found("queue"))
}
