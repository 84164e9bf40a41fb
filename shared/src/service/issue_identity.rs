//! SCEP's PKIOperation: a device's first identity against a link's challenge, or a renewal against the former identity.

use std::collections::BTreeSet;

use openssl::pkey::{HasPublic, PKey, PKeyRef, Public};
use openssl::x509::{X509, X509Name, X509NameRef};

use super::authenticate_device::authorities;
use super::scep_authority::{Issuer, addressable, authority_for, issuer, open, renewing_authority};
use crate::domain::enrollment_settings::EnrollmentMethod;
use crate::domain::identity::{IDENTITY_DAYS, IssuedIdentity, PHASE_DAYS};
use crate::domain::identity_name::{IdentityKind, IdentityName};
use crate::domain::link::{EnrollmentLink, IssuedByLink, LinkState, key_hash};
use crate::domain::link_challenge::{Challenge, ProvenDevice, Purpose};
use crate::domain::link_terms::LinkHolder;
use crate::domain::renewal_challenge::{RenewalChallenge, RenewalToken};
use crate::error::{Error, Kind, Result};
use crate::id::{EnrollmentId, Fingerprint, TenantId};
use crate::pki::authority::{self, Identity};
use crate::pki::scep::{FailInfo, PkiMessage, Proof, SignedMessage, reply};
use crate::pki::{Credential, validity};
use crate::scope::{Actor, Scope};
use crate::state::State;
use crate::time::Timestamp;

/// The certificate that SCEP clients encipher to: the answer to GetCACert, in DER. A profile names the authority it was made with,
/// so that a device that is in the middle of its enrollment meets that one and no newer one.
///
/// # Errors
/// NotFound when the tenant has no authority.
pub async fn ca_certificate(state: &State, tenant: TenantId, named: Option<&str>) -> Result<Vec<u8>> {
    let scope = Scope::authenticated(tenant, Actor::ScepClient);
    let issuing = authority_for(state, &scope).await?;
    let all = authorities(state, &scope).await?;
    let named = named.and_then(|named| addressable(&all).find(|authority| authority.id.to_string() == named));
    Ok(named.unwrap_or(&issuing).certificate.to_vec())
}

/// Answers a PKIOperation. A refusal that concerns the request is an answer too: a CertRep that says why.
///
/// # Errors
/// Malformed when the message is not SCEP; Unavailable when the client should try again.
pub async fn issue_identity(state: &State, tenant: TenantId, message: &[u8]) -> Result<Vec<u8>> {
    let scope = Scope::authenticated(tenant, Actor::ScepClient);
    let signed = SignedMessage::read(message)?;
    let (addressed, opened) = open(state, &scope, &signed).await?;
    let issued = match opened {
        Ok(request) => issue(state, &scope, &addressed, &request).await.map(|issued| (request, issued)),
        Err(error) => Err(error),
    };
    let nonce = state.random.bytes();
    match issued {
        Ok((request, issued)) => reply::success(&request, &issued, &addressed.credential, nonce),
        Err(error) => {
            let reason = fail_info(&error).ok_or(error)?;
            reply::failure(&signed.transaction, reason, &addressed.credential, nonce)
        }
    }
}

/// What a SCEP client is told; `None` when the failure is ours, not the request's.
fn fail_info(error: &Error) -> Option<FailInfo> {
    let reason = match error.kind() {
        Kind::Unavailable | Kind::Internal | Kind::RateLimited { .. } => return None,
        Kind::Malformed
        | Kind::TooLarge
        | Kind::WrongMethod
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict => match error.code() {
            "scep-cipher" => FailInfo::BadAlg,
            "scep-envelope" => FailInfo::BadMessageCheck,
            _ => FailInfo::BadRequest,
        },
    };
    tracing::warn!(code = error.code(), error = %error.chain(), "an identity was refused");
    Some(reason)
}

/// An authority with its key, which only one function may read.
pub(super) async fn issue(
    state: &State,
    scope: &Scope,
    addressed: &Issuer,
    request: &PkiMessage,
) -> Result<X509> {
    if request.proof == Proof::ExistingCertificate {
        let signer = Fingerprint::of(&request.transaction.signer.to_der().map_err(Error::internal)?);
        let former = state.store.identity(scope, &signer).await?;
        if let Some((former, device)) =
            former.and_then(|former| former.enrollment.clone().map(|id| (former, id)))
        {
            let authority = renewing_authority(state, scope, &request.transaction.signer).await?;
            let issuing = issuer(state, scope, authority).await?;
            return renew(state, scope, &issuing.credential, request, &device, &former).await;
        }
    }
    let challenge = request.challenge.as_ref();
    if let Some(token) = challenge.and_then(|challenge| RenewalToken::parse(challenge.expose())) {
        return renew_by_challenge(state, scope, addressed, request, &token).await;
    }
    let challenge = challenge.and_then(|challenge| Challenge::parse(challenge.expose()));
    let challenge = challenge.ok_or_else(refused_challenge)?;
    let found = challenged(state, scope, &challenge).await?;
    if let Some(issued) = &found.issued {
        return repeat(issued, request);
    }
    if found.link.state(state.clock.now()) != LinkState::Open {
        return Err(refused_challenge());
    }
    let issued = match found.purpose {
        Purpose::Identity => first_identity(state, scope, addressed, request, &challenge, &found).await?,
        Purpose::Phase => phase_identity(state, scope, addressed, request, &challenge, &found).await?,
        Purpose::Attributes => return Err(refused_challenge()),
    };
    if let Some(certificate) = issued {
        return Ok(certificate);
    }
    // Somebody used the challenge in between: this client itself, whose first try was cut off, or another.
    let found = challenged(state, scope, &challenge).await?;
    repeat(&found.issued.ok_or_else(refused_challenge)?, request)
}

/// The identity that a device enrolls with. It uses the link once; `None` when that cannot be.
async fn first_identity(
    state: &State,
    scope: &Scope,
    issuer: &Issuer,
    request: &PkiMessage,
    challenge: &Challenge,
    Challenged { link, device, .. }: &Challenged,
) -> Result<Option<X509>> {
    if device.is_none() && link.terms.user_enrollment.is_none() {
        let settings = state.store.enrollment_settings(scope).await?;
        if settings.method == EnrollmentMethod::OverTheAir {
            return Err(refused_challenge());
        }
    }
    let now = state.clock.now();
    let subject = identity_subject(&issuer.authority.organization, &link.terms.holder, &challenge.name());
    let key = requested_key(request)?;
    let certificate = certify(state, &issuer.credential, &*key, &*name(&subject)?, IDENTITY_DAYS)?;
    let record = IssuedIdentity {
        link: Some(link.id.clone()),
        holder: link.terms.holder.clone(),
        devices: device.as_ref().map_or_else(|| link.terms.devices.clone(), ProvenDevice::names),
        ..record(&certificate, now)?
    };
    let used =
        IssuedByLink { key_hash: requested_key_hash(request)?, certificate: record.certificate.clone() };
    let recorded = state.store.record_first_identity(scope, &record, link, challenge.number, &used).await?;
    Ok(recorded.then_some(certificate))
}

/// The identity that the third phase is signed with: nobody's record, and no use of the link. `None` when the challenge was
/// used.
async fn phase_identity(
    state: &State,
    scope: &Scope,
    issuer: &Issuer,
    request: &PkiMessage,
    challenge: &Challenge,
    Challenged { link, .. }: &Challenged,
) -> Result<Option<X509>> {
    let Some(number) = challenge.number else { return Err(refused_challenge()) };
    let identity = IdentityName { kind: IdentityKind::Phase, ..challenge.name() };
    let subject = identity_subject(&issuer.authority.organization, &link.terms.holder, &identity);
    let key = requested_key(request)?;
    let certificate = certify(state, &issuer.credential, &*key, &*name(&subject)?, PHASE_DAYS)?;
    let der = certificate.to_der().map_err(Error::internal)?;
    let used = IssuedByLink { key_hash: requested_key_hash(request)?, certificate: der.into() };
    let is_first = state.store.use_challenge(scope, &link.id, number, &used).await?;
    Ok(is_first.then_some(certificate))
}

/// The subject that a link's identities get: outermost first, attribute and value.
pub(super) fn identity_subject(
    organization: &str,
    holder: &LinkHolder,
    name: &IdentityName,
) -> Vec<(String, String)> {
    subject(organization, holder.group.as_deref(), &name.to_string())
}

/// The subject of an identity: outermost first, attribute and value.
pub(super) fn subject(organization: &str, group: Option<&str>, common_name: &str) -> Vec<(String, String)> {
    let group = group.map(|group| ("OU".to_owned(), group.to_owned()));
    let mut subject = vec![("O".to_owned(), organization.to_owned())];
    subject.extend(group);
    subject.push(("CN".to_owned(), common_name.to_owned()));
    subject
}

/// Renews against the challenge that only one device was given.
async fn renew_by_challenge(
    state: &State,
    scope: &Scope,
    addressed: &Issuer,
    request: &PkiMessage,
    token: &RenewalToken,
) -> Result<X509> {
    let now = state.clock.now();
    let kept = async || -> Result<RenewalChallenge> {
        let kept = state.store.renewal_challenge(scope, &token.id).await?;
        kept.filter(|kept| kept.accepts(token, now)).ok_or_else(refused_challenge)
    };
    let challenge = kept().await?;
    if let Some(issued) = &challenge.issued {
        return repeat(issued, request);
    }
    let former = state.store.identity(scope, &challenge.renews).await?.ok_or_else(refused_challenge)?;
    let certificate = certify(
        state,
        &addressed.credential,
        &*requested_key(request)?,
        &*name(&challenge.subject)?,
        IDENTITY_DAYS,
    )?;
    let renewed = renewed(&certificate, &former, &challenge.enrollment, now)?;
    let issued =
        IssuedByLink { key_hash: requested_key_hash(request)?, certificate: renewed.certificate.clone() };
    if state.store.record_challenged_renewal(scope, &renewed, &challenge, &issued).await? {
        tracing::info!(tenant = %scope.tenant(), enrollment = %challenge.enrollment, "an identity was renewed");
        return Ok(certificate);
    }
    // This client itself, whose first try was cut off, or another.
    repeat(&kept().await?.issued.ok_or_else(refused_challenge)?, request)
}

/// The record of the identity that takes the former one's place.
pub(super) fn renewed(
    certificate: &X509,
    former: &IssuedIdentity,
    device: &EnrollmentId,
    now: Timestamp,
) -> Result<IssuedIdentity> {
    Ok(IssuedIdentity {
        link: former.link.clone(),
        holder: former.holder.clone(),
        devices: former.devices.clone(),
        renews: Some(former.fingerprint),
        enrollment: Some(device.clone()),
        ..record(certificate, now)?
    })
}

/// Gives the same key the same certificate again, because an answer may be lost; another key gets nothing.
fn repeat(issued: &IssuedByLink, request: &PkiMessage) -> Result<X509> {
    if issued.key_hash == requested_key_hash(request)? {
        X509::from_der(&issued.certificate).map_err(Error::internal)
    } else {
        Err(refused_challenge())
    }
}

/// What stands behind a challenge.
struct Challenged {
    link: EnrollmentLink,
    purpose: Purpose,
    /// The device that proved who it is, in an enrollment in phases.
    device: Option<ProvenDevice>,
    /// What the challenge was used for.
    issued: Option<IssuedByLink>,
}

async fn challenged(state: &State, scope: &Scope, challenge: &Challenge) -> Result<Challenged> {
    let now = state.clock.now();
    let link = state.store.link(scope, &challenge.token.id).await?;
    let link = link.filter(|link| !link.is_expired(now)).ok_or_else(refused_challenge)?;
    let Some(number) = challenge.number else {
        let accepted = link.terms.is_single() && link.accepts_challenge(&challenge.token);
        if !accepted {
            return Err(refused_challenge());
        }
        let issued = link.issued.clone();
        return Ok(Challenged { link, purpose: Purpose::Identity, device: None, issued });
    };
    let kept = state.store.challenge(scope, &link.id, number).await?;
    let kept = kept.filter(|kept| kept.accepts(challenge, now)).ok_or_else(refused_challenge)?;
    Ok(Challenged { link, purpose: kept.purpose, device: kept.device, issued: kept.issued })
}

async fn renew(
    state: &State,
    scope: &Scope,
    credential: &Credential,
    request: &PkiMessage,
    device: &EnrollmentId,
    former: &IssuedIdentity,
) -> Result<X509> {
    let now = state.clock.now();
    let certificate = certify(
        state,
        credential,
        &*requested_key(request)?,
        request.transaction.signer.subject_name(),
        IDENTITY_DAYS,
    )?;
    let record = renewed(&certificate, former, device, now)?;
    state.store.record_renewed_identity(scope, &record, device, former.fingerprint).await?;
    tracing::info!(tenant = %scope.tenant(), enrollment = %device, "an identity was renewed");
    Ok(certificate)
}

/// A device's certificate for a key.
pub(super) fn certify<T: HasPublic>(
    state: &State,
    credential: &Credential,
    key: &PKeyRef<T>,
    subject: &X509NameRef,
    days: u32,
) -> Result<X509> {
    let identity = Identity { key, subject, serial: state.random.bytes(), days };
    authority::issue(credential, &identity, state.clock.now())
}

/// The record of a certificate that nothing else is known of yet.
pub(super) fn record(certificate: &X509, now: Timestamp) -> Result<IssuedIdentity> {
    let der = certificate.to_der().map_err(Error::internal)?;
    Ok(IssuedIdentity {
        fingerprint: Fingerprint::of(&der),
        not_after: validity::from_asn1(certificate.not_after()).map_err(Error::internal)?,
        certificate: der.into(),
        issued_at: now,
        link: None,
        holder: LinkHolder::default(),
        devices: BTreeSet::new(),
        renews: None,
        enrollment: None,
        revoked_at: None,
        unclaimed_until: None,
    })
}

fn requested_key(request: &PkiMessage) -> Result<PKey<Public>> {
    request.csr.public_key().map_err(Error::internal)
}

fn requested_key_hash(request: &PkiMessage) -> Result<String> {
    Ok(key_hash(&requested_key(request)?.public_key_to_der().map_err(Error::internal)?))
}

/// The server decides the subject: it is shown to people, so it must not be a stranger's words.
pub(super) fn name(subject: &[(String, String)]) -> Result<X509Name> {
    let build = || {
        let mut name = X509Name::builder()?;
        for (attribute, value) in subject {
            name.append_entry_by_text(attribute, value)?;
        }
        Ok(name.build())
    };
    build().map_err(|cause: openssl::error::ErrorStack| Error::internal(cause))
}

fn refused_challenge() -> Error {
    Error::forbidden("scep-challenge", "The challenge is missing, wrong, over or used.")
}
