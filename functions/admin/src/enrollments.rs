//! Enrollments.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use shared::domain::dismissal::Reason;
use shared::domain::enrollment::{DeviceFacts, Enrollment, EnrollmentState, PushAttempt};
use shared::error::Error;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, Query, ViewerScope};
use shared::id::EnrollmentId;
use shared::service::retire_device::retire_device;
use shared::service::unenroll_device::unenroll_device;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

use crate::identities::IdentityView;

/// Enrollments on one page.
const PAGE: i32 = 100;

#[derive(Serialize, ToSchema)]
pub(crate) struct EnrollmentView {
    /// `UDID`, `UDID:UserID`, or the same of a User Enrollment.
    id: String,
    state: EnrollmentState,
    /// What the device signs with; null for a user, who signs with the device's.
    identity: Option<IdentityView>,
    /// What the device listens on.
    topic: Option<String>,
    /// The names of the groups it is in.
    groups: Vec<String>,
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
    /// Since when it is inactive: silent for as long as the tenant's rule allows.
    #[schema(value_type = Option<String>, format = DateTime)]
    inactive_since: Option<Timestamp>,
    /// Since when the tenant's services are closed to it; null where they are open.
    #[schema(value_type = Option<String>, format = DateTime)]
    locked_at: Option<Timestamp>,
    /// Why the device was unenrolled; null where it was not.
    unenroll_reason: Option<String>,
    /// Whether the device deposited a token to clear its passcode with.
    has_unlock_token: bool,
    /// Whether the Mac deposited its bootstrap token.
    has_bootstrap_token: bool,
}

impl EnrollmentView {
    /// An enrollment as of now.
    pub(crate) fn of(enrollment: Enrollment, now: Timestamp) -> Self {
        Self {
            identity: IdentityView::of(&enrollment, now),
            id: enrollment.id.to_string(),
            state: enrollment.state,
            groups: enrollment.groups.into_iter().collect(),
            topic: enrollment.push.map(|push| push.topic),
            device: enrollment.facts,
            last_seen: enrollment.last_seen,
            enrolled_at: enrollment.enrolled_at,
            waiting_commands: enrollment.waiting,
            awaiting_configuration: enrollment.awaiting_configuration,
            last_push: enrollment.last_push,
            inactive_since: enrollment.inactive_since,
            locked_at: enrollment.locked_at,
            unenroll_reason: enrollment.dismissal.map(|dismissal| dismissal.reason.as_str().to_owned()),
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

/// Which enrollments to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The `next` of the page before.
    #[serde(default)]
    after: Option<String>,
    /// Only those in this state: `enrolled`, `inactive` or `unenrolling`.
    #[serde(default)]
    #[param(inline)]
    state: Option<EnrollmentState>,
    /// Only those whose access is locked (`true`), or is not.
    #[serde(default)]
    locked: Option<bool>,
}

/// The tenant's enrolled devices and users, a page at a time. A page of a filtered list may be short or empty: go on until
/// `next` is null.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollments", tag = "devices", params(("tenant" = String, Path), Wanted),
    responses((status = 200, body = EnrollmentPage))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(wanted): Query<Wanted>,
) -> Result<JsonAnswer<EnrollmentPage>, Problem> {
    let (mut found, next) = state.store.list_enrollments(&scope, wanted.after.as_deref(), PAGE).await?;
    found.retain(|enrollment| {
        wanted.state.is_none_or(|state| enrollment.state == state)
            && wanted.locked.is_none_or(|locked| enrollment.locked_at.is_some() == locked)
    });
    let now = state.clock.now();
    Ok(JsonAnswer(EnrollmentPage {
        enrollments: found.into_iter().map(|each| EnrollmentView::of(each, now)).collect(),
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
    Ok(JsonAnswer(EnrollmentView::of(found, state.clock.now())))
}

/// Take a device out of the lists that will not check out by itself: lost, sold, erased. Its history stays; it may enroll anew.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/retire", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path)),
    responses((status = 200, body = EnrollmentView),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn retire(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
) -> Result<JsonAnswer<EnrollmentView>, Problem> {
    let id: EnrollmentId = enrollment.parse().map_err(|error: Error| error.at("enrollment"))?;
    let retired = retire_device(&state, &scope, &id).await?;
    Ok(JsonAnswer(EnrollmentView::of(retired, state.clock.now())))
}

/// Why a device is unenrolled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unenrollment {
    /// A sentence of up to 200 characters, for the log and for the device's user.
    reason: String,
}

/// Make a device remove its enrollment: it is woken, and its next message is answered with Apple's code for it. Its profile,
/// and what came with that, go; its commands are dropped. A device that sleeps is told when it wakes up.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/unenroll", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path)), request_body = Unenrollment,
    responses((status = 200, body = EnrollmentView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn unenroll(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
    Json(wanted): Json<Unenrollment>,
) -> Result<JsonAnswer<EnrollmentView>, Problem> {
    let id: EnrollmentId = enrollment.parse().map_err(|error: Error| error.at("enrollment"))?;
    let reason = Reason::new(&wanted.reason)?;
    let unenrolled = unenroll_device(&state, &scope, &id, reason).await?;
    Ok(JsonAnswer(EnrollmentView::of(unenrolled, state.clock.now())))
}
