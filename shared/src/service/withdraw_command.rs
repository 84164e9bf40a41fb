//! Taking commands back: one on all its targets or on one, or all that waits on a device. And another try of one that was
//! set aside.

use super::command_jobs::withdraw_job;
use super::enqueue_command::send_wakes;
use super::retention::commands_kept;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::command::{CommandBatch, CommandStatus, QueuedCommand};
use crate::domain::command_job::CommandJob;
use crate::domain::enrollment::Enrollment;
use crate::domain::rights::{self, Right};
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId};
use crate::scope::Scope;
use crate::state::State;
use crate::store::Withdrawal;

/// Commands of a queue taken out in one transaction.
const AT_ONCE: i32 = 50;
/// How often a device may answer in between before the caller is told to come back.
const ROUNDS: usize = 20;

/// Takes a command back on all its targets. Where it was answered, or is over otherwise, nothing changes. A device that has
/// fetched it may still answer: then the answer counts. Repeating it completes what was interrupted. A job's command is taken
/// back by the job, which is returned.
///
/// # Errors
/// NotFound when this tenant sent no such command; Forbidden where the help desk did not send it itself.
pub async fn cancel_command(state: &State, scope: &Scope, uuid: &CommandUuid) -> Result<Option<CommandJob>> {
    let batch = batch(state, scope, uuid).await?;
    may_withdraw(scope, &batch)?;
    if batch.job.is_some() {
        return withdraw_job(state, scope, uuid).await.map(Some);
    }
    let audit = about(state, scope, AuditAction::CommandCancelled, &batch);
    // First of all, so that a call which still queues, or an approval, comes too late.
    state.store.cancel_batch(scope, &batch, state.clock.now(), &audit).await?;
    for command in state.store.commands(scope, uuid, &batch.targets, state.clock.now()).await? {
        withdraw_one(state, scope, command, None).await?;
    }
    Ok(None)
}

/// Takes a command back on one target; as [`cancel_command`].
///
/// # Errors
/// NotFound when this tenant sent no such command to this target; Forbidden where the help desk did not send it itself.
pub async fn cancel_on_target(
    state: &State,
    scope: &Scope,
    uuid: &CommandUuid,
    target: &EnrollmentId,
) -> Result<()> {
    may_withdraw_by_id(state, scope, uuid).await?;
    let command = on_target(state, scope, uuid, target).await?;
    let audit = about_one(state, scope, AuditAction::CommandCancelled, &command);
    withdraw_one(state, scope, command, Some(&audit)).await
}

/// Whether the scope's actor may take this back: the help desk, what it sent itself.
///
/// # Errors
/// Forbidden for what somebody else sent, or without any right to send.
pub fn may_withdraw(scope: &Scope, batch: &CommandBatch) -> Result<()> {
    if rights::check(scope.actor(), Right::Manage).is_ok() {
        return Ok(());
    }
    rights::check(scope.actor(), Right::Help)?;
    if batch.sent_by.as_deref() == Some(scope.actor().to_string().as_str()) {
        return Ok(());
    }
    Err(Error::forbidden(
        "command-anothers",
        "The help desk takes back what it sent itself, and somebody else sent this.",
    )
    .next("Ask an administrator to take it back."))
}

/// The same for a command by its identifier, which is looked up where it matters alone.
///
/// # Errors
/// As [`may_withdraw`]; NotFound.
pub async fn may_withdraw_by_id(state: &State, scope: &Scope, uuid: &CommandUuid) -> Result<()> {
    if rights::check(scope.actor(), Right::Manage).is_ok() {
        return Ok(());
    }
    may_withdraw(scope, &batch(state, scope, uuid).await?)
}

fn about_one(state: &State, scope: &Scope, action: AuditAction, command: &QueuedCommand) -> AuditEntry {
    state
        .audit(scope, action)
        .with("command_uuid", &command.uuid)
        .with("request_type", &command.request_type)
        .with("enrollment", &command.enrollment)
}

pub(super) async fn withdraw_one(
    state: &State,
    scope: &Scope,
    command: QueuedCommand,
    audit: Option<&AuditEntry>,
) -> Result<()> {
    let commands = [command];
    let (to, now) = (CommandStatus::Cancelled, state.clock.now());
    let kept = commands_kept(state, scope).await?;
    let withdrawal = Withdrawal { commands: &commands, to, now, kept, audit };
    // `false`: it does not wait any more, and that stays.
    state.store.withdraw(scope, &withdrawal).await.map(drop)
}

/// Takes back all that waits on an enrollment, and returns how many commands that were.
///
/// # Errors
/// NotFound when there is no such enrollment; Unavailable when its device answers faster than its queue is cleared.
pub async fn clear_queue(state: &State, scope: &Scope, id: &EnrollmentId) -> Result<usize> {
    let enrollment = enrollment(state, scope, id).await?;
    let (mut cleared, kept) = (0, commands_kept(state, scope).await?);
    for _ in 0..ROUNDS {
        let now = state.clock.now();
        let (waiting, _) = state.store.queue_page(scope, &enrollment, false, None, (AT_ONCE, now)).await?;
        if waiting.is_empty() {
            return Ok(cleared);
        }
        let audit = state
            .audit(scope, AuditAction::CommandQueueCleared)
            .with("enrollment", id)
            .with("commands", waiting.len());
        let withdrawal =
            Withdrawal { commands: &waiting, to: CommandStatus::Cancelled, now, kept, audit: Some(&audit) };
        if state.store.withdraw(scope, &withdrawal).await? {
            cleared += waiting.len();
        }
    }
    Err(Error::unavailable("a queue changed twenty times while it was cleared"))
}

/// Queues a command again that was set aside.
///
/// # Errors
/// NotFound when this tenant sent no such command to this target; Conflict when it is not set aside.
pub async fn retry_command(
    state: &State,
    scope: &Scope,
    uuid: &CommandUuid,
    target: &EnrollmentId,
) -> Result<()> {
    let command = on_target(state, scope, uuid, target).await?;
    let audit = about_one(state, scope, AuditAction::CommandRetried, &command);
    if !state.store.retry(scope, &command, &audit).await? {
        return Err(Error::conflict(
            "command-not-stuck",
            "The command was not set aside, or is not any more.",
        )
        .next("Look at its status."));
    }
    send_wakes(state, scope, std::slice::from_ref(target), 0).await;
    Ok(())
}

/// What a call sent to whom.
pub(super) async fn batch(state: &State, scope: &Scope, uuid: &CommandUuid) -> Result<CommandBatch> {
    state.store.batch(scope, uuid, state.clock.now()).await?.ok_or_else(|| Error::not_found("command"))
}

/// An audit entry about a whole command.
pub(super) fn about(state: &State, scope: &Scope, action: AuditAction, batch: &CommandBatch) -> AuditEntry {
    state
        .audit(scope, action)
        .with("command_uuid", &batch.uuid)
        .with("request_type", &batch.request_type)
        .with("targets", batch.targets.len())
}

/// A command on one target.
pub(super) async fn on_target(
    state: &State,
    scope: &Scope,
    uuid: &CommandUuid,
    target: &EnrollmentId,
) -> Result<QueuedCommand> {
    let found = state.store.commands(scope, uuid, std::slice::from_ref(target), state.clock.now()).await?;
    found.into_iter().next().ok_or_else(|| Error::not_found("command"))
}

/// An enrollment, also one that ended.
pub(super) async fn enrollment(state: &State, scope: &Scope, id: &EnrollmentId) -> Result<Enrollment> {
    state.store.enrollment(scope, id).await?.ok_or_else(|| Error::not_found("enrollment"))
}
