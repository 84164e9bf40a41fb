//! One page of a job.

use futures_util::{StreamExt, stream};

use super::targets::{UsableTopics, obstacle, page};
use super::{hint, withdraw};
use crate::domain::command::CommandBatch;
use crate::domain::command_job::{CommandJob, JobHint, JobState, JobTally, SkipReason};
use crate::domain::enrollment::Enrollment;
use crate::error::{Error, Kind, Result};
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::service::enqueue_command::send_wakes;
use crate::service::queue_on_target::{Order, queue_on_target};
use crate::service::retention::commands_kept;
use crate::service::sealed;
use crate::service::wake_devices::remembered;
use crate::state::State;
use crate::time::Timestamp;

/// Writes under way at a time.
pub(super) const CONCURRENT: usize = 20;
/// Hints that go out together.
const TOGETHER: usize = 10;

/// Does a job's next page and hints at the one after it. Repeating it changes nothing: on each target the command has one
/// place, and a page is written down once. A process that dies leaves its page to whoever gets the message again, or to the
/// reminder of a sweep.
///
/// # Errors
/// Unavailable when the page is to be tried again.
pub async fn do_page(state: &State, message: &JobHint) -> Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the job was accepted from an administrator, who does not wait for it"
    )]
    let scope = Scope::system(message.tenant.clone(), "command job");
    let Some((job, batch)) = state.store.job_and_command(&scope, &message.command).await? else {
        tracing::error!(tenant = %message.tenant, command = %message.command, "there is no such job");
        return Ok(());
    };
    let now = state.clock.now();
    if !has_work(&job, &batch, message, now) {
        return Ok(());
    }
    if job.state == JobState::Withdrawing {
        return withdraw::do_page(state, &scope, &job, &batch).await;
    }
    let order = order(state, &scope, &batch).await?;
    let targets = match page(state, &scope, &job.targets, job.after.as_deref()).await {
        // The bucket keeps a list of targets for as long as results.
        Err(error) if error.kind() == Kind::NotFound => None,
        targets => Some(targets?),
    };
    let is_over = order.not_after.is_some_and(|end| end <= now) || job.is_given_up(now);
    let Some(targets) = targets.filter(|_| !is_over) else {
        let over = CommandJob {
            state: JobState::Expired,
            step: job.step + 1,
            moved_at: now,
            expires_at: Some(over_at(state, &scope, &batch, now).await?),
            ..job.clone()
        };
        return state.store.advance_job(&scope, &job, &over).await.map(drop);
    };
    let certificates = remembered(state, &scope).await?;
    let usable = UsableTopics::of(&targets.found, &certificates, now);
    let mut tally = job.tally.clone();
    tally.looked_at += count(targets.looked_at);
    tally.found += count(targets.found.len() + targets.unknown);
    for _ in 0..targets.unknown {
        tally.skip(SkipReason::Unknown);
    }
    let mut ready = Vec::with_capacity(targets.found.len());
    for enrollment in &targets.found {
        match obstacle(&order.command, enrollment, &usable) {
            None => ready.push(enrollment.clone()),
            Some(reason) => tally.skip(reason),
        }
    }
    let queued = queue(state, &scope, ready, &order, &mut tally).await?;
    let is_last = targets.next.is_none();
    let expires_at = if is_last { Some(over_at(state, &scope, &batch, now).await?) } else { None };
    let next = CommandJob {
        state: if is_last { JobState::Done } else { JobState::Running },
        expires_at,
        step: job.step + 1,
        after: targets.next,
        tally,
        moved_at: now,
        ..job.clone()
    };
    wake(state, &scope, &queued, next.spread()).await;
    if !state.store.advance_job(&scope, &job, &next).await? {
        return Ok(());
    }
    if next.state == JobState::Running {
        hint(state, &scope, &job.uuid).await;
    } else {
        tracing::info!(tenant = %scope.tenant(), command = %job.uuid, queued = next.tally.queued, "a job is done");
    }
    Ok(())
}

/// When the records of a job are over that ends now.
pub(super) async fn over_at(
    state: &State,
    scope: &Scope,
    batch: &CommandBatch,
    now: Timestamp,
) -> Result<i64> {
    let not_after = batch.job.as_ref().and_then(|order| order.not_after);
    Ok(commands_kept(state, scope).await?.call_until(now, not_after))
}

/// Whether a message finds anything to do: a page, or the end of a job that nobody approved while its command's time lasted.
fn has_work(job: &CommandJob, batch: &CommandBatch, message: &JobHint, now: Timestamp) -> bool {
    match job.state {
        JobState::Running => !message.if_stalled || job.is_stalled(now),
        JobState::AwaitsApproval => {
            let end = batch.job.as_ref().and_then(|order| order.not_after);
            end.is_some_and(|end| end <= now)
        }
        JobState::Withdrawing => {
            job.withdrawal_waits(now) == 0 && (!message.if_stalled || job.is_stalled(now))
        }
        JobState::Done | JobState::Cancelled | JobState::Expired | JobState::Withdrawn => false,
    }
}

async fn order(state: &State, scope: &Scope, batch: &CommandBatch) -> Result<Order> {
    let stored = batch.job.as_ref().ok_or_else(|| Error::internal("a job's command is not there"))?;
    Ok(Order {
        uuid: batch.uuid.clone(),
        command: sealed::open_command(state, scope, None, &batch.uuid, &stored.plist).await?,
        random_pin: stored.random_pin,
        priority: stored.priority,
        created_at: batch.created_at,
        not_after: stored.not_after,
        asked: None,
    })
}

/// Queues on each; returns those it was queued on. That one target refuses is no reason to stop.
async fn queue(
    state: &State,
    scope: &Scope,
    ready: Vec<Enrollment>,
    order: &Order,
    tally: &mut JobTally,
) -> Result<Vec<EnrollmentId>> {
    let mut queued = Vec::with_capacity(ready.len());
    let mut outcomes = stream::iter(ready)
        .map(|enrollment| async move {
            let outcome = queue_on_target(state, scope, &enrollment, order).await;
            (enrollment.id, outcome)
        })
        .buffer_unordered(CONCURRENT);
    while let Some((id, outcome)) = outcomes.next().await {
        match outcome {
            Ok(()) => queued.push(id),
            Err(error) if error.kind() == Kind::Conflict => tally.fail(id, error.code()),
            Err(error) => return Err(error),
        }
    }
    tally.queued += count(queued.len());
    Ok(queued)
}

/// Hints at the devices, ten by ten, each ten at a moment of its own.
async fn wake(state: &State, scope: &Scope, queued: &[EnrollmentId], spread: u16) {
    for some in queued.chunks(TOGETHER) {
        let delay = u16::from_be_bytes(state.random.bytes()) % (spread + 1);
        send_wakes(state, scope, some, delay).await;
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
