//! The PIN that a Mac was locked or erased with: whoever has the Mac in hand needs it.

use super::sealed;
use super::withdraw_command::on_target;
use crate::domain::audit::AuditAction;
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId};
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;

/// Reads the PIN of a command, also of one that was cancelled: the device may have fetched it before. Who read it is
/// written down first.
///
/// # Errors
/// NotFound when this tenant sent no such command to this target, or it sets no PIN.
pub async fn reveal_pin(
    state: &State,
    scope: &Scope,
    uuid: &CommandUuid,
    target: &EnrollmentId,
) -> Result<Secret<String>> {
    let queued = on_target(state, scope, uuid, target).await?;
    let command = sealed::stored_command(state, scope, &queued).await?;
    let pin = command.pin().ok_or_else(|| Error::not_found("PIN"))?.to_owned();
    let audit = state
        .audit(scope, AuditAction::CommandPinRevealed)
        .with("command_uuid", uuid)
        .with("request_type", &queued.request_type)
        .with("enrollment", target);
    state.store.note(scope, &audit).await?;
    Ok(Secret::new(pin))
}
