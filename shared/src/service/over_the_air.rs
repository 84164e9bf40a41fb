//! Enrollment in phases: the device proves who it is before it gets a profile.
//!
//! 1. The link's profile installs nothing: it asks the device who it is.
//! 2. The device answers, signed with its maker's certificate. It may ask for an identity that proves it from then on.
//! 3. It answers once more, signed with that identity, and gets its enrollment profile.
//!
//! Each phase may be repeated, because an answer may be lost.

use openssl::x509::X509;

use super::authenticate_device::{authorities, issuer_of};
use super::enrollment_profile::{Frame, ServedProfile, count_served, part_uuid, requested, signed};
use super::external_scep::promised;
use crate::domain::identity_name::{IdentityKind, IdentityName};
use crate::domain::link::{EnrollmentLink, LinkState, LinkToken};
use crate::domain::link_challenge::{Challenge, LinkChallenge, ProvenDevice, Purpose};
use crate::error::{Error, Result};
use crate::id::{LinkId, TenantId};
use crate::pki::device_message::DeviceMessage;
use crate::protocol::over_the_air::{DeviceAttributes, ProfileService};
use crate::scope::{Actor, Scope};
use crate::state::State;

/// The profile of the first phase. Each has a challenge of its own, for the one device that answers it.
pub(super) async fn profile_service(
    state: &State,
    scope: &Scope,
    frame: Frame,
    link: &EnrollmentLink,
    unsigned: bool,
) -> Result<ServedProfile> {
    let ends = link.promise_ends(state.clock.now());
    let challenge = promise(state, scope, link, Purpose::Attributes, None, ends).await?;
    let authority = &frame.authority;
    let (base, tenant) = (&state.config.base_url, scope.tenant());
    let profile = ProfileService {
        identifier: format!("com.pomarium.{tenant}.enrollment.service"),
        display_name: authority.common_name.clone(),
        organization: authority.organization.clone(),
        description: format!("Lets {} manage this device.", authority.organization),
        url: format!("{base}/enroll/{tenant}/device"),
        challenge: challenge.reveal(),
        uuid: part_uuid(&challenge.name(), "service"),
    };
    signed(state, scope, authority, profile.to_plist()?, unsigned).await
}

/// Answers a device in the second phase or the third; who signed its message says which.
///
/// # Errors
/// Malformed when the message is none; Forbidden when its signer, its challenge or its device is not what it should be, or
/// the link enrolls no more.
pub async fn answer_device(state: &State, tenant: TenantId, message: &[u8]) -> Result<ServedProfile> {
    let message = DeviceMessage::open(message)?;
    let told = DeviceAttributes::parse(&message.content)?;
    let device = ProvenDevice::new(&told.udid, told.serial_number.as_deref());
    if message.is_from(&state.device_makers) {
        return second_phase(state, tenant, &told, device).await;
    }
    let scope = Scope::authenticated(tenant, Actor::ScepClient);
    let issuer = issuer_of(&message.signer, &authorities(state, &scope).await?)?;
    let is_ours = issuer.is_some_and(|issuer| issuer.is_own() && issuer.is_accepted());
    match IdentityName::of(&message.signer).filter(|_| is_ours) {
        Some(IdentityName { kind: IdentityKind::Phase, link, number: Some(number) }) => {
            third_phase(state, &scope, &link, number, &message.signer, device).await
        }
        Some(_) | None => Err(Error::forbidden(
            "over-the-air-signer",
            "The message is signed neither with a certificate of the device's maker nor with an identity of the second phase.",
        )),
    }
}

async fn second_phase(
    state: &State,
    tenant: TenantId,
    told: &DeviceAttributes,
    device: ProvenDevice,
) -> Result<ServedProfile> {
    let challenge = told.challenge.as_ref().and_then(|challenge| Challenge::parse(challenge.expose()));
    let (challenge, number) =
        challenge.and_then(|found| found.number.map(|number| (found, number))).ok_or_else(refused)?;
    let scope = Scope::authenticated(tenant, Actor::Link(challenge.token.id.clone()));
    let link = open(state, &scope, &challenge.token.id).await?;
    let now = state.clock.now();
    let kept = state.store.challenge(&scope, &link.id, number).await?;
    let kept = kept.filter(|kept| kept.purpose == Purpose::Attributes && kept.accepts(&challenge, now));
    kept.filter(|kept| kept.device.as_ref().is_none_or(|first| *first == device)).ok_or_else(refused)?;
    if !link.terms.admits(&device.names()) {
        return Err(Error::forbidden(
            "device-not-admitted",
            "The enrollment link does not admit this device.",
        ));
    }
    if !state.store.answer_challenge(&scope, &link.id, number, &device).await? {
        return Err(refused());
    }
    let settings = state.store.enrollment_settings(&scope).await?;
    let frame = Frame::read(state, &scope, &settings, &link.terms).await?;
    let ends = link.hour_ends(now);
    let challenge = promise(state, &scope, &link, Purpose::Phase, Some(device), ends).await?;
    let identity = requested(state, &scope, &frame.authority, &link, &challenge, IdentityKind::Phase);
    frame.serve_identity(state, &scope, &challenge.name(), identity).await
}

async fn third_phase(
    state: &State,
    scope: &Scope,
    link: &LinkId,
    number: u32,
    signer: &X509,
    device: ProvenDevice,
) -> Result<ServedProfile> {
    let link = open(state, scope, link).await?;
    let now = state.clock.now();
    let kept = state.store.challenge(scope, &link.id, number).await?;
    let kept =
        kept.filter(|kept| kept.served == number && kept.purpose == Purpose::Phase && !kept.is_expired(now));
    let der = signer.to_der().map_err(Error::internal)?;
    kept.filter(|kept| kept.issued.as_ref().is_some_and(|issued| issued.certificate == der))
        .filter(|kept| kept.device.as_ref() == Some(&device))
        .ok_or_else(refused)?;
    let settings = state.store.enrollment_settings(scope).await?;
    let frame = Frame::read(state, scope, &settings, &link.terms).await?;
    if let Some(external) = settings.external() {
        let organization = &frame.authority.organization;
        let (name, identity) = promised(state, scope, external, organization, &link, device.names()).await?;
        return frame.serve(state, scope, &name, identity, false).await;
    }
    let ends = link.hour_ends(now);
    let challenge = promise(state, scope, &link, Purpose::Identity, Some(device), ends).await?;
    let identity = requested(state, scope, &frame.authority, &link, &challenge, IdentityKind::Requested);
    frame.serve(state, scope, &challenge.name(), identity, false).await
}

/// The link, if it still enrolls devices.
async fn open(state: &State, scope: &Scope, link: &LinkId) -> Result<EnrollmentLink> {
    let link = state.store.link(scope, link).await?.ok_or_else(refused)?;
    match link.state(state.clock.now()) {
        LinkState::Open => Ok(link),
        LinkState::Used | LinkState::Ended | LinkState::Revoked => {
            let message = "The enrollment link was used, withdrawn, or has ended.";
            Err(Error::forbidden("over-the-air-link", message))
        }
    }
}

/// A new challenge of the link, kept for its purpose.
async fn promise(
    state: &State,
    scope: &Scope,
    link: &EnrollmentLink,
    purpose: Purpose,
    device: Option<ProvenDevice>,
    expires_at: i64,
) -> Result<Challenge> {
    let number = count_served(state, scope, link).await?;
    let token = LinkToken::new(link.id.clone(), state.random.token());
    let kept = LinkChallenge { purpose, device, ..LinkChallenge::create(number, &token.secret, expires_at) };
    state.store.keep_challenge(scope, &link.id, &kept).await?;
    Ok(Challenge { token, number: Some(number) })
}

fn refused() -> Error {
    Error::forbidden("over-the-air-challenge", "The challenge is missing, wrong, over, or another device's.")
}
