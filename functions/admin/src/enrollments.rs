//! Enrollments.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::domain::enrollment::{DeviceFacts, Enrollment, EnrollmentState, PushAttempt};
use shared::error::Error;
use shared::http::{Problem, ProblemDetails, Query, ViewerScope};
use shared::id::EnrollmentId;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::page::Page;

/// Enrollments on one page.
const PAGE: i32 = 100;

#[derive(Serialize, ToSchema)]
pub(crate) struct EnrollmentView {
    /// `UDID`, `UDID:UserID`, or the same of a User Enrollment.
    id: String,
    state: EnrollmentState,
    /// What the device listens on.
    topic: Option<String>,
    /// The label of the link it enrolled by.
    group: Option<String>,
    device: DeviceFacts,
    #[schema(value_type = String, format = DateTime)]
    last_seen: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    enrolled_at: Option<Timestamp>,
    /// Commands without a final answer.
    waiting_commands: u64,
    /// Whether the device waits in Setup Assistant.
    awaiting_configuration: bool,
    /// What came of the last push.
    last_push: Option<PushAttempt>,
    /// Whether the device deposited a token to clear its passcode with.
    has_unlock_token: bool,
    /// Whether the Mac deposited its bootstrap token.
    has_bootstrap_token: bool,
}

impl From<Enrollment> for EnrollmentView {
    fn from(enrollment: Enrollment) -> Self {
        Self {
            id: enrollment.id.to_string(),
            state: enrollment.state,
            group: enrollment.group,
            topic: enrollment.push.map(|push| push.topic),
            device: enrollment.facts,
            last_seen: enrollment.last_seen,
            enrolled_at: enrollment.enrolled_at,
            waiting_commands: enrollment.waiting,
            awaiting_configuration: enrollment.awaiting_configuration,
            last_push: enrollment.last_push,
            has_unlock_token: enrollment.unlock_token.is_some(),
            has_bootstrap_token: enrollment.bootstrap_token.is_some(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct EnrollmentPage {
    enrollments: Vec<EnrollmentView>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

/// The tenant's enrolled devices and users, a page at a time.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollments", tag = "devices", params(("tenant" = String, Path), Page),
    responses((status = 200, body = EnrollmentPage))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(page): Query<Page>,
) -> Result<JsonAnswer<EnrollmentPage>, Problem> {
    let (found, next) = state.store.list_enrollments(&scope, page.after.as_deref(), PAGE).await?;
    Ok(JsonAnswer(EnrollmentPage {
        enrollments: found.into_iter().map(EnrollmentView::from).collect(),
        next,
    }))
}

/// One enrollment, also after it ended.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollments/{enrollment}", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path)),
    responses((status = 200, body = EnrollmentView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
) -> Result<JsonAnswer<EnrollmentView>, Problem> {
    let id: EnrollmentId = enrollment.parse().map_err(|error: Error| error.at("enrollment"))?;
    let found = state.store.enrollment(&scope, &id).await?.ok_or_else(|| Error::not_found("enrollment"))?;
    Ok(JsonAnswer(found.into()))
}
