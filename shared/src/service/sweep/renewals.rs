//! Identities that are to be renewed, found among the devices that a page has read anyway.

use std::collections::BTreeSet;

use crate::domain::enrollment::Enrollment;
use crate::domain::event::EventKind;
use crate::domain::renewal::Renewal;
use crate::domain::sweep::DeviceRenewal;
use crate::error::Result;
use crate::id::Fingerprint;
use crate::scope::Scope;
use crate::service::authenticate_device::authorities;
use crate::service::renew_identity::ask_for_renewal;
use crate::state::State;

/// Asks those whose time has come, and writes down whose identity is overdue. Where nobody's has, it costs nothing.
pub(super) async fn look(state: &State, scope: &Scope, found: &[Enrollment]) -> Result<()> {
    let now = state.clock.now();
    let due = |device: &&Enrollment| device.is_renewal_due(now) || device.is_overdue_untold(now);
    let due: Vec<&Enrollment> = found.iter().filter(due).collect();
    if due.is_empty() {
        return Ok(());
    }
    // Another server's identities are in another server's profiles.
    let authorities = authorities(state, scope).await?;
    let renewable: BTreeSet<Fingerprint> =
        authorities.iter().filter(|each| each.is_renewable()).map(|each| each.fingerprint()).collect();
    for device in due {
        let is_ours =
            device.identity.as_ref().is_some_and(|identity| renewable.contains(&identity.authority));
        let done = if device.is_overdue_untold(now) {
            tell(state, scope, device).await
        } else if is_ours {
            ask_for_renewal(state, scope, device).await
        } else {
            Ok(())
        };
        if let Err(error) = done {
            // One device's trouble must not stop the rest. The next sweep tries again.
            tracing::warn!(tenant = %scope.tenant(), enrollment = %device.id, error = %error.chain(),
                "a device was not asked to renew its identity");
        }
    }
    Ok(())
}

/// Asks one device, because an administrator wants it.
pub(super) async fn ask(state: &State, scope: &Scope, wanted: &DeviceRenewal) -> Result<()> {
    let device = state.store.enrollment(scope, &wanted.enrollment).await?;
    match device.filter(|device| device.is_renewal_due(state.clock.now())) {
        Some(device) => ask_for_renewal(state, scope, &device).await,
        None => Ok(()),
    }
}

async fn tell(state: &State, scope: &Scope, device: &Enrollment) -> Result<()> {
    let event = state.event(scope, EventKind::IdentityOverdue, &device.id);
    let event = match &device.identity {
        Some(identity) => {
            event.with("fingerprint", identity.fingerprint).with("not_after", identity.not_after)
        }
        None => event,
    };
    let renewal = Renewal { overdue_at: Some(event.at), ..device.renewal.clone().unwrap_or_default() };
    state.store.note_overdue(scope, device, &renewal, &event).await.map(drop)
}
