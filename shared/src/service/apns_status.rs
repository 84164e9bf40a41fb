//! Keeping, and telling, whether Apple's push service works with a tenant's push certificate.

use crate::domain::apns_status::ApnsStatus;
use crate::domain::delivery::Delivery;
use crate::domain::push_verdict::Verdict;
use crate::error::Result;
use crate::id::Fingerprint;
use crate::scope::Scope;
use crate::state::State;
use crate::time::Timestamp;

/// What is known of pushes with the active certificate.
#[derive(Clone, Debug)]
pub struct PushStatus {
    /// Whether there is an active certificate.
    pub has_certificate: bool,
    /// Whether Apple takes them; none where there is no certificate or nothing is known of it.
    pub connection: Option<ApnsStatus>,
    /// What they come to, and since when the certificate is active; none where nobody has looked yet.
    pub delivery: Option<(Delivery, Timestamp)>,
}

/// What is known of pushes with the active certificate.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn apns_status(state: &State, scope: &Scope) -> Result<PushStatus> {
    let all = state.store.push_certificates(scope).await?;
    let Some(active) = all.active() else {
        return Ok(PushStatus { has_certificate: false, connection: None, delivery: None });
    };
    let (connection, delivery) = tokio::try_join!(
        state.store.apns_status(scope, &active.certificate.fingerprint),
        state.store.delivery(scope)
    )?;
    let delivery = delivery.map(|delivery| (delivery, active.activated_at));
    Ok(PushStatus { has_certificate: true, connection, delivery })
}

/// Notes what pushes said about their certificate. Trouble with the note is no trouble of the pushes.
pub(super) async fn note(state: &State, scope: &Scope, certificate: Fingerprint, verdict: &Verdict) {
    if let Err(error) = try_note(state, scope, certificate, verdict).await {
        tracing::warn!(tenant = %scope.tenant(), error = %error.chain(), "the APNs status was not noted");
    }
}

async fn try_note(state: &State, scope: &Scope, certificate: Fingerprint, verdict: &Verdict) -> Result<()> {
    let key = (scope.tenant().clone(), certificate);
    let load = state.store.apns_status(scope, &certificate);
    let before = state.apns_statuses.get_or_load(&key, load).await?;
    let Some(after) = ApnsStatus::after(before.as_ref(), verdict, state.clock.now()) else {
        return Ok(());
    };
    state.store.put_apns_status(scope, &certificate, &after).await?;
    // The next push reads it again, and whatever another process wrote.
    state.apns_statuses.forget(&key);
    if before.is_none_or(|before| before.connected != after.connected) {
        tracing::info!(
            tenant = %scope.tenant(), fingerprint = %certificate, connected = after.connected,
            "the connection to APNs changed"
        );
    }
    Ok(())
}
