//! Letting a device back to the tenant's services. This lock is not Apple's DeviceLock: it is what the server answers when a
//! service asks about the device.

use crate::domain::audit::AuditAction;
use crate::domain::enrollment::Enrollment;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::state::State;

/// Unlocks a device's access and returns it as it is now. Repeating it changes nothing.
///
/// # Errors
/// NotFound when there is no such enrollment.
pub async fn unlock_access(state: &State, scope: &Scope, id: &EnrollmentId) -> Result<Enrollment> {
    let found = state.store.enrollment(scope, id).await?.ok_or_else(|| Error::not_found("enrollment"))?;
    if let Some(locked_at) = found.locked_at {
        let audit = state
            .audit(scope, AuditAction::AccessUnlocked)
            .with("enrollment", id)
            .with("locked_at", locked_at);
        state.store.unlock_access(scope, &found, locked_at, &audit).await?;
    }
    state.store.enrollment(scope, id).await?.ok_or_else(|| Error::not_found("enrollment"))
}
