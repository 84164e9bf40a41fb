//! The trial of a push certificate: a push to a device that cannot exist.

use super::limits::count;
use super::push_identity::{push_identity, verdict};
use crate::domain::limit::{Counted, Limit};
use crate::domain::push_certificates::{StagedCertificate, nothing_staged};
use crate::domain::push_verdict::{LiveCheck, Verdict};
use crate::error::Result;
use crate::id::KeyId;
use crate::pki::push_certificate::PushCertificate;
use crate::port::apns::Push;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::time::SignedDuration;

/// No device has this token: Apple answers BadDeviceToken once it has accepted certificate and topic, and nobody wakes.
const IMPOSSIBLE_TOKEN: [u8; 32] = [0; 32];

/// Tries a staged certificate with Apple's push service. Nothing is stored.
///
/// # Errors
/// RateLimited; Unavailable when its key cannot be read now. What Apple says, or that it says nothing, is in the result.
pub async fn check(state: &State, scope: &Scope, staged: &StagedCertificate) -> Result<LiveCheck> {
    count(state, Limit::AppleChecks, Counted::tenant(scope.tenant())).await?;
    let verdict = probe(state, scope, &staged.certificate, &staged.key).await?;
    let check = LiveCheck::new(&verdict, state.clock.now());
    tracing::info!(
        tenant = %scope.tenant(), fingerprint = %staged.certificate.fingerprint, ok = check.ok, ?verdict,
        "push certificate tried"
    );
    Ok(check)
}

/// Tries what is staged at this moment.
///
/// # Errors
/// Conflict when nothing is staged; as [`check`].
pub async fn check_staged(state: &State, scope: &Scope) -> Result<LiveCheck> {
    let all = state.store.push_certificates(scope).await?;
    check(state, scope, all.staged.as_ref().ok_or_else(nothing_staged)?).await
}

/// Asks Apple about a certificate without waking any device.
pub(super) async fn probe(
    state: &State,
    scope: &Scope,
    certificate: &PushCertificate,
    key: &KeyId,
) -> Result<Verdict> {
    let identity = push_identity(state, scope, certificate, key).await?;
    let push = Push {
        token: IMPOSSIBLE_TOKEN.to_vec(),
        magic: Secret::new("probe".to_owned()),
        topic: certificate.topic.clone(),
        expires_at: state.clock.now() + SignedDuration::from_mins(1),
    };
    Ok(verdict(&state.apns.push(&identity, &push).await))
}
