//! An inactive device answers: it is enrolled again by itself. Its access stays locked.

use crate::domain::enrollment::Enrollment;
use crate::domain::event::EventKind;
use crate::scope::Scope;
use crate::state::State;

/// Writes the return down where there is one: one more store call, and only then. What fails is done by the next message.
pub(super) async fn note_return(state: &State, scope: &Scope, enrollment: &Enrollment) {
    let Some(since) = enrollment.inactive_since else { return };
    let event = state.event(scope, EventKind::DeviceReturned, &enrollment.id).with("inactive_since", since);
    match state.store.note_return(scope, &enrollment.id, &event).await {
        Ok(true) => {
            tracing::info!(tenant = %scope.tenant(), enrollment = %enrollment.id, "a silent device returned")
        }
        Ok(false) => {}
        Err(error) => {
            tracing::error!(tenant = %scope.tenant(), enrollment = %enrollment.id, error = %error.chain(),
                "a device's return was not written down");
        }
    }
}
