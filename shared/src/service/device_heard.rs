//! What follows from a device's word besides what it says: a silent one is back, a renewed identity takes the former one's place.

use super::authenticate_device::Signer;
use super::device_returned::note_return;
use crate::domain::enrollment::Enrollment;
use crate::domain::event::EventKind;
use crate::error::Result;
use crate::state::State;

/// Writes down what is new: more store calls, and only then. What fails is done by the next message.
pub(super) async fn note_heard(state: &State, signer: &Signer, enrollment: &Enrollment) {
    note_return(state, &signer.scope, enrollment).await;
    if let Err(error) = note_identity(state, signer, enrollment).await {
        tracing::error!(tenant = %signer.scope.tenant(), enrollment = %enrollment.id, error = %error.chain(),
            "the identity of a device was not written down");
    }
}

/// The first word with a renewed identity proves that the device has it: from then on the former one is refused.
async fn note_identity(state: &State, signer: &Signer, enrollment: &Enrollment) -> Result<()> {
    // Users sign with their device's, whose item alone knows it.
    if enrollment.id.user_id().is_some() {
        return Ok(());
    }
    let event = match &enrollment.identity {
        Some(former) if former.fingerprint == signer.fingerprint => return Ok(()),
        Some(former) => Some(
            state
                .event(&signer.scope, EventKind::IdentityRenewed, &enrollment.id)
                .with("former", former.fingerprint)
                .with("fingerprint", signer.fingerprint)
                .with("not_after", signer.identity.not_after),
        ),
        None => None,
    };
    if state.store.adopt_identity(&signer.scope, enrollment, &signer.identity, event.as_ref()).await? {
        tracing::info!(tenant = %signer.scope.tenant(), enrollment = %enrollment.id, "a device uses a new identity");
    }
    Ok(())
}
