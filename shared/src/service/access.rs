//! What the tenant's own services ask: may this device in?

use crate::domain::access::AccessReason;
use crate::domain::audit::AuditAction;
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::state::State;

/// Judges a device, or the device of a user's channel. One read; the tenant's switch is remembered for
/// [`crate::state::ACCESS_LIFE`].
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn access(state: &State, scope: &Scope, id: &EnrollmentId) -> Result<AccessReason> {
    let load = state.store.lets_unenrolled_in(scope);
    let lets_unenrolled_in = state.lets_unenrolled_in.get_or_load(scope.tenant(), load).await?;
    let device = state.store.enrollment(scope, &id.device_channel()).await?;
    Ok(AccessReason::of(device.as_ref(), lets_unenrolled_in))
}

/// Lets devices in that are not enrolled, or not any more.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn let_unenrolled_in(state: &State, scope: &Scope, lets_in: bool) -> Result<()> {
    let audit =
        state.audit(scope, AuditAction::AccessSettingsChanged).with("allow_unenrolled_devices", lets_in);
    state.store.let_unenrolled_in(scope, lets_in, &audit).await?;
    state.lets_unenrolled_in.forget(scope.tenant());
    Ok(())
}
