//! Asks Apple about push certificates that were quiet for a day, and looks whether pushes wake devices. A schedule starts it
//! every few hours.

use shared::error::{Error, Result};
use shared::service::probe_push_certificates::{ProbeTally, probe_push_certificates};
use shared::service::watch_delivery::{DeliveryTally, watch_delivery};
use shared::state::AppState;
use shared::time::{SignedDuration, Timestamp};

/// What the tenants under way may still take when no further one is begun.
const RESERVE: SignedDuration = SignedDuration::from_secs(30);

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    /// Push certificates that Apple was asked about.
    pub probes: ProbeTally,
    /// What pushes to devices came to.
    pub delivery: DeliveryTally,
}

/// Probes what is due, then looks at what pushes came to, until shortly before `deadline`. What goes wrong with one tenant
/// is logged and tried again by the next run.
///
/// # Errors
/// Unavailable when it cannot even be found out which certificates there are, or when tenants were not looked at.
pub async fn handle(state: AppState, deadline: Timestamp) -> Result<Round> {
    let probes = probe_push_certificates(&state).await?;
    let delivery = watch_delivery(&state, || state.clock.now() + RESERVE < deadline).await?;
    if delivery.failed > 0 || delivery.left > 0 {
        let DeliveryTally { failed, left, .. } = delivery;
        return Err(Error::unavailable(format!("{failed} tenants could not be looked at, {left} are left")));
    }
    Ok(Round { probes, delivery })
}
