//! Revoking a device's identity: whoever signs with it is heard no more.

use crate::domain::audit::AuditAction;
use crate::domain::enrollment::Enrollment;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::state::State;

/// Refuses every identity of a device, its renewed ones too, and closes the tenant's services to it. The enrollment stays in the
/// lists; the device keeps its profile, and is heard again only after it enrolled anew. Repeating it changes nothing.
///
/// # Errors
/// NotFound when there is no such device; Conflict when it is not enrolled, or renewed its identity at the same moment.
pub async fn revoke_identity(state: &State, scope: &Scope, id: &EnrollmentId) -> Result<Enrollment> {
    let id = id.device_channel();
    let device = state.store.enrollment(scope, &id).await?;
    let device = device.ok_or_else(|| Error::not_found("enrollment"))?;
    if device.certificates.is_empty() {
        return if device.is_over() {
            Err(Error::conflict("not-enrolled", format!("The device {id} is not enrolled (any more).")))
        } else {
            Ok(device)
        };
    }
    let fingerprints: Vec<String> = device.certificates.iter().map(ToString::to_string).collect();
    let audit = state
        .audit(scope, AuditAction::IdentityRevoked)
        .with("enrollment", &id)
        .with("fingerprints", fingerprints.join(" "));
    if !state.store.revoke_identity(scope, &device, &audit).await? {
        return Err(Error::conflict("enrollment-changed", "The enrollment changed meanwhile.")
            .next("Look at the present one and decide again."));
    }
    tracing::warn!(tenant = %scope.tenant(), enrollment = %id, "a device's identity was revoked");
    let device = state.store.enrollment(scope, &id).await?;
    device.ok_or_else(|| Error::not_found("enrollment"))
}
