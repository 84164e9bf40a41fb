//! Waking devices through APNs. What wakes this is a hint: what is true is in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, stream};

use super::apns_status::note;
use super::push_identity::{push_identity, verdict};
use crate::domain::enrollment::{PushAddress, PushAttempt};
use crate::domain::event::EventKind;
use crate::domain::push_certificates::{InstalledCertificate, PushCertificates};
use crate::domain::push_verdict::Verdict;
use crate::domain::wake::Wake;
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, TenantId};
use crate::metrics::{Metric, PushOutcome};
use crate::port::apns::{Outcome, Push, PushIdentity};
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::time::{SignedDuration, Timestamp};

/// How long Apple keeps a push for a sleeping device, in hours. Without it, a device that sleeps never hears of it.
const KEPT_HOURS: i64 = 7 * 24;
/// How long an address rests that Apple called no good, in hours. A TokenUpdate ends the rest at once.
const REST_HOURS: i64 = 24;
/// Pushes under way at a time within one topic.
const CONCURRENT: usize = 100;

/// The enrollments hinted at, and those of them that are to say whether they are still there, unless seen after a time.
type Asked = HashMap<EnrollmentId, Option<Timestamp>>;

/// Whether a hint is dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There is nothing more to do for this hint.
    Done,
    /// It should come again later.
    Again,
}

/// Pushes to every enrollment hinted at that has something waiting, once each however often it is hinted at, topic by
/// topic over one connection per certificate. Returns what to do with each hint.
pub async fn wake_devices(state: &State, wakes: &[Wake]) -> HashMap<Wake, Woken> {
    let mut by_tenant: HashMap<&TenantId, Asked> = HashMap::new();
    for wake in wakes {
        let asked = by_tenant.entry(&wake.tenant).or_default().entry(wake.enrollment.clone()).or_default();
        *asked = (*asked).max(wake.unless_seen_after);
    }
    let mut woken = HashMap::new();
    for (tenant, asked) in by_tenant {
        #[expect(
            clippy::disallowed_methods,
            reason = "a hint names the tenant; what is done follows from the store"
        )]
        let scope = Scope::system(tenant.clone(), "wake-up");
        let of_tenant = wake_tenant(state, &scope, &asked).await.unwrap_or_else(|error| {
            // One tenant's trouble is not the others'.
            tracing::error!(%tenant, error = %error.chain(), "devices were not woken");
            HashMap::new()
        });
        woken.insert(tenant, of_tenant);
    }
    let outcome = |wake: &Wake| woken.get(&wake.tenant)?.get(&wake.enrollment).copied();
    wakes.iter().map(|wake| (wake.clone(), outcome(wake).unwrap_or(Woken::Again))).collect()
}

async fn wake_tenant(state: &State, scope: &Scope, asked: &Asked) -> Result<HashMap<EnrollmentId, Woken>> {
    // Gone, without an address, or with nothing waiting and nothing to be asked: nothing to do.
    let ids: Vec<EnrollmentId> = asked.keys().cloned().collect();
    let mut woken: HashMap<EnrollmentId, Woken> = ids.iter().map(|id| (id.clone(), Woken::Done)).collect();
    let mut by_topic: HashMap<String, Vec<(EnrollmentId, PushAddress)>> = HashMap::new();
    for enrollment in state.store.enrollments(scope, &ids).await? {
        let is_asked = asked.get(&enrollment.id).copied().flatten() >= Some(enrollment.last_seen);
        if let Some(address) = enrollment.to_be_woken(is_asked, state.clock.now()).cloned() {
            by_topic.entry(address.topic.clone()).or_default().push((enrollment.id, address));
        }
    }
    for (topic, targets) in by_topic {
        match identity_for(state, scope, &topic).await {
            Ok(identity) => woken.extend(wake_topic(state, scope, &identity, targets).await),
            Err(error) => {
                // No certificate reaches them now; their commands wait in the store until one does.
                tracing::error!(tenant = %scope.tenant(), topic, error = %error.chain(), "a topic cannot be reached");
                if error.kind() == crate::error::Kind::Unavailable {
                    woken.extend(targets.into_iter().map(|(id, _)| (id, Woken::Again)));
                }
            }
        }
    }
    Ok(woken)
}

async fn identity_for(state: &State, scope: &Scope, topic: &str) -> Result<PushIdentity> {
    let now = state.clock.now();
    let mut all = remembered(state, scope).await?;
    if all.usable_for(topic, now).is_err() {
        // This process may have looked before the certificate was activated.
        state.push_certificates.forget(scope.tenant());
        all = remembered(state, scope).await?;
    }
    let InstalledCertificate { certificate, key, .. } = all.usable_for(topic, now)?;
    push_identity(state, scope, certificate, key).await
}

/// The tenant's push certificates, remembered for a minute.
pub(super) async fn remembered(state: &State, scope: &Scope) -> Result<Arc<PushCertificates>> {
    let load = async { state.store.push_certificates(scope).await.map(Arc::new) };
    state.push_certificates.get_or_load(scope.tenant(), load).await
}

async fn wake_topic(
    state: &State,
    scope: &Scope,
    identity: &PushIdentity,
    targets: Vec<(EnrollmentId, PushAddress)>,
) -> HashMap<EnrollmentId, Woken> {
    let heard = &Mutex::new(None);
    let woken = stream::iter(targets)
        .map(|(id, address)| async move {
            let woken = wake(state, scope, identity, &id, &address, heard).await.unwrap_or_else(|error| {
                tracing::error!(tenant = %scope.tenant(), enrollment = %id, error = %error.chain(), "a push failed");
                Woken::Again
            });
            (id, woken)
        })
        .buffer_unordered(CONCURRENT)
        .collect()
        .await;
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(verdict) = heard {
        note(state, scope, identity.fingerprint, &verdict).await;
    }
    woken
}

fn hear(heard: &Mutex<Option<Verdict>>, verdict: Verdict) {
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    *heard = Some(match heard.take() {
        Some(before) => before.and(verdict),
        None => verdict,
    });
}

async fn wake(
    state: &State,
    scope: &Scope,
    identity: &PushIdentity,
    id: &EnrollmentId,
    address: &PushAddress,
    heard: &Mutex<Option<Verdict>>,
) -> Result<Woken> {
    // Once Apple refuses the certificate, the rest of the topic would only be refused as well.
    if matches!(*heard.lock().unwrap_or_else(PoisonError::into_inner), Some(Verdict::Refused(_))) {
        return Ok(Woken::Again);
    }
    let now = state.clock.now();
    let push = Push {
        token: hex::decode(&address.token).map_err(Error::internal)?,
        magic: Secret::new(address.magic.clone()),
        topic: address.topic.clone(),
        expires_at: now + SignedDuration::from_hours(KEPT_HOURS),
    };
    let outcome = state.apns.push(identity, &push).await;
    hear(heard, verdict(&outcome));
    state.count(Metric::Pushes(counted(&outcome)));
    let attempt = |outcome: String| PushAttempt { at: now, outcome };
    match outcome {
        Outcome::Accepted { .. } => {
            state.store.note_push(scope, id, &PushAttempt::accepted(now)).await?;
            Ok(Woken::Done)
        }
        Outcome::DeviceGone { reason, .. } => {
            // Not an unenrollment: only a device itself, or an administrator, ends one. Its next TokenUpdate heals it.
            tracing::warn!(tenant = %scope.tenant(), enrollment = %id, reason, "a push address is no longer good");
            let until = now + SignedDuration::from_hours(REST_HOURS);
            let event = state.event(scope, EventKind::PushAddressRefused, id).with("reason", &reason);
            state.store.rest_push(scope, id, address, &attempt(reason), until, &event).await?;
            Ok(Woken::Done)
        }
        Outcome::CertificateRefused { reason } => {
            tracing::error!(
                tenant = %scope.tenant(), topic = address.topic, reason, "APNs refuses the push certificate"
            );
            state.store.note_push(scope, id, &attempt(reason)).await?;
            Ok(Woken::Again)
        }
        Outcome::Retry { reason, .. } => {
            state.store.note_push(scope, id, &attempt(reason)).await?;
            Ok(Woken::Again)
        }
        Outcome::Rejected { status, reason } => {
            tracing::error!(tenant = %scope.tenant(), enrollment = %id, status, reason, "APNs rejected a push");
            state.store.note_push(scope, id, &attempt(reason)).await?;
            Ok(Woken::Done)
        }
    }
}

/// What came of a push, for who watches the numbers.
fn counted(outcome: &Outcome) -> PushOutcome {
    match outcome {
        Outcome::Accepted { .. } => PushOutcome::Accepted,
        Outcome::DeviceGone { .. } | Outcome::CertificateRefused { .. } | Outcome::Rejected { .. } => {
            PushOutcome::Refused
        }
        Outcome::Retry { .. } => PushOutcome::Failed,
    }
}
