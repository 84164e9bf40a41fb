//! Looking whether the pushes that Apple accepts wake devices, tenant by tenant: see [`crate::domain::delivery`].

use std::ops::AddAssign;

use futures_util::{StreamExt, stream};

use crate::domain::delivery::{Activation, Delivery, Woken};
use crate::error::Result;
use crate::scope::Scope;
use crate::state::State;
use crate::store::Expiring;
use crate::time::{DAY, SignedDuration};

/// A certificate lives a year: within so many seconds each active one ends.
const LONGEST_LIFE: i64 = 400 * DAY;
/// Tenants that are looked at at the same time.
const AT_ONCE: usize = 16;
/// So many devices of a topic are looked at.
const LOOKED_AT: i32 = 500;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DeliveryTally {
    /// Tenants that were looked at.
    pub looked: u32,
    /// Tenants whose devices began to stay silent.
    pub silent: u32,
    /// Tenants where something went wrong here; the next run looks again.
    pub failed: u32,
    /// Tenants that the time did not suffice for.
    pub left: u32,
}

impl AddAssign for DeliveryTally {
    fn add_assign(&mut self, other: Self) {
        self.looked += other.looked;
        self.silent += other.silent;
        self.failed += other.failed;
        self.left += other.left;
    }
}

/// Looks at every tenant with an active push certificate. It may run at any time and be cut short anywhere. `may_go_on`
/// is asked before each tenant.
///
/// # Errors
/// Unavailable when it cannot even be found out which tenants there are.
pub async fn watch_delivery(state: &State, may_go_on: impl Fn() -> bool + Sync) -> Result<DeliveryTally> {
    let now = state.clock.now();
    let mut active = state.store.expiring(now, now + SignedDuration::from_secs(LONGEST_LIFE)).await?;
    // Runs that are cut short leave other tenants each time.
    let start = u32::from_be_bytes(state.random.bytes()) as usize;
    let tenants = active.len().max(1);
    active.rotate_left(start % tenants);
    let may_go_on = &may_go_on;
    let mut looks = stream::iter(active)
        .map(|certificate| async move {
            if may_go_on() {
                look(state, certificate).await
            } else {
                DeliveryTally { left: 1, ..DeliveryTally::default() }
            }
        })
        .buffer_unordered(AT_ONCE);
    let mut tally = DeliveryTally::default();
    while let Some(one) = looks.next().await {
        tally += one;
    }
    tracing::info!(?tally, "looked at what pushes come to");
    Ok(tally)
}

async fn look(state: &State, certificate: Expiring) -> DeliveryTally {
    #[expect(clippy::disallowed_methods, reason = "the schedule acts for every tenant in turn")]
    let scope = Scope::system(certificate.tenant, "delivery");
    match try_look(state, &scope).await {
        Ok(silent) => DeliveryTally { looked: 1, silent: u32::from(silent), ..DeliveryTally::default() },
        Err(error) => {
            tracing::error!(
                tenant = %scope.tenant(), error = %error.chain(), "it is not known what pushes come to"
            );
            DeliveryTally { failed: 1, ..DeliveryTally::default() }
        }
    }
}

/// Whether devices began to stay silent.
async fn try_look(state: &State, scope: &Scope) -> Result<bool> {
    // The index may lag: what counts is which certificate is active now.
    let all = state.store.push_certificates(scope).await?;
    let Some(active) = all.active() else {
        return Ok(false);
    };
    let activation = Activation { topic: &active.certificate.topic, at: active.activated_at };
    let now = state.clock.now();
    let mut pushes = Vec::new();
    for topic in all.topics() {
        let devices = state.store.devices_on(scope, topic, LOOKED_AT).await?;
        pushes.extend(devices.iter().filter_map(|device| Woken::of(device, now)));
    }
    let before = state.store.delivery(scope).await?;
    let Some(after) = Delivery::after(before.as_ref(), activation, &pushes, now) else {
        return Ok(false);
    };
    let began = after.began_to_fall(before.as_ref());
    if let Some(alert) = began {
        // Before it is written down: killed in between, it is told twice rather than never. template.yaml counts these by
        // the event's name.
        tracing::error!(
            event = "silent-pushes", tenant = %scope.tenant(), fingerprint = %active.certificate.fingerprint,
            in_time = after.present.in_time, pushed = after.present.pushed, cause = ?alert.cause,
            "pushes are accepted, but devices stay silent"
        );
    } else if after.alert.is_none() && before.is_some_and(|before| before.alert.is_some()) {
        tracing::info!(tenant = %scope.tenant(), "devices come back after pushes again");
    }
    state.store.put_delivery(scope, &after).await?;
    Ok(began.is_some())
}
