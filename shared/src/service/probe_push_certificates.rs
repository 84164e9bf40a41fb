//! Asking Apple about push certificates that no device was woken with for a day.

use futures_util::{StreamExt, stream};

use super::apns_status::note;
use super::check_push_certificate::probe;
use crate::domain::push_verdict::Verdict;
use crate::error::Result;
use crate::scope::Scope;
use crate::state::State;
use crate::store::Expiring;
use crate::time::{DAY, SignedDuration, Timestamp};

/// A certificate that was used within this many seconds needs no probe.
const QUIET: i64 = DAY;
/// A certificate lives a year: within so many seconds each active one ends.
const LONGEST_LIFE: i64 = 400 * DAY;
/// Most probes of a run; the next run goes on with the others. Each is a new connection, and Apple takes many for an
/// attack.
const MOST: usize = 1_500;
/// Probes under way at a time.
const CONCURRENT: usize = 10;
/// Probes after which the run looks whether Apple answers at all.
const ROUND: usize = 50;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ProbeTally {
    /// Certificates that Apple accepts.
    pub good: u32,
    /// Certificates that Apple refuses.
    pub refused: u32,
    /// Certificates about which nothing was learned.
    pub unclear: u32,
    /// Tenants where something went wrong here; the next run tries again.
    pub failed: u32,
}

/// Probes every active certificate that was quiet for a day. It may run at any time and be cut short anywhere.
///
/// # Errors
/// Unavailable when it cannot even be found out which certificates there are.
pub async fn probe_push_certificates(state: &State) -> Result<ProbeTally> {
    let now = state.clock.now();
    let active = state.store.expiring(now, now + SignedDuration::from_secs(LONGEST_LIFE)).await?;
    let found = stream::iter(active)
        .map(|certificate| async move { is_quiet(state, &certificate, now).await.then_some(certificate) })
        .buffered(CONCURRENT)
        .filter_map(std::future::ready);
    let quiet: Vec<Expiring> = found.take(MOST).collect().await;
    let mut tally = ProbeTally::default();
    for round in quiet.chunks(ROUND) {
        let before = tally;
        let mut outcomes = stream::iter(round.to_vec())
            .map(|certificate| async move { probe_one(state, &certificate).await })
            .buffer_unordered(CONCURRENT);
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Some(Verdict::Good) => tally.good += 1,
                Some(Verdict::Refused(_)) => tally.refused += 1,
                Some(Verdict::Unclear(_)) => tally.unclear += 1,
                None => tally.failed += 1,
            }
        }
        if tally.good == before.good && tally.refused == before.refused {
            tracing::warn!("APNs answers no probe: the run ends here");
            break;
        }
    }
    tracing::info!(?tally, "push certificates probed");
    Ok(tally)
}

#[expect(clippy::disallowed_methods, reason = "the schedule acts for every tenant in turn")]
fn scope(certificate: &Expiring) -> Scope {
    Scope::system(certificate.tenant.clone(), "probe")
}

/// Unknown counts as quiet: then the probe itself says what is wrong.
async fn is_quiet(state: &State, certificate: &Expiring, now: Timestamp) -> bool {
    let status = state.store.apns_status(&scope(certificate), &certificate.fingerprint).await;
    status.ok().flatten().is_none_or(|status| now.as_second() - status.noted >= QUIET)
}

/// The verdict on a certificate; none, and a line in the log, where there was trouble.
async fn probe_one(state: &State, certificate: &Expiring) -> Option<Verdict> {
    let scope = scope(certificate);
    let verdict = async {
        // The index may lag: what counts is which certificate is active now.
        let all = state.store.push_certificates(&scope).await?;
        let Some(active) =
            all.active().filter(|active| active.certificate.fingerprint == certificate.fingerprint)
        else {
            return Ok(None);
        };
        probe(state, &scope, &active.certificate, &active.key).await.map(Some)
    };
    match verdict.await {
        Ok(Some(verdict)) => {
            note(state, &scope, certificate.fingerprint, &verdict).await;
            Some(verdict)
        }
        Ok(None) => None,
        Err(error) => {
            let error: crate::error::Error = error;
            tracing::error!(tenant = %certificate.tenant, error = %error.chain(), "a push certificate was not probed");
            None
        }
    }
}
