//! Taking a device out of the lists whose own word will not come: lost, sold, erased. Its history stays.

use crate::domain::audit::AuditAction;
use crate::domain::enrollment::Enrollment;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::state::State;

/// Ends the enrollment of a device and of its users, as its own CheckOut would, and returns it as it is now. A device that
/// still lives keeps its profile, but is not heard any more until it enrolls anew. Repeating it changes nothing.
///
/// # Errors
/// NotFound when there is no such device; Conflict when it changed at the same moment.
pub async fn retire_device(state: &State, scope: &Scope, id: &EnrollmentId) -> Result<Enrollment> {
    let id = id.device_channel();
    let channels = state.store.channels(scope, &id).await?;
    let before: Vec<_> = channels.iter().map(|channel| (channel.id.clone(), channel.generation)).collect();
    let device = channels.iter().find(|channel| channel.id == id).cloned();
    let device = device.ok_or_else(|| Error::not_found("enrollment"))?;
    if device.is_over() {
        return Ok(device);
    }
    let mut ended: Vec<Enrollment> =
        channels.into_iter().filter(|channel| !channel.is_over()).map(Enrollment::ended).collect();
    // The device goes first, with the entry: what a killed run leaves of many users cannot sign without it.
    ended.sort_by_key(|channel| channel.id != id);
    let audit = state.audit(scope, AuditAction::DeviceRetired).with("enrollment", &id);
    state.store.end_channels(scope, &ended, &before, &audit).await?;
    Ok(device.ended())
}
