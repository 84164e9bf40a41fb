//! One page of a tenant's devices.

use std::collections::{HashMap, HashSet};

use super::{inactive, refresh, renewals, send};
use crate::domain::enrollment::Enrollment;
use crate::domain::inactivity::InactivityRule;
use crate::domain::sweep::{DevicePage, DeviceRenewal, Sweep};
use crate::domain::wake::Wake;
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::service::enqueue_command::send_hints;
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

/// Does a page, and asks for the next one or concludes what follows from all of them.
pub(super) async fn look(state: &State, page: &DevicePage) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the schedule looks at every tenant in turn")]
    let scope = Scope::system(page.tenant.clone(), "sweep");
    let (found, after) = state.store.list_enrollments(&scope, page.after.as_deref(), PAGE).await?;
    if found.is_empty() && page.after.is_none() {
        return Ok(());
    }
    let (rule, refreshed) = state.store.sweep_rules(&scope).await?;
    let mut next = DevicePage { after, ..page.clone() };
    let mut rests = false;
    if page.closes {
        if !inactive::close(state, &scope, &rule, &found).await? {
            return Ok(());
        }
    } else {
        inactive::count(&mut next.tally, &rule, &found, state.clock.now());
        for device in &found {
            inactive::queue_lock(state, &scope, &rule, device).await?;
        }
        renewals::look(state, &scope, &found).await?;
        let asked = refresh::ask(state, &scope, &refreshed, &found).await?;
        let hints = wake(state, &scope, &rule, found, &asked).await?;
        next.hinted = next.hinted.saturating_add(u32::try_from(hints).unwrap_or(u32::MAX));
        rests = next.hinted >= PACE;
        if rests {
            next.hinted = 0;
        }
    }
    if next.after.is_some() {
        return send(state, &[Sweep::Devices(next)], if rests { SPREAD } else { 0 }).await;
    }
    if page.closes { Ok(()) } else { inactive::conclude(state, &scope, &rule, &next.tally).await }
}

/// Asks one device to renew its identity.
pub(super) async fn renew(state: &State, wanted: &DeviceRenewal) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "an administrator's order, which is kept in the store")]
    let scope = Scope::system(wanted.tenant.clone(), "renewal");
    renewals::ask(state, &scope, wanted).await
}

/// Hints at those devices that have something waiting and no push under way, at those that were just asked something, and at those
/// that are to say whether they are still there. Returns how many.
async fn wake(
    state: &State,
    scope: &Scope,
    rule: &InactivityRule,
    found: Vec<Enrollment>,
    asked: &HashSet<EnrollmentId>,
) -> Result<usize> {
    let now = state.clock.now();
    let mut due = Vec::new();
    for device in found {
        let is_asked = rule.is_to_be_asked(&device, now);
        if is_asked || asked.contains(&device.id) || device.is_to_be_woken_again(now) {
            let unless_seen_after = is_asked.then_some(device.last_seen);
            due.push((device, unless_seen_after));
        }
    }
    let usable = usable_topics(state, scope, &due).await?;
    // Without a usable certificate they wait for its renewal, after which the next sweep finds them.
    let hints: Vec<Wake> = due
        .into_iter()
        .filter(|(device, _)| device.push.as_ref().is_some_and(|push| usable.get(&push.topic) == Some(&true)))
        .map(|(device, unless_seen_after)| Wake {
            tenant: scope.tenant().clone(),
            enrollment: device.id,
            unless_seen_after,
        })
        .collect();
    for some in hints.chunks(TOGETHER) {
        send_hints(state, scope, some, jitter(state)).await;
    }
    if !hints.is_empty() {
        tracing::info!(tenant = %scope.tenant(), devices = hints.len(), "silent devices are woken");
    }
    Ok(hints.len())
}

/// Whether each topic has a push certificate that can be used now.
pub(super) async fn usable_topics<T>(
    state: &State,
    scope: &Scope,
    due: &[(Enrollment, T)],
) -> Result<HashMap<String, bool>> {
    let mut usable = HashMap::new();
    if due.is_empty() {
        return Ok(usable);
    }
    let (certificates, now) = (remembered(state, scope).await?, state.clock.now());
    for push in due.iter().filter_map(|(device, _)| device.push.as_ref()) {
        if !usable.contains_key(&push.topic) {
            usable.insert(push.topic.clone(), certificates.usable_for(&push.topic, now).is_ok());
        }
    }
    Ok(usable)
}

fn jitter(state: &State) -> u16 {
    u16::from_be_bytes(state.random.bytes()) % SPREAD
}
