//! A job's command is taken back wherever it still waits: the same devices once more, a page at a time.

use std::collections::HashMap;

use futures_util::{TryStreamExt, stream};

use super::page::{CONCURRENT, over_at};
use super::start::{hint_in, named};
use super::stop::stop_job;
use super::targets::ever;
use crate::domain::audit::AuditAction;
use crate::domain::command::{CommandBatch, CommandStatus};
use crate::domain::command_job::{CommandJob, JobState};
use crate::error::{Error, Result};
use crate::id::CommandUuid;
use crate::scope::Scope;
use crate::service::withdraw_command::withdraw_one;
use crate::state::State;

/// Stops a job, if it is not over, and begins to take its command back on all devices that have not answered it. Repeating it
/// changes nothing.
///
/// # Errors
/// NotFound when there is no such job; Unavailable when it changed at the same moment.
pub async fn withdraw_job(state: &State, scope: &Scope, uuid: &CommandUuid) -> Result<CommandJob> {
    let job = super::job(state, scope, uuid).await?;
    match job.state {
        // Nothing was queued yet.
        JobState::AwaitsApproval => return stop_job(state, scope, uuid).await,
        JobState::Withdrawn => return Ok(job),
        JobState::Withdrawing => {}
        JobState::Running | JobState::Done | JobState::Cancelled | JobState::Expired => {
            let audit = state
                .audit(scope, AuditAction::CommandCancelled)
                .with("command_uuid", uuid)
                .with("request_type", &job.request_type)
                .with("targets", named(&job.targets));
            state.store.withdraw_job(scope, &job, state.clock.now(), &audit).await?;
        }
    }
    let job = super::job(state, scope, uuid).await?;
    if !job.state.is_taken_back() {
        return Err(Error::unavailable("a job changed while its command was to be taken back"));
    }
    hint_in(state, scope, uuid, job.withdrawal_waits(state.clock.now())).await;
    Ok(job)
}

/// Does the next page. What is counted is what is found, so that a page that is done twice is counted once.
pub(super) async fn do_page(
    state: &State,
    scope: &Scope,
    job: &CommandJob,
    batch: &CommandBatch,
) -> Result<()> {
    let now = state.clock.now();
    let (ids, after) = ever(state, scope, job, now).await?;
    let commands = state.store.commands(scope, &job.uuid, &ids, now).await?;
    stream::iter(commands.into_iter().filter(|command| command.status.is_waiting()).map(Ok::<_, Error>))
        .try_for_each_concurrent(CONCURRENT, |command| withdraw_one(state, scope, command, None))
        .await?;
    let mut found: HashMap<CommandStatus, u64> = HashMap::new();
    for command in state.store.commands(scope, &job.uuid, &ids, now).await? {
        *found.entry(command.status).or_default() += 1;
    }
    let of = |status| found.get(&status).copied().unwrap_or_default();
    let mut tally = job.tally.clone();
    tally.withdrawn += of(CommandStatus::Cancelled);
    tally.delivered +=
        of(CommandStatus::Acknowledged) + of(CommandStatus::Error) + of(CommandStatus::CommandFormatError);
    let is_last = after.is_none();
    let next = CommandJob {
        state: if is_last { JobState::Withdrawn } else { JobState::Withdrawing },
        step: job.step + 1,
        after,
        tally,
        moved_at: now,
        expires_at: if is_last { Some(over_at(state, scope, batch, now).await?) } else { None },
        ..job.clone()
    };
    if state.store.advance_job(scope, job, &next).await? && !is_last {
        hint_in(state, scope, &job.uuid, 0).await;
    }
    Ok(())
}
