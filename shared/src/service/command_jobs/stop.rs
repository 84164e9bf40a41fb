//! A job ends before its end.

use super::page::over_at;
use super::start::named;
use crate::domain::audit::AuditAction;
use crate::domain::command_job::CommandJob;
use crate::error::{Error, Result};
use crate::id::CommandUuid;
use crate::scope::Scope;
use crate::service::withdraw_command::batch;
use crate::state::State;

/// Stops a job. What was queued before stays queued; a page under way is still done. Repeating it changes nothing.
///
/// # Errors
/// NotFound when there is no such job; Conflict when it is over.
pub async fn stop_job(state: &State, scope: &Scope, uuid: &CommandUuid) -> Result<CommandJob> {
    let job = super::job(state, scope, uuid).await?;
    let command = batch(state, scope, uuid).await?;
    let audit = state
        .audit(scope, AuditAction::CommandCancelled)
        .with("command_uuid", uuid)
        .with("request_type", &job.request_type)
        .with("targets", named(&job.targets));
    let now = state.clock.now();
    let end = over_at(state, scope, &command, now).await?;
    let stopped = state.store.stop_job(scope, &job, (now, end), &audit).await?;
    let job = super::job(state, scope, uuid).await?;
    if stopped || job.state.is_taken_back() {
        return Ok(job);
    }
    Err(Error::conflict("job-over", "Every target was looked at already.")
        .next("Take its command back with DELETE .../commands/{command}."))
}
