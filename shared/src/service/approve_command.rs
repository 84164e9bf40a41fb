//! Four eyes: a second administrator approves what a first one asked for.

use super::command_jobs::hint;
use super::enqueue_command::{cancelled, check_push_certificates, enrolled, queue_on_all};
use super::queue_on_target::Order;
use super::sealed;
use super::withdraw_command::{about, batch};
use crate::domain::audit::AuditAction;
use crate::domain::command::{Approval, CommandBatch};
use crate::domain::retention::REPEATABLE;
use crate::error::{Error, Result};
use crate::id::CommandUuid;
use crate::scope::Scope;
use crate::state::State;

/// Approves a command and queues it on its targets. Repeating it completes what was interrupted.
///
/// # Errors
/// NotFound when this tenant sent no such command; Forbidden for whoever asked for it; Conflict when it needs no
/// approval, was cancelled, or its time is over, and when a target is not enrolled any more.
pub async fn approve_command(state: &State, scope: &Scope, uuid: &CommandUuid) -> Result<CommandBatch> {
    let batch = batch(state, scope, uuid).await?;
    let Some(approval) = &batch.approval else {
        return Err(Error::conflict("approval-not-asked", "This command needs no approval."));
    };
    if approval.asked_by == scope.actor().to_string() {
        return Err(Error::forbidden("approval-own", "Whoever asked for a command cannot approve it.")
            .next("Ask a colleague to approve it with a token of their own."));
    }
    if batch.cancelled_at.is_some() {
        return Err(cancelled());
    }
    let now = state.clock.now();
    if approval.not_after.is_some_and(|end| end <= now) {
        return Err(Error::conflict(
            "command-expired",
            "The time of the command was over before it was approved.",
        )
        .next("Send a new one."));
    }
    if batch.job.is_some() {
        return approve_job(state, scope, &batch, approval).await;
    }
    let enrollments = enrolled(state, scope, &batch.targets).await?;
    check_push_certificates(state, scope, &enrollments).await?;
    let command = sealed::open_command(state, scope, None, uuid, &approval.plist).await?;
    let audit =
        about(state, scope, AuditAction::CommandApproved, &batch).with("asked_by", &approval.asked_by);
    if !state.store.approve_batch(scope, &batch, now, &audit).await? {
        // Approved before, perhaps by a call that died before it queued; or cancelled a moment ago.
        let former = self::batch(state, scope, uuid).await?;
        if former.cancelled_at.is_some() {
            return Err(cancelled());
        }
        let approved_at = former.approved_at.unwrap_or(former.created_at);
        if now.duration_since(approved_at) >= REPEATABLE {
            return Ok(former);
        }
    }
    let order = Order {
        uuid: uuid.clone(),
        command,
        random_pin: approval.random_pin,
        priority: approval.priority,
        created_at: batch.created_at,
        not_after: approval.not_after,
        asked: None,
    };
    queue_on_all(state, scope, &enrollments, &order).await?;
    self::batch(state, scope, uuid).await
}

/// Lets a job begin.
async fn approve_job(
    state: &State,
    scope: &Scope,
    batch: &CommandBatch,
    approval: &Approval,
) -> Result<CommandBatch> {
    let audit = about(state, scope, AuditAction::CommandApproved, batch).with("asked_by", &approval.asked_by);
    let approved = state.store.approve_job(scope, batch, state.clock.now(), &audit).await?;
    let batch = self::batch(state, scope, &batch.uuid).await?;
    if !approved && batch.cancelled_at.is_some() {
        return Err(cancelled());
    }
    hint(state, scope, &batch.uuid).await;
    Ok(batch)
}
