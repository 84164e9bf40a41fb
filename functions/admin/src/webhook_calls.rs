//! What became of a webhook's deliveries, and calls that somebody asks for.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::domain::event::EventKind;
use shared::domain::webhook_attempt::{Attempt, CallResult, DeadLetter, Outcome};
use shared::http::{AdminScope, Problem, ProblemDetails, Query, ViewerScope};
use shared::id::AuditId;
use shared::service::manage_webhooks::required;
use shared::service::try_webhook::{redeliver as deliver_again, test_webhook};
use shared::state::AppState;
use shared::time::{Timestamp, from_unix};
use utoipa::ToSchema;

use crate::page::Page;
use crate::webhooks::named;

/// Attempts on one page.
const PAGE: i32 = 100;

/// What a call came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallView {
    outcome: Outcome,
    /// The answer's status; null where there was none.
    status: Option<u16>,
    /// How long it took, in milliseconds.
    latency_ms: u64,
    /// How the answer's body begins: 1 KB at most.
    answer: String,
    /// What went wrong, where there was no answer.
    trouble: Option<String>,
}

impl From<CallResult> for CallView {
    fn from(result: CallResult) -> Self {
        let CallResult { outcome, status, latency_ms, answer, trouble, .. } = result;
        Self { outcome, status, latency_ms, answer, trouble }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The event: `id` of the call's body.
    event: String,
    r#type: EventKind,
    /// The device, or one user's channel on it; null where the event is about all devices.
    enrollment: Option<String>,
    /// The how many-th attempt it was.
    attempt: u32,
    #[serde(flatten)]
    result: CallView,
    /// When the next one will be; null where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            at: attempt.at,
            event: attempt.event.to_string(),
            r#type: attempt.action,
            enrollment: attempt.enrollment.map(|id| id.to_string()),
            attempt: attempt.attempt,
            result: attempt.result.into(),
            next_attempt_at: attempt.next_attempt_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptPage {
    /// The latest first.
    deliveries: Vec<AttemptView>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookDeadLetterView {
    /// The event: `id` of the call's body.
    event: String,
    r#type: EventKind,
    /// The device, or one user's channel on it; null where the event is about all devices.
    enrollment: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    given_up_at: Timestamp,
    /// After how many attempts.
    attempts: u32,
    /// Until when it can be sent once more.
    #[schema(value_type = String, format = DateTime)]
    kept_until: Timestamp,
}

impl From<DeadLetter> for WebhookDeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            event: letter.event.to_string(),
            r#type: letter.action,
            enrollment: letter.enrollment.map(|id| id.to_string()),
            given_up_at: letter.given_up_at,
            attempts: letter.attempts,
            kept_until: from_unix(letter.expires_at),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetterList {
    /// The oldest first.
    dead_letters: Vec<WebhookDeadLetterView>,
}

/// The last deliveries, those of seven days.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/webhooks/{webhook}/deliveries", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path), Page),
    responses((status = 200, body = AttemptPage), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn attempts(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, webhook)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<JsonAnswer<AttemptPage>, Problem> {
    let id = required(&state, &scope, &named(&webhook)?).await?.id;
    let (now, after) = (state.clock.now(), page.after.as_deref());
    let (found, next) = state.store.webhook_attempts(&scope, &id, now, after, PAGE).await?;
    Ok(JsonAnswer(AttemptPage { deliveries: found.into_iter().map(AttemptView::from).collect(), next }))
}

/// Events that were given up, those of thirty days.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/webhooks/{webhook}/dead-letters", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path)),
    responses((status = 200, body = DeadLetterList), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn dead_letters(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, webhook)): Path<(String, String)>,
) -> Result<JsonAnswer<DeadLetterList>, Problem> {
    let id = required(&state, &scope, &named(&webhook)?).await?.id;
    let found = state.store.dead_letters(&scope, &id, state.clock.now()).await?;
    Ok(JsonAnswer(DeadLetterList {
        dead_letters: found.into_iter().map(WebhookDeadLetterView::from).collect(),
    }))
}

/// Send a test and wait for the answer. It tells of nothing that happened.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/webhooks/{webhook}/test", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path)),
    responses((status = 200, body = CallView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn test(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, webhook)): Path<(String, String)>,
) -> Result<JsonAnswer<CallView>, Problem> {
    Ok(JsonAnswer(test_webhook(&state, &scope, &named(&webhook)?).await?.into()))
}

/// Send an event once more that had been given up, and wait for the answer.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/webhooks/{webhook}/dead-letters/{event}/redeliver", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path), ("event" = String, Path)),
    responses((status = 200, body = CallView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn redeliver(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, webhook, event)): Path<(String, String, String)>,
) -> Result<JsonAnswer<CallView>, Problem> {
    let event: AuditId = event.parse()?;
    Ok(JsonAnswer(deliver_again(&state, &scope, &named(&webhook)?, &event).await?.into()))
}
