//! One page of a tenant's devices.

use std::collections::HashMap;

use super::send;
use crate::domain::enrollment::Enrollment;
use crate::domain::sweep::{DevicePage, Sweep};
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::service::enqueue_command::send_wakes;
use crate::service::wake_devices::remembered;
use crate::state::State;

/// Enrollments of one page: what DynamoDB reads in one call.
const PAGE: i32 = 100;
/// Hints that go out together.
const TOGETHER: usize = 10;
/// Over how many seconds a page's hints are spread: SQS's longest delay. Devices that wake at once answer at once.
const SPREAD: u16 = 900;
/// After so many hints a tenant rests for [`SPREAD`] seconds, so that it neither floods the wake queue nor Apple.
const PACE: u32 = 2_000;

/// Hints at the devices of a page that are to be woken again, and asks for the next page.
pub(super) async fn look(state: &State, page: &DevicePage) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the schedule looks at every tenant in turn")]
    let scope = Scope::system(page.tenant.clone(), "sweep");
    let now = state.clock.now();
    let (found, next) = state.store.list_enrollments(&scope, page.after.as_deref(), PAGE).await?;
    let silent: Vec<Enrollment> =
        found.into_iter().filter(|enrollment| enrollment.is_to_be_woken_again(now)).collect();
    let hints = reachable(state, &scope, silent).await?;
    for some in hints.chunks(TOGETHER) {
        send_wakes(state, &scope, some, jitter(state)).await;
    }
    if !hints.is_empty() {
        tracing::info!(tenant = %page.tenant, devices = hints.len(), "silent devices are woken again");
    }
    let Some(after) = next else { return Ok(()) };
    let hinted = page.hinted.saturating_add(u32::try_from(hints.len()).unwrap_or(u32::MAX));
    let rests = hinted >= PACE;
    let next = DevicePage {
        tenant: page.tenant.clone(),
        after: Some(after),
        hinted: if rests { 0 } else { hinted },
    };
    send(state, &[Sweep::Devices(next)], if rests { SPREAD } else { 0 }).await
}

/// Those whose push certificate can be used now. The others wait for its renewal, after which the next sweep finds them.
async fn reachable(state: &State, scope: &Scope, silent: Vec<Enrollment>) -> Result<Vec<EnrollmentId>> {
    if silent.is_empty() {
        return Ok(Vec::new());
    }
    let certificates = remembered(state, scope).await?;
    let now = state.clock.now();
    let mut usable: HashMap<String, bool> = HashMap::new();
    let mut reachable = Vec::with_capacity(silent.len());
    for enrollment in silent {
        let Some(topic) = enrollment.push.map(|push| push.topic) else { continue };
        let known = usable.get(&topic).copied();
        let is_usable = known.unwrap_or_else(|| certificates.usable_for(&topic, now).is_ok());
        if is_usable {
            reachable.push(enrollment.id);
        }
        usable.insert(topic, is_usable);
    }
    Ok(reachable)
}

fn jitter(state: &State) -> u16 {
    u16::from_be_bytes(state.random.bytes()) % SPREAD
}
