//! The rule about silent devices.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use shared::domain::inactivity::{CalendarException, Held, InactivityRule, SilentFor, WaitingLock};
use shared::error::Error;
use shared::http::{AdminScope, HelpScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::id::EnrollmentId;
use shared::service::inactivity::{
    DEFAULT_CAP, NewRule, change_inactivity_rule, confirm_inactivity, inactivity_rule, preview_inactivity,
};
use shared::service::unlock_access::unlock_access;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::enrollments::EnrollmentView;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleBody {
    /// After how long a silent device is inactive: `never`, `24h`, `7d`, `14d`, `30d`.
    after: SilentFor,
    /// Most devices that become inactive in a day (UTC), 1 to 10,000; 50 unless you say otherwise.
    #[serde(default = "default_cap")]
    daily_cap: u32,
    /// When silence does not count, in their order.
    #[serde(default)]
    exceptions: Vec<CalendarException>,
    /// Queue Apple's DeviceLock for a device that becomes inactive, to be found when it comes back. Not for Macs.
    #[serde(default)]
    device_lock: Option<WaitingLock>,
}

fn default_cap() -> u32 {
    DEFAULT_CAP
}

impl From<RuleBody> for NewRule {
    fn from(body: RuleBody) -> Self {
        let RuleBody { after, daily_cap, exceptions, device_lock } = body;
        Self { after, daily_cap, exceptions, device_lock }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RuleView {
    after: SilentFor,
    daily_cap: u32,
    exceptions: Vec<CalendarException>,
    device_lock: Option<WaitingLock>,
    /// Set while the rule rests, because too many devices fell silent at once: an outage, or holidays nobody entered.
    held: Option<Held>,
    /// Until when the rule does not rest, because somebody confirmed the number of silent devices.
    #[schema(value_type = Option<String>, format = DateTime)]
    confirmed_until: Option<Timestamp>,
}

impl From<InactivityRule> for RuleView {
    fn from(rule: InactivityRule) -> Self {
        let InactivityRule { after, daily_cap, exceptions, device_lock, held, confirmed_until, .. } = rule;
        Self { after, daily_cap, exceptions, device_lock, held, confirmed_until }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewBody {
    /// A rule to try; the tenant's own where it is left out.
    #[serde(default)]
    rule: Option<RuleBody>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct InactivityPreviewView {
    /// In one sentence.
    #[schema(example = "It would hit 37 devices of 412.")]
    words: String,
    /// How many devices have been silent for too long.
    would_hit: u64,
    /// Of how many enrolled ones.
    devices: u64,
    /// The first hundred of them.
    first: Vec<String>,
    /// Whether they are so many that the rule rests until their number is confirmed.
    held: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmation {
    /// The preview's `would_hit`, typed back.
    devices: u64,
}

/// The rule about silent devices.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/inactivity", tag = "inactivity", params(("tenant" = String, Path)),
    responses((status = 200, body = RuleView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<RuleView>, Problem> {
    Ok(JsonAnswer(inactivity_rule(&state, &scope).await?.into()))
}

/// Replace the rule about silent devices. It takes effect with the next hourly sweep.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/inactivity", tag = "inactivity", params(("tenant" = String, Path)),
    request_body = RuleBody,
    responses((status = 200, body = RuleView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn change(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<RuleBody>,
) -> Result<JsonAnswer<RuleView>, Problem> {
    Ok(JsonAnswer(change_inactivity_rule(&state, &scope, body.into()).await?.into()))
}

/// What a rule would do now. Nothing changes.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/inactivity/preview", tag = "inactivity", params(("tenant" = String, Path)),
    request_body = PreviewBody,
    responses((status = 200, body = InactivityPreviewView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn preview(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<PreviewBody>,
) -> Result<JsonAnswer<InactivityPreviewView>, Problem> {
    let preview = preview_inactivity(&state, &scope, body.rule.map(NewRule::from)).await?;
    Ok(JsonAnswer(InactivityPreviewView {
        words: format!("It would hit {} devices of {}.", preview.would_hit, preview.devices),
        would_hit: preview.would_hit,
        devices: preview.devices,
        first: preview.first.iter().map(ToString::to_string).collect(),
        held: preview.held,
    }))
}

/// Confirm that so many devices are silent indeed: for a day the rule does not rest.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/inactivity/confirm", tag = "inactivity", params(("tenant" = String, Path)),
    request_body = Confirmation,
    responses((status = 200, body = RuleView),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn confirm(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<Confirmation>,
) -> Result<JsonAnswer<RuleView>, Problem> {
    Ok(JsonAnswer(confirm_inactivity(&state, &scope, body.devices).await?.into()))
}

/// Let a device back to the tenant's services. This lock of access is not Apple's DeviceLock.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/unlock", tag = "inactivity",
    params(("tenant" = String, Path), ("enrollment" = String, Path)),
    responses((status = 200, body = EnrollmentView),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn unlock(
    HelpScope(scope): HelpScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
) -> Result<JsonAnswer<EnrollmentView>, Problem> {
    let id: EnrollmentId = enrollment.parse().map_err(|error: Error| error.at("enrollment"))?;
    let unlocked = unlock_access(&state, &scope, &id).await?;
    Ok(JsonAnswer(EnrollmentView::of(unlocked, state.clock.now())))
}
