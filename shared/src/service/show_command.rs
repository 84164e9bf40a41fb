//! A command and what became of it on each target.

use std::collections::HashMap;

use crate::domain::command::{CommandBatch, CommandStatus, QueuedCommand, StoredResult};
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
    /// When the final answer came.
    pub completed_at: Option<Timestamp>,
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
    let batch = state.store.batch(scope, uuid).await?.ok_or_else(|| Error::not_found("command"))?;
    let commands = state.store.commands(scope, uuid, &batch.targets).await?;
    let enrollments = state.store.enrollments(scope, &batch.targets).await?;
    let generations: HashMap<_, _> =
        enrollments.into_iter().map(|enrollment| (enrollment.id, enrollment.generation)).collect();
    let mut by_target: HashMap<_, _> =
        commands.into_iter().map(|command| (command.enrollment.clone(), command)).collect();
    let mut targets = Vec::with_capacity(batch.targets.len());
    for id in &batch.targets {
        targets.push(match by_target.remove(id) {
            Some(command) => target(state, command, generations.get(id).copied()).await?,
            None => TargetStatus {
                enrollment: id.clone(),
                status: None,
                not_now_tally: 0,
                completed_at: None,
                result: None,
            },
        });
    }
    Ok((batch, targets))
}

async fn target(state: &State, command: QueuedCommand, generation: Option<u64>) -> Result<TargetStatus> {
    let status = command.status_in(generation.unwrap_or(command.generation));
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
        result,
    })
}

fn shown(bytes: &[u8]) -> Result<serde_json::Value> {
    Ok(decode::to_json(&body::parse(bytes)?))
}
