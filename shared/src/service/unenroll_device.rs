//! Unenrolling a device against its will: an administrator says so, and the device's next message is answered with the
//! code that makes it remove its enrollment.

use super::authenticate_device::Signer;
use super::check_in::Answer;
use super::enqueue_command::{not_enrolled, send_wakes};
use crate::domain::audit::AuditAction;
use crate::domain::dismissal::Reason;
use crate::domain::enrollment::{Enrollment, EnrollmentState};
use crate::domain::event::EventKind;
use crate::error::{Error, Kind, Result};
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::state::State;

/// Ends the enrollment of a device and of its users and wakes the device, so that it hears of it. Until then the sweep
/// wakes it again. Repeating it changes nothing.
///
/// # Errors
/// NotFound when there is no such device; Conflict when it is not enrolled, or changed at the same moment.
pub async fn unenroll_device(
    state: &State,
    scope: &Scope,
    id: &EnrollmentId,
    reason: Reason,
) -> Result<Enrollment> {
    let id = id.device_channel();
    let channels = state.store.channels(scope, &id).await?;
    let before: Vec<_> = channels.iter().map(|channel| (channel.id.clone(), channel.generation)).collect();
    let device = channels.iter().find(|channel| channel.id == id).cloned();
    let device = device.ok_or_else(|| Error::not_found("enrollment"))?;
    let device = match device.state {
        EnrollmentState::Removed => {
            return Err(not_enrolled(&id).at("enrollment"));
        }
        EnrollmentState::Unenrolling => device,
        EnrollmentState::Authenticated | EnrollmentState::Enrolled | EnrollmentState::Inactive => {
            let audit = state
                .audit(scope, AuditAction::DeviceDismissed)
                .with("enrollment", &id)
                .with("reason", reason.as_str());
            let device = device.dismissed(reason);
            // The device goes first, with the entry: what a killed run leaves of many users cannot sign without it.
            let users = channels.into_iter().filter(|channel| channel.id != id && !channel.is_over());
            let ended: Vec<_> = std::iter::once(device.clone()).chain(users.map(Enrollment::ended)).collect();
            state.store.end_channels(scope, &ended, &before, &audit).await?;
            device
        }
    };
    send_wakes(state, scope, std::slice::from_ref(&id), 0).await;
    Ok(device)
}

/// Passes an answer on, except where the signer is refused because its device was unenrolled: the device is told so, as
/// often as it asks, and the first time is written down.
pub(super) async fn told(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
    answer: Result<Answer>,
) -> Result<Answer> {
    match &answer {
        Err(error) if error.code() == "identity-not-bound" => {}
        Ok(_) | Err(_) => return answer,
    }
    let Some(device) = state.store.enrollment(&signer.scope, &id.device_channel()).await? else {
        return answer;
    };
    let Some(farewell) = device.farewell(&signer.fingerprint) else { return answer };
    if device.state == EnrollmentState::Unenrolling {
        write_down(state, signer, device).await?;
    }
    Ok(Answer::Unenroll(farewell))
}

/// The device is on its way out: it leaves the lists.
async fn write_down(state: &State, signer: &Signer, device: Enrollment) -> Result<()> {
    let before = [(device.id.clone(), device.generation)];
    let mut event = state.event(&signer.scope, EventKind::DeviceUnenrolled, &device.id);
    if let Some(dismissal) = &device.dismissal {
        event = event.with("reason", dismissal.reason.as_str());
    }
    let ended = [Enrollment { last_seen: state.clock.now(), ..device.ended() }];
    match state.store.write_channels(&signer.scope, &ended, &before, Some(&event)).await {
        // Another of its messages was answered at the same moment.
        Err(error) if error.kind() == Kind::Conflict => Ok(()),
        other => other,
    }
}
