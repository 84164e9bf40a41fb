//! TokenUpdate: where pushes go from now on. The first one after Authenticate enrolls.

use super::Answer;
use crate::domain::enrollment::PushAddress;
use crate::domain::event::EventKind;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::metrics::Metric;
use crate::pki::validity;
use crate::protocol::checkin::TokenUpdate;
use crate::service::authenticate_device::Signer;
use crate::service::device_heard::note_heard;
use crate::service::enqueue_command::send_wakes;
use crate::service::sealed::{self, Purpose};
use crate::state::State;
use crate::store::{TokenUpdateWrite, TokenUpdated};
use crate::time::{SignedDuration, Timestamp};

/// How old the identity of a device that enrolls is at most, in minutes: it is made seconds before, and dated ten minutes
/// back.
const FRESH_MINUTES: i64 = 20;
/// So much of a user's name is kept, in characters.
const NAME: usize = 200;

/// One store call. A device that has commands waiting is woken at its new address.
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
    let now = state.clock.now();
    let write = TokenUpdateWrite {
        push: PushAddress {
            topic: message.topic,
            token: hex::encode(&message.token),
            magic: message.push_magic.expose().clone(),
        },
        user_name: user_name(message.user_long_name.as_deref(), message.user_short_name.as_deref()),
        unlock_token,
        awaiting_configuration: message.awaiting_configuration,
        probably_enrolls: is_fresh(signer, now)?,
    };
    let enrolled = state.event(&signer.scope, EventKind::DeviceEnrolled, id).with("topic", &write.push.topic);
    let written =
        state.store.update_token(&signer.scope, id, signer.fingerprint, &write, now, &enrolled).await?;
    let may_wait = match written {
        TokenUpdated::Again(enrollment) => {
            note_heard(state, signer, &enrollment).await;
            enrollment.waiting > 0
        }
        TokenUpdated::Enrolled { waiting } => {
            tracing::info!(tenant = %signer.scope.tenant(), enrollment = %id, "a device enrolled");
            state.count(Metric::Enrollments);
            waiting > 0
        }
        // The push function looks.
        TokenUpdated::User => true,
    };
    if may_wait {
        send_wakes(state, &signer.scope, std::slice::from_ref(id), 0).await;
    }
    Ok(Answer::Done)
}

/// What people call a user: the full name with the account's behind it, as far as they are known.
fn user_name(full: Option<&str>, account: Option<&str>) -> Option<String> {
    let known = |name: Option<&str>| name.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    let name = match (known(full), known(account)) {
        (Some(full), Some(account)) if full != account => format!("{full} ({account})"),
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => return None,
    };
    Some(name.chars().take(NAME).collect())
}

/// Whether the identity was issued just now, so that its device is probably enrolling.
fn is_fresh(signer: &Signer, now: Timestamp) -> Result<bool> {
    let not_before = validity::from_asn1(signer.certificate.not_before()).map_err(Error::internal)?;
    Ok(now < not_before + SignedDuration::from_mins(FRESH_MINUTES))
}

#[cfg(test)]
mod tests {
    use super::user_name;

    #[test]
    fn a_user_is_called_by_both_names_as_far_as_they_are_known() {
        for (full, account, name) in [
            (Some("Jane Doe"), Some("jane"), Some("Jane Doe (jane)")),
            (Some("jane"), Some("jane"), Some("jane")),
            (None, Some("jane"), Some("jane")),
            (Some("Jane Doe"), Some(" "), Some("Jane Doe")),
            (None, None, None),
        ] {
            assert_eq!(user_name(full, account).as_deref(), name);
        }
        let long = "ä".repeat(1_000);
        assert_eq!(user_name(Some(&long), None).map(|name| name.chars().count()), Some(200));
    }
}
