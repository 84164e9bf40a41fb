//! CheckOut: the MDM payload was removed. The device says so once and never repeats it.

use super::Answer;
use crate::domain::enrollment::Enrollment;
use crate::domain::event::EventKind;
use crate::domain::identity::{not_bound, revoked};
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::service::authenticate_device::Signer;
use crate::state::State;

/// Ends the enrollment: a user's channel alone, or the device with all its users.
pub(super) async fn run(state: &State, signer: &Signer, id: &EnrollmentId) -> Result<Answer> {
    let now = state.clock.now();
    let channels = state.store.channels(&signer.scope, id).await?;
    let device = channels.iter().find(|channel| channel.id == id.device_channel());
    let Some(device) = device else { return Err(not_bound(id)) };
    if device.revoked.contains(&signer.fingerprint) {
        return Err(revoked());
    }
    let is_dismissed = device.farewell(&signer.fingerprint).is_some();
    if !is_dismissed && !device.certificates.contains(&signer.fingerprint) {
        return Err(not_bound(id));
    }
    let before: Vec<_> = channels.iter().map(|channel| (channel.id.clone(), channel.generation)).collect();
    let whole_device = id.user_id().is_none();
    let ended: Vec<Enrollment> = channels
        .into_iter()
        .filter(|channel| (is_dismissed || !channel.is_over()) && (whole_device || channel.id == *id))
        // It did what it was told: there is nobody left to tell.
        .map(|channel| Enrollment { last_seen: now, dismissal: None, ..channel.ended() })
        .collect();
    let event = state.event(&signer.scope, EventKind::CheckedOut, id);
    state.store.write_channels(&signer.scope, &ended, &before, Some(&event)).await?;
    tracing::info!(tenant = %signer.scope.tenant(), enrollment = %id, "an enrollment ended by CheckOut");
    Ok(Answer::Done)
}
