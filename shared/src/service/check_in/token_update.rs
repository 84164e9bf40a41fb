//! TokenUpdate: where pushes go from now on. The first one after Authenticate enrolls.

use super::Answer;
use crate::domain::enrollment::{Enrollment, PushAddress};
use crate::domain::event::EventKind;
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::protocol::checkin::TokenUpdate;
use crate::service::authenticate_device::Signer;
use crate::service::device_heard::note_heard;
use crate::service::enqueue_command::send_wakes;
use crate::service::sealed::{self, Purpose};
use crate::state::State;
use crate::store::TokenUpdateWrite;

/// One store call, or two when it enrolls. A device that has commands waiting is woken at its new address.
pub(super) async fn run(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
    message: TokenUpdate,
) -> Result<Answer> {
    let unlock_token = match &message.unlock_token {
        Some(token) => Some(sealed::seal(state, &signer.scope, id, Purpose::UnlockToken, token).await?),
        None => None,
    };
    let write = TokenUpdateWrite {
        push: PushAddress {
            topic: message.topic,
            token: hex::encode(&message.token),
            magic: message.push_magic.expose().clone(),
        },
        unlock_token,
        awaiting_configuration: message.awaiting_configuration,
    };
    let now = state.clock.now();
    let enrolled = |begun: &Enrollment| {
        let again = begun.generation > 1;
        let kind = if again { EventKind::DeviceReenrolled } else { EventKind::DeviceEnrolled };
        state.event(&signer.scope, kind, id).with("topic", &write.push.topic)
    };
    let written =
        state.store.update_token(&signer.scope, id, signer.fingerprint, &write, now, enrolled).await?;
    if let Some(enrollment) = &written {
        note_heard(state, signer, enrollment).await;
    }
    // Of a user's channel the store does not say whether something waits: the push function looks.
    let may_wait = written.as_ref().is_none_or(|enrollment| enrollment.waiting > 0);
    if may_wait {
        send_wakes(state, &signer.scope, std::slice::from_ref(id), 0).await;
    }
    if written.is_some_and(|enrollment| enrollment.token_update_tally == 1) {
        tracing::info!(tenant = %signer.scope.tenant(), enrollment = %id, "a device enrolled");
    }
    Ok(Answer::Done)
}
