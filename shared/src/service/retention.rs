//! For how long a tenant's logs and its finished commands are kept: seen, changed, and done.

use crate::domain::audit::AuditAction;
use crate::domain::log::moment_of;
use crate::domain::retention::{CommandsKept, Retention};
use crate::domain::seal::Log;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::state::State;
use crate::time::Timestamp;

/// Seals of one look that may be over: a tenant with more goes on in the next hour.
const SEALS: i32 = 50;
/// Most entries under one seal, and some more.
const ENTRIES: usize = 1_100;

/// Changes for how long logs and finished commands are kept. For the logs it takes effect at once for whoever reads, and within
/// the hour for the table; for commands with those that end from now on.
///
/// # Errors
/// Malformed, naming the field; Conflict when somebody else changed it at the same moment.
pub async fn change_retention(
    state: &State,
    scope: &Scope,
    events_days: u32,
    audit_days: u32,
    commands_days: Option<u32>,
) -> Result<Retention> {
    let before = state.store.retention(scope).await?;
    let commands_days = commands_days.unwrap_or(before.commands_days);
    let retention =
        Retention { events_days, audit_days, commands_days, version: before.version + 1, ..before };
    retention.check()?;
    let audit = state
        .audit(scope, AuditAction::RetentionChanged)
        .with("events_days", events_days)
        .with("audit_days", audit_days)
        .with("commands_days", commands_days);
    if state.store.change_retention(scope, &retention, &audit).await? {
        state.commands_kept.forget(scope.tenant());
        Ok(retention)
    } else {
        Err(Error::conflict("retention-changed", "Somebody else changed it at the same moment.")
            .next("Look at the present setting and try again."))
    }
}

/// For how long finished commands are kept; remembered for [`crate::state::RETENTION_LIFE`].
pub(super) async fn commands_kept(state: &State, scope: &Scope) -> Result<CommandsKept> {
    let load = async { Ok(state.store.retention(scope).await?.commands()) };
    state.commands_kept.get_or_load(scope.tenant(), load).await
}

/// The first moment of a log that is shown.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn shown_from(state: &State, scope: &Scope, log: Log) -> Result<Timestamp> {
    Ok(moment_of(&state.store.retention(scope).await?.over(log, state.clock.now())))
}

/// Deletes what is over of a log, seal by seal, the oldest first: what is left still begins and ends with a seal.
pub(super) async fn forget(state: &State, scope: &Scope, log: Log) -> Result<()> {
    let over = state.store.retention(scope).await?.over(log, state.clock.now());
    for seal in state.store.seals(scope.into(), log, 1, SEALS).await? {
        if seal.until > over {
            break;
        }
        let (lines, _) = state.store.log_lines(scope.into(), log, (&seal.from, &seal.until), ENTRIES).await?;
        let places: Vec<String> = lines.into_iter().map(|(place, _)| place).collect();
        if !state.store.forget_seal(scope, log, &seal, &places).await? {
            break;
        }
    }
    Ok(())
}
