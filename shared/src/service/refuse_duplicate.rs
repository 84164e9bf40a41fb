//! Two devices under one name: a restored backup, a cloned Mac, a stolen identity. The second is refused and told of, never
//! merged into the first.

use super::authenticate_device::Signer;
use super::check_in::Answer;
use crate::domain::enrollment::DeviceFacts;
use crate::domain::event::EventKind;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::state::State;

/// The refusals that mean: this is not the device that is enrolled under this name.
const ANOTHER: [&str; 3] = ["identity-not-bound", "identity-bound-elsewhere", "device-duplicate"];

/// Passes an answer on; a refusal of another device, or of a revoked identity, is written into the log first, once a day for each
/// identity.
pub(super) async fn told(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
    answer: Result<Answer>,
) -> Result<Answer> {
    let Err(refused) = &answer else { return answer };
    let (scope, code) = (&signer.scope, refused.code());
    let event = if ANOTHER.contains(&code) {
        state.event(scope, EventKind::DuplicateRefused, id).with("why", code)
    } else if code == "identity-revoked" {
        state.event(scope, EventKind::RevokedIdentityUsed, id).with("fingerprint", signer.fingerprint)
    } else {
        return answer;
    };
    // The refusal stands whether it could be written down or not.
    if let Err(error) = state.store.tell_refused(scope, id, signer.fingerprint, &event).await {
        tracing::error!(tenant = %scope.tenant(), enrollment = %id, error = %error.chain(),
            "a refused device was not written down");
    }
    answer
}

/// Refuses a device whose serial number is another than that of the one enrolled under its UDID: both belong to the hardware
/// for ever.
pub(super) fn same_hardware(enrolled: &DeviceFacts, serial_number: Option<&str>) -> Result<()> {
    match (enrolled.serial_number.as_deref(), serial_number) {
        (Some(enrolled), Some(other)) if enrolled != other => Err(Error::forbidden(
            "device-duplicate",
            "A device with another serial number is enrolled under this UDID.",
        )),
        _ => Ok(()),
    }
}
