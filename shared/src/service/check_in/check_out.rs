//! CheckOut: the MDM payload was removed. The device says so once and never repeats it.

use super::Answer;
use crate::domain::enrollment::Enrollment;
use crate::domain::event::EventKind;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::service::authenticate_device::Signer;
use crate::state::State;

/// Ends the enrollment: a user's channel alone, or the device with all its users.
pub(super) async fn run(state: &State, signer: &Signer, id: &EnrollmentId) -> Result<Answer> {
    let now = state.clock.now();
    let channels = state.store.channels(&signer.scope, id).await?;
    let device = channels.iter().find(|channel| channel.id == id.device_channel());
    if device.is_some_and(|device| device.revoked.contains(&signer.fingerprint)) {
        return Err(Error::forbidden("identity-revoked", "The signer's certificate was revoked."));
    }
    if !device.is_some_and(|device| device.certificates.contains(&signer.fingerprint)) {
        return Err(Error::forbidden(
            "identity-not-bound",
            format!("The signer's certificate does not belong to enrollment {id}."),
        ));
    }
    let before: Vec<_> = channels.iter().map(|channel| (channel.id.clone(), channel.generation)).collect();
    let whole_device = id.user_id().is_none();
    let ended: Vec<Enrollment> = channels
        .into_iter()
        .filter(|channel| !channel.is_over() && (whole_device || channel.id == *id))
        .map(|channel| Enrollment { last_seen: now, ..channel.ended() })
        .collect();
    let event = state.event(&signer.scope, EventKind::CheckedOut, id);
    state.store.write_channels(&signer.scope, &ended, &before, None, Some(&event)).await?;
    tracing::info!(tenant = %signer.scope.tenant(), enrollment = %id, "an enrollment ended by CheckOut");
    Ok(Answer::Done)
}
