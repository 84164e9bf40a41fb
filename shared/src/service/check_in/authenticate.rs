//! Authenticate: a device begins an enrollment. It is not enrolled before its first TokenUpdate.

use std::collections::BTreeSet;

use super::Answer;
use crate::domain::enrollment::{DeviceFacts, Enrollment};
use crate::domain::event::EventKind;
use crate::domain::group::joined;
use crate::domain::identity::{IssuedIdentity, not_bound};
use crate::domain::identity_name::{IdentityKind, IdentityName};
use crate::domain::identity_promise::Claim;
use crate::domain::link_terms::LinkHolder;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::protocol::checkin::Authenticate;
use crate::service::authenticate_device::Signer;
use crate::service::external_identity::unit;
use crate::service::{external_identity, refuse_duplicate};
use crate::state::State;
use crate::store::Binding;
use crate::time::Timestamp;

/// Begins a new generation of the device channel and of every user channel: what was queued for the earlier ones is
/// dropped, push addresses and deposited tokens are forgotten, and the identity is bound to this device.
pub(super) async fn run(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
    message: Authenticate,
) -> Result<Answer> {
    let now = state.clock.now();
    let device = id.device_channel();
    let identity = identity(signer, &device, now)?;
    let former = state.store.channels(&signer.scope, &device).await?;
    let before: Vec<_> = former.iter().map(|channel| (channel.id.clone(), channel.generation)).collect();
    let earlier = former.iter().find(|channel| channel.id == device);
    let claim = if earlier.is_none_or(|channel| !channel.certificates.contains(&signer.fingerprint)) {
        claim(signer)?
    } else {
        Claim::None
    };
    if earlier.is_some_and(|earlier| earlier.farewell(&signer.fingerprint).is_some()) {
        return Err(not_bound(&device));
    }
    let generation = earlier.map_or(0, |channel| channel.generation);
    if let Some(earlier) = earlier.filter(|channel| channel.is_managed()) {
        refuse_duplicate::same_hardware(&earlier.facts, message.serial_number.as_deref())?;
    }
    if let Some(earlier) = earlier.filter(|channel| channel.renews_with(signer.fingerprint)) {
        // We asked for this: nothing that waits is dropped, and no user's channel ends.
        let facts = DeviceFacts { supervised: earlier.facts.supervised, ..facts(message) };
        state.store.refresh_device(&signer.scope, &device, signer.fingerprint, &facts, now).await?;
        tracing::info!(tenant = %signer.scope.tenant(), enrollment = %id, "a device installed its profile anew");
        return Ok(Answer::Done);
    }
    // A new enrollment opens nothing that was closed to the device, and leaves it in its groups.
    let groups = earlier.map(|channel| channel.groups.clone()).unwrap_or_default();
    let begun = Enrollment {
        groups,
        locked_at: earlier.and_then(|channel| channel.locked_at),
        revoked: earlier.map(|channel| channel.revoked.clone()).unwrap_or_default(),
        ..begun(device.clone(), generation + 1, signer, message, now)
    };
    let mut channels: Vec<Enrollment> = former
        .into_iter()
        .filter(|channel| channel.id != device && !channel.is_over())
        .map(Enrollment::ended)
        .collect();
    channels.insert(0, begun);
    let restarted = state.event(&signer.scope, EventKind::EnrollmentRestarted, id);
    let restarted = Some(&restarted).filter(|_| generation > 0);
    let write = async |claim: &Claim| {
        let group = group(signer, claim);
        let mut channels = channels.clone();
        let mut joins = None;
        if let Some((group, device)) = group.as_deref().zip(channels.first_mut())
            && let Some(groups) = joined(&device.groups, group)
        {
            device.groups = groups;
            joins = Some(group);
        }
        let holder = LinkHolder { group: group.clone(), ..LinkHolder::default() };
        let identity = IssuedIdentity { holder, ..identity.clone() };
        let binds = Binding { identity: &identity, claim };
        state.store.begin_channels(&signer.scope, &channels, &before, binds, joins, restarted).await
    };
    let mut written = write(&claim).await;
    if signer.is_external
        && let Err(refused) = written
    {
        let serial = channels.first().and_then(|device| device.facts.serial_number.as_deref());
        written = match external_identity::second_try(state, signer, &device, serial, &claim, refused).await {
            Ok(claim) => write(&claim).await,
            Err(refused) => Err(refused),
        };
    }
    if written.as_ref().is_err_and(|error| error.code() == "identity-claimed-before") {
        // It had another identity in between, and its profile is installed anew.
        written = write(&Claim::Bound).await;
    }
    if let Err(error) = &written
        && error.code() == "identity-bound-elsewhere"
    {
        let event = state
            .event(&signer.scope, EventKind::IdentityRefused, id)
            .with("fingerprint", signer.fingerprint);
        state.store.put_event(&signer.scope, &event).await?;
    }
    written?;
    tracing::info!(tenant = %signer.scope.tenant(), enrollment = %id, "a device began an enrollment");
    Ok(Answer::Done)
}

fn begun(
    id: EnrollmentId,
    generation: u64,
    signer: &Signer,
    message: Authenticate,
    now: Timestamp,
) -> Enrollment {
    Enrollment {
        facts: facts(message),
        identity: Some(signer.identity.clone()),
        mutual_tls: signer.mutual_tls,
        ..Enrollment::begun(id, generation, signer.fingerprint, now)
    }
}

/// What the device says of itself.
fn facts(message: Authenticate) -> DeviceFacts {
    DeviceFacts {
        device_name: message.device_name,
        model: message.model,
        model_name: message.model_name,
        product_name: message.product_name,
        serial_number: message.serial_number,
        os_version: message.os_version,
        build_version: message.build_version,
        imei: message.imei,
        meid: message.meid,
        supervised: None,
        user_enrollment: message.user_enrollment,
    }
}

/// The group in the link, which stands in the identity's subject: so it costs no read. An authority from elsewhere has
/// units of its own, which are nobody's groups here.
fn group(signer: &Signer, claim: &Claim) -> Option<String> {
    match claim {
        Claim::Promised { group, .. } => group.clone(),
        Claim::None | Claim::Carried(_) | Claim::Bound => unit(signer).filter(|_| signer.is_ours),
    }
}

/// What the device has to claim with its identity: an identity of ours says in its name how it came about.
fn claim(signer: &Signer) -> Result<Claim> {
    if signer.is_external {
        return Ok(external_identity::claim(signer));
    }
    let name = IdentityName::of(&signer.certificate).filter(|_| signer.is_ours);
    match name {
        None => Ok(Claim::None),
        Some(IdentityName { kind: IdentityKind::Requested, .. }) => Ok(Claim::None),
        Some(IdentityName { kind: IdentityKind::Carried, link, .. }) => Ok(Claim::Carried(link)),
        Some(IdentityName { kind: IdentityKind::Phase, .. }) => Err(Error::forbidden(
            "identity-of-a-phase",
            "This identity proves a device between the phases of its enrollment: it enrolls nobody.",
        )),
    }
}

/// The record that binds the signer's certificate to this device. Here, and only here, its end is compared with the
/// clock: an enrollment must not begin with an identity that is over.
fn identity(signer: &Signer, device: &EnrollmentId, now: Timestamp) -> Result<IssuedIdentity> {
    let not_after = signer.identity.not_after;
    if not_after <= now {
        return Err(Error::forbidden(
            "identity-expired",
            format!("The device's identity ended on {not_after}."),
        ));
    }
    Ok(IssuedIdentity {
        fingerprint: signer.fingerprint,
        certificate: signer.certificate.to_der().map_err(Error::internal)?.into(),
        not_after,
        issued_at: now,
        link: None,
        holder: LinkHolder::default(),
        devices: BTreeSet::new(),
        renews: None,
        enrollment: Some(device.clone()),
        revoked_at: None,
        unclaimed_until: None,
    })
}
