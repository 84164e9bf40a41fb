//! Commands to many devices: how far they have come.

use std::collections::BTreeMap;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::domain::command_job::{CommandJob, JobFailure, JobState, SkipReason};
use shared::domain::targets::{Filter, Targets};
use shared::error::{Error, Result};
use shared::http::{AdminScope, Problem, ProblemDetails, Query, ViewerScope};
use shared::id::{CommandUuid, EnrollmentId};
use shared::service::command_jobs::{Preview, job, job_targets, stop_job};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::commands::TargetView;
use crate::page::Page;

/// Jobs on one page.
const PAGE: i32 = 100;

/// A command to many devices.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobView {
    command_uuid: String,
    request_type: String,
    targets: JobTargets,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    state: JobState,
    /// Enrollments that were looked at so far.
    looked_at: u64,
    /// Those of them that the command is for.
    found: u64,
    /// Those it was queued on.
    queued: u64,
    /// Those it was not queued on, by reason: `unknown`, `not-enrolled`, `push-certificate`, `unlock-token`.
    #[schema(value_type = BTreeMap<String, u64>)]
    skipped: BTreeMap<SkipReason, u64>,
    /// Those on which queueing failed.
    failed: u64,
    /// The first 20 of the failed.
    failures: Vec<FailureView>,
    /// Those on which its withdrawal found it still waiting, or taken back.
    withdrawn: u64,
    /// Those that had answered before its withdrawal came to them.
    delivered: u64,
    /// When it last came further.
    #[schema(value_type = String, format = DateTime)]
    moved_at: Timestamp,
}

/// Whom it is for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobTargets {
    /// How many enrollments were listed.
    Enrollments(usize),
    /// The members of the group with this name.
    Group(String),
    /// The devices that fit.
    Filter(Box<Filter>),
    /// All devices.
    All(bool),
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FailureView {
    #[schema(value_type = String)]
    enrollment: EnrollmentId,
    /// The error's code.
    code: String,
}

impl From<JobFailure> for FailureView {
    fn from(failure: JobFailure) -> Self {
        Self { enrollment: failure.enrollment, code: failure.code }
    }
}

impl From<CommandJob> for JobView {
    fn from(job: CommandJob) -> Self {
        Self {
            command_uuid: job.uuid.to_string(),
            request_type: job.request_type,
            targets: match job.targets {
                Targets::Listed { count, .. } => JobTargets::Enrollments(count),
                Targets::Group(name) => JobTargets::Group(name),
                Targets::Filter(filter) => JobTargets::Filter(filter),
                Targets::All => JobTargets::All(true),
            },
            created_at: job.created_at,
            state: job.state,
            looked_at: job.tally.looked_at,
            found: job.tally.found,
            queued: job.tally.queued,
            skipped: job.tally.skipped,
            failed: job.tally.failed,
            failures: job.tally.failures.into_iter().map(FailureView::from).collect(),
            withdrawn: job.tally.withdrawn,
            delivered: job.tally.delivered,
            moved_at: job.moved_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct JobPage {
    jobs: Vec<JobView>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct JobTargetPage {
    targets: Vec<TargetView>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

/// What a command would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewView {
    /// Devices it would be queued on.
    would_hit: usize,
    /// Enrollments that were looked at.
    looked_at: usize,
    /// Whether that is everybody; otherwise the numbers are those of the first ones.
    complete: bool,
    /// Those it is for and would not be queued on, by reason.
    #[schema(value_type = BTreeMap<String, u64>)]
    skipped: BTreeMap<SkipReason, u64>,
    /// The first 10 of those it would be queued on.
    first: Vec<PreviewedDevice>,
    /// What speaks against it, as far as the devices are known.
    warnings: Vec<PreviewWarning>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewedDevice {
    #[schema(value_type = String)]
    enrollment: EnrollmentId,
    device_name: Option<String>,
    serial_number: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewWarning {
    /// `platform`, `os-version`, `supervised`, `user-enrollment`, `channel` or `pin`.
    code: &'static str,
    /// On how many devices.
    devices: u64,
    /// What is said of the first one.
    message: String,
}

impl From<Preview> for PreviewView {
    fn from(preview: Preview) -> Self {
        let first = preview.first.into_iter().map(|device| PreviewedDevice {
            enrollment: device.id,
            device_name: device.facts.device_name,
            serial_number: device.facts.serial_number,
        });
        let warnings = preview.warnings.into_iter();
        Self {
            would_hit: preview.would_hit,
            looked_at: preview.looked_at,
            complete: preview.complete,
            skipped: preview.skipped,
            first: first.collect(),
            warnings: warnings
                .map(|(code, (devices, message))| PreviewWarning { code, devices, message })
                .collect(),
        }
    }
}

fn uuid(text: &str) -> Result<CommandUuid> {
    text.parse().map_err(|error: Error| error.at("command"))
}

/// The tenant's commands to many devices, the latest first, a page at a time.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/command-jobs", tag = "devices", params(("tenant" = String, Path), Page),
    responses((status = 200, body = JobPage))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(page): Query<Page>,
) -> Result<JsonAnswer<JobPage>, Problem> {
    let (jobs, next) = state.store.jobs(&scope, page.after.as_deref(), PAGE, state.clock.now()).await?;
    Ok(JsonAnswer(JobPage { jobs: jobs.into_iter().map(JobView::from).collect(), next }))
}

/// How far a command to many devices has come.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/command-jobs/{command}", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path)),
    responses((status = 200, body = JobView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, command)): Path<(String, String)>,
) -> Result<JsonAnswer<JobView>, Problem> {
    Ok(JsonAnswer(job(&state, &scope, &uuid(&command)?).await?.into()))
}

/// Stop a command to many devices. What was queued before stays queued; a page of 100 that is under way is still done.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/command-jobs/{command}", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path)),
    responses((status = 200, body = JobView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It is over", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn stop(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, command)): Path<(String, String)>,
) -> Result<JsonAnswer<JobView>, Problem> {
    Ok(JsonAnswer(stop_job(&state, &scope, &uuid(&command)?).await?.into()))
}

/// The targets that a command was queued on, with what became of it on each, a page at a time. A page may be short or empty: go
/// on until `next` is null.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/command-jobs/{command}/targets", tag = "devices",
    params(("tenant" = String, Path), ("command" = String, Path), Page),
    responses((status = 200, body = JobTargetPage), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn targets(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, command)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<JsonAnswer<JobTargetPage>, Problem> {
    let (targets, next) = job_targets(&state, &scope, &uuid(&command)?, page.after.as_deref()).await?;
    Ok(JsonAnswer(JobTargetPage { targets: targets.into_iter().map(TargetView::from).collect(), next }))
}
