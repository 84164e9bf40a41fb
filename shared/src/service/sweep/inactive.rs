//! From silence to inactivity: decided over all of a tenant's devices, done device by device.

use serde_json::json;

use super::send;
use crate::domain::enrollment::Enrollment;
use crate::domain::event::EventKind;
use crate::domain::inactivity::{Held, InactivityRule};
use crate::domain::sweep::{DevicePage, Sweep, Tally};
use crate::error::Result;
use crate::protocol::command::Command;
use crate::scope::Scope;
use crate::service::enqueue_command::{NewCommand, enqueue_command};
use crate::state::State;
use crate::store::MadeInactive;

/// A DeviceLock goes before whatever else waits.
const FIRST: u8 = 9;

/// Adds a page's devices to what is known of the tenant.
pub(super) fn count(
    tally: &mut Tally,
    rule: &InactivityRule,
    found: &[Enrollment],
    now: crate::time::Timestamp,
) {
    for device in found {
        tally.heard_at = tally.heard_at.max(Some(device.last_seen));
        if InactivityRule::counts(device) {
            tally.devices += 1;
            tally.silent += u64::from(rule.is_silent(device, now));
        }
    }
}

/// After a look at all devices: lets the silent ones become inactive, or, if they are too many, notes that the rule rests.
pub(super) async fn conclude(
    state: &State,
    scope: &Scope,
    rule: &InactivityRule,
    tally: &Tally,
) -> Result<()> {
    if let Some(heard_at) = tally.heard_at {
        state.store.note_heard(heard_at).await?;
    }
    let now = state.clock.now();
    let is_held = rule.is_held(tally.silent, tally.devices, now);
    if rule.held.is_some() && !is_held {
        state.store.release_inactivity(scope, rule).await?;
    }
    if tally.silent == 0 {
        return Ok(());
    }
    if !is_held {
        let page = DevicePage { closes: true, ..DevicePage::first(scope.tenant().clone()) };
        return send(state, &[Sweep::Devices(page)], 0).await;
    }
    let held = Held { since: now, would_hit: tally.silent, devices: tally.devices };
    let event = state
        .event_of_all(scope, EventKind::InactivityHeld)
        .with("would_hit", held.would_hit)
        .with("devices", held.devices);
    if state.store.hold_inactivity(scope, rule, &held, &event).await? {
        // The alarm counts these lines.
        tracing::error!(event = "inactivity-held", tenant = %scope.tenant(), silent = held.would_hit, devices = held.devices,
            "too many devices fell silent at once");
    }
    Ok(())
}

/// Makes a page's silent devices inactive. Returns whether to go on: not when the day's cap is reached.
pub(super) async fn close(
    state: &State,
    scope: &Scope,
    rule: &InactivityRule,
    found: &[Enrollment],
) -> Result<bool> {
    let now = state.clock.now();
    let silent: Vec<&Enrollment> = found.iter().filter(|device| rule.is_inactive(device, now)).collect();
    if silent.is_empty() {
        return Ok(true);
    }
    let heard_at = state.store.heard_at().await?;
    for device in silent {
        // Somebody must have been heard since this device was asked, or it may be the server that hears nobody.
        let asked_at = device.last_push.as_ref().map(|push| push.at);
        if heard_at <= asked_at && !rule.is_confirmed(now) {
            continue;
        }
        let wants_lock = rule.device_lock.is_some() && !device.facts.is_mac();
        let device_lock = wants_lock.then(|| state.random.command_uuid());
        let event =
            state.event(scope, EventKind::DeviceInactive, &device.id).with("last_seen", device.last_seen);
        let made = state
            .store
            .make_inactive(scope, device, device_lock.as_ref(), rule.daily_cap, now, &event)
            .await?;
        match made {
            MadeInactive::Yes => {
                tracing::info!(tenant = %scope.tenant(), enrollment = %device.id, "a silent device is inactive");
                let device = Enrollment { device_lock, ..device.clone() };
                queue_lock(state, scope, rule, &device).await?;
            }
            MadeInactive::No => {}
            MadeInactive::CapReached => return Ok(false),
        }
    }
    Ok(true)
}

/// Queues the DeviceLock that a device is to find when it comes back. The UUID was written with the state, so that a
/// process that dies before this leaves it to the next sweep.
pub(super) async fn queue_lock(
    state: &State,
    scope: &Scope,
    rule: &InactivityRule,
    device: &Enrollment,
) -> Result<()> {
    let Some(uuid) = &device.device_lock else { return Ok(()) };
    if let Some(lock) = &rule.device_lock {
        let mut json = json!({"RequestType": "DeviceLock"});
        if let Some(message) = &lock.message {
            json["Message"] = message.as_str().into();
        }
        if let Some(number) = &lock.phone_number {
            json["PhoneNumber"] = number.as_str().into();
        }
        let new = NewCommand {
            command: Command::from_json(&json)?,
            targets: vec![device.id.clone()],
            priority: FIRST,
            uuid: Some(uuid.clone()),
            expires_in: None,
            random_pin: false,
        };
        if let Err(error) = enqueue_command(state, scope, new).await {
            // A refused order, such as without a push certificate, must not stop the rest. The next sweep tries again.
            tracing::error!(tenant = %scope.tenant(), enrollment = %device.id, error = %error.chain(),
                "a DeviceLock was not queued");
            return Ok(());
        }
    }
    state.store.note_device_lock(scope, &device.id, uuid).await
}
