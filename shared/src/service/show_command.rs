//! A command and what became of it on each target.

use std::collections::HashMap;

use super::withdraw_command::on_target;
use crate::domain::command::{CommandBatch, CommandStatus, QueuedCommand, StoredResult};
use crate::domain::enrollment::Enrollment;
use crate::domain::explanation::{Explanation, explain};
use crate::domain::retention::REPEATABLE;
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId};
use crate::protocol::{body, decode};
use crate::scope::Scope;
use crate::state::State;
use crate::time::Timestamp;

/// A command on one target.
#[derive(Clone, Debug)]
pub struct TargetStatus {
    /// The target.
    pub enrollment: EnrollmentId,
    /// Where the command stands there; `None` where it was not queued, because the call was cut short.
    pub status: Option<CommandStatus>,
    /// How often the device said NotNow.
    pub not_now_tally: u64,
    /// When the final answer came, or it was withdrawn.
    pub completed_at: Option<Timestamp>,
    /// When its time is over.
    pub not_after: Option<Timestamp>,
    /// Whether the answer came after it was withdrawn.
    pub after_cancel: bool,
    /// Why it stands where it stands, in a sentence.
    pub explanation: Explanation,
    /// The device's whole answer, decoded.
    pub result: Option<serde_json::Value>,
}

/// Shows a command with its status, and its decoded result, on each target.
///
/// # Errors
/// NotFound when this tenant sent no such command.
pub async fn show_command(
    state: &State,
    scope: &Scope,
    uuid: &CommandUuid,
) -> Result<(CommandBatch, Vec<TargetStatus>)> {
    let now = state.clock.now();
    let batch = state.store.batch(scope, uuid, now).await?.ok_or_else(|| Error::not_found("command"))?;
    let commands = state.store.commands(scope, uuid, &batch.targets, now).await?;
    let enrollments = state.store.enrollments(scope, &batch.targets).await?;
    let enrollments: HashMap<_, _> =
        enrollments.into_iter().map(|enrollment| (enrollment.id.clone(), enrollment)).collect();
    let mut by_target: HashMap<_, _> =
        commands.into_iter().map(|command| (command.enrollment.clone(), command)).collect();
    // By then what was queued here may have had its answer, and be over.
    let may_be_over = now.duration_since(batch.created_at) >= REPEATABLE;
    let mut targets = Vec::with_capacity(batch.targets.len());
    for id in &batch.targets {
        targets.push(match (by_target.remove(id), enrollments.get(id)) {
            (Some(command), Some(enrollment)) => target(state, command, enrollment).await?,
            (None, _) | (_, None) => TargetStatus {
                enrollment: id.clone(),
                status: None,
                not_now_tally: 0,
                completed_at: None,
                not_after: None,
                after_cancel: false,
                explanation: Explanation::new(not_queued(&batch, may_be_over), now),
                result: None,
            },
        });
    }
    Ok((batch, targets))
}

/// Shows a command on one target, also one that a job queued there.
///
/// # Errors
/// NotFound when this tenant sent no such command to this target.
pub async fn show_on_target(
    state: &State,
    scope: &Scope,
    uuid: &CommandUuid,
    enrollment: &Enrollment,
) -> Result<(QueuedCommand, TargetStatus)> {
    let command = on_target(state, scope, uuid, &enrollment.id).await?;
    let shown = target(state, command.clone(), enrollment).await?;
    Ok((command, shown))
}

fn not_queued(batch: &CommandBatch, may_be_over: bool) -> &'static str {
    if may_be_over {
        "What became of it here is not kept any more."
    } else if batch.cancelled_at.is_some() {
        "Cancelled before it was queued here."
    } else if batch.awaits_approval() {
        "Waiting for a second administrator to approve it."
    } else {
        "Not queued here: the call was cut short. Repeat it with the same command UUID."
    }
}

pub(super) async fn target(
    state: &State,
    command: QueuedCommand,
    enrollment: &Enrollment,
) -> Result<TargetStatus> {
    let now = state.clock.now();
    let status = command.status_in(enrollment.generation, now);
    let explanation = explain(&command, enrollment, now);
    let result = match &command.result {
        None => None,
        Some(StoredResult::Inline(bytes)) => Some(shown(bytes)?),
        Some(StoredResult::Blob(key)) => {
            let bytes = state.results.get(key).await?;
            bytes.as_deref().map(shown).transpose()?
        }
    };
    Ok(TargetStatus {
        enrollment: command.enrollment,
        status: Some(status),
        not_now_tally: command.not_now_tally,
        completed_at: command.completed_at,
        not_after: command.not_after,
        after_cancel: command.after_cancel,
        explanation,
        result,
    })
}

fn shown(bytes: &[u8]) -> Result<serde_json::Value> {
    Ok(decode::to_json(&body::parse(bytes)?))
}
