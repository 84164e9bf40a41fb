//! Asking a device to renew its identity: the enrollment profile once more, with a challenge that only this device can use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::enqueue_command::{NewCommand, enqueue_command};
use super::enrollment_profile::{Frame, scep};
use super::external_scep::{lasts, payload};
use super::fetch_challenge::challenge;
use super::issue_identity::subject;
use crate::domain::audit::AuditAction;
use crate::domain::enrollment::Enrollment;
use crate::domain::identity_promise::PromisedName;
use crate::domain::renewal::{Renewal, WAITS};
use crate::domain::renewal_challenge::{RenewalChallenge, RenewalToken};
use crate::domain::sweep::{DeviceRenewal, Sweep};
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::protocol::command::Command;
use crate::scope::Scope;
use crate::state::State;
use crate::time::from_unix;

/// Among what waits for a device, a renewal has no precedence.
const PRIORITY: u8 = 5;

/// Queues the profile for a device, and notes it. Done twice at the same moment, the later command supersedes the earlier one;
/// a process that dies before the note leaves a command that renews as well.
///
/// # Errors
/// Conflict when the device cannot be reached now, such as without a push certificate: the next sweep tries again.
pub(super) async fn ask_for_renewal(state: &State, scope: &Scope, device: &Enrollment) -> Result<()> {
    let (Some(identity), Some(push)) = (&device.identity, &device.push) else { return Ok(()) };
    let now = state.clock.now();
    let settings = state.store.enrollment_settings(scope).await?;
    let frame = Frame::installed(state, scope, &settings, push.topic.clone(), device).await?;
    let token = RenewalToken { id: state.random.id(), secret: state.random.token() };
    let common_name = PromisedName::Renewal(token.id.clone()).to_string();
    // The group stands in the subject for the day when the device enrolls anew with it.
    let record = state.store.identity(scope, &identity.fingerprint).await?;
    let group = record.and_then(|record| record.holder.group);
    let subject = subject(&frame.authority.organization, group.as_deref(), &common_name);
    // The gateway for mutual TLS knows no authority but those of this server.
    let external = settings.external().filter(|_| !device.mutual_tls);
    let former = identity.fingerprint;
    let kept = RenewalChallenge {
        external: external.is_some(),
        ..RenewalChallenge::create(&token, device.id.clone(), former, subject.clone(), now)
    };
    let asks = match external {
        Some(external) => {
            payload(external, subject, challenge(state, scope.tenant(), &external.challenge).await?)
        }
        None => scep(state, scope, &frame.authority, subject, token.reveal()),
    };
    let fades_in = external.and_then(lasts);
    state.store.keep_renewal_challenge(scope, &kept).await?;
    let profile = frame.serve(state, scope, &common_name, asks, false).await?.bytes;
    let uuid = state.random.command_uuid();
    let install = json!({"RequestType": "InstallProfile", "Payload": STANDARD.encode(profile)});
    let new = NewCommand {
        command: Command::from_json(&install)?,
        targets: vec![device.id.clone()],
        priority: PRIORITY,
        uuid: Some(uuid.clone()),
        expires_in: u64::try_from(fades_in.unwrap_or(WAITS)).ok(),
        random_pin: false,
    };
    enqueue_command(state, scope, new).await?;
    let before = device.renewal.clone().unwrap_or_default();
    let renewal = Renewal {
        attempt: before.attempt + 1,
        asked_at: Some(now),
        command: Some(uuid),
        fades_at: fades_in.map(|seconds| from_unix(now.as_second() + seconds)),
        wanted_at: None,
        overdue_at: before.overdue_at,
    };
    if state.store.note_renewal(scope, device, &renewal).await? {
        tracing::info!(tenant = %scope.tenant(), enrollment = %device.id, attempt = renewal.attempt,
            "a device was asked to renew its identity");
    }
    Ok(())
}

/// Has a device asked at once to renew its identity, whenever that ends. The order is kept: should its message be lost, the
/// next sweep finds it.
///
/// # Errors
/// NotFound when there is no such device; Conflict when it is not enrolled, or its identity cannot be renewed.
pub async fn want_renewal(state: &State, scope: &Scope, id: &EnrollmentId) -> Result<Enrollment> {
    let id = id.device_channel();
    let device = state.store.enrollment(scope, &id).await?;
    let device = device.ok_or_else(|| Error::not_found("enrollment"))?;
    if !device.is_managed() {
        return Err(Error::conflict("not-enrolled", format!("The device {id} is not enrolled (any more).")));
    }
    let authorities = state.store.authorities(scope).await?;
    let is_ours = device.identity.as_ref().is_some_and(|identity| {
        authorities.iter().any(|each| each.is_renewable() && each.fingerprint() == identity.authority)
    });
    if !is_ours || device.renewal_at().is_none() {
        return Err(Error::conflict(
            "identity-not-renewable",
            "This device's identity is not one that this server can renew.",
        )
        .next("It was revoked, came from another server, or has not been used since an upgrade. Enroll the device anew, or wait until it polls."));
    }
    let renewal =
        Renewal { wanted_at: Some(state.clock.now()), ..device.renewal.clone().unwrap_or_default() };
    let audit = state.audit(scope, AuditAction::IdentityRenewalAsked).with("enrollment", &id);
    if !state.store.want_renewal(scope, &device, &renewal, &audit).await? {
        return Err(Error::conflict("enrollment-changed", "The enrollment changed meanwhile.")
            .next("Look at the present one and decide again."));
    }
    let hint = Sweep::Renewal(DeviceRenewal { tenant: scope.tenant().clone(), enrollment: id });
    let body = serde_json::to_string(&hint).map_err(Error::internal)?;
    if let Err(error) = state.sweeps.send(&[body], 0).await {
        tracing::error!(tenant = %scope.tenant(), error = %error.chain(), "the next sweep asks for a renewal");
    }
    Ok(Enrollment { renewal: Some(renewal), ..device })
}
