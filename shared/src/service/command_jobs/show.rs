//! What became of a job.

use std::collections::HashMap;

use super::targets::page;
use crate::domain::command_job::CommandJob;
use crate::domain::targets::Targets;
use crate::error::{Error, Result};
use crate::id::CommandUuid;
use crate::scope::Scope;
use crate::service::show_command::{TargetStatus, target};
use crate::state::State;

/// A job.
///
/// # Errors
/// NotFound.
pub async fn job(state: &State, scope: &Scope, uuid: &CommandUuid) -> Result<CommandJob> {
    state.store.job(scope, uuid, state.clock.now()).await?.ok_or_else(|| Error::not_found("command job"))
}

/// A page of the targets that the command was queued on, with what became of it there, and the mark of the next page. Who
/// left a group is not shown.
///
/// # Errors
/// NotFound when there is no such job.
pub async fn job_targets(
    state: &State,
    scope: &Scope,
    uuid: &CommandUuid,
    after: Option<&str>,
) -> Result<(Vec<TargetStatus>, Option<String>)> {
    let job = job(state, scope, uuid).await?;
    // Whoever has the command did fit the filter.
    let targets = if let Targets::Filter(_) = &job.targets { &Targets::All } else { &job.targets };
    let found = page(state, scope, targets, after).await?;
    let ids: Vec<_> = found.found.iter().map(|enrollment| enrollment.id.clone()).collect();
    let commands = state.store.commands(scope, uuid, &ids, state.clock.now()).await?;
    let mut by_target: HashMap<_, _> =
        commands.into_iter().map(|command| (command.enrollment.clone(), command)).collect();
    let mut targets = Vec::with_capacity(by_target.len());
    for enrollment in &found.found {
        if let Some(command) = by_target.remove(&enrollment.id) {
            targets.push(target(state, command, enrollment).await?);
        }
    }
    Ok((targets, found.next))
}
