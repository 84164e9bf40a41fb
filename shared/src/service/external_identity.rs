//! Identities of an authority of the tenant's own, which certifies much else: only what a profile of ours asked for counts.

use openssl::nid::Nid;

use super::authenticate_device::Signer;
use super::issue_identity::renewed;
use crate::domain::event::EventKind;
use crate::domain::identity_promise::{Claim, PromisedName};
use crate::domain::link::{IssuedByLink, key_hash};
use crate::domain::link_challenge::ProvenDevice;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::state::State;

/// What the signer's certificate claims.
pub(super) fn claim(signer: &Signer) -> Claim {
    match PromisedName::of(&signer.certificate) {
        Some(PromisedName::Link { link, promise }) => Claim::Promised { link, promise, group: unit(signer) },
        // One that was asked for to renew is bound before it is used; any other is nobody's.
        Some(PromisedName::Renewal(_)) | None => Claim::Bound,
    }
}

/// The unit in the certificate, which is a group of ours or is compared with one: so it costs no read.
pub(super) fn unit(signer: &Signer) -> Option<String> {
    signer
        .certificate
        .subject_name()
        .entries_by_nid(Nid::ORGANIZATIONALUNITNAME)
        .next()?
        .data()
        .to_string()
        .ok()
}

/// What to try instead of a claim that failed: the promise's own group, where the authority left it out of the certificate or the
/// device asked for another one.
///
/// # Errors
/// Why the claim is refused for good; it is written down, for it says what is wrong with the tenant's authority.
pub(super) async fn second_try(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
    serial_number: Option<&str>,
    claim: &Claim,
    refused: Error,
) -> Result<Claim> {
    let refused = match (claim, refused.code()) {
        (Claim::Promised { link, promise, group }, "identity-unclaimable") => {
            let kept = state.store.promise(&signer.scope, link, promise).await?;
            let now = state.clock.now().as_second();
            let kept = kept.filter(|kept| kept.kept_by.is_none() && kept.expires_at > now);
            let names = ProvenDevice::new(id.device_id(), serial_number).names();
            match kept {
                None => unpromised(),
                Some(kept) if !kept.devices.is_empty() && kept.devices.is_disjoint(&names) => {
                    return Err(refused);
                }
                Some(kept) if kept.holder.group != *group => {
                    let group = kept.holder.group;
                    return Ok(Claim::Promised { link: link.clone(), promise: promise.clone(), group });
                }
                Some(_) => return Err(refused),
            }
        }
        (Claim::Bound, "identity-not-bound") if PromisedName::of(&signer.certificate).is_none() => subject(),
        _ => return Err(refused),
    };
    let event = state
        .event(&signer.scope, EventKind::ExternalIdentityRefused, id)
        .with("why", refused.code())
        .with("fingerprint", signer.fingerprint);
    state.store.tell_unpromised(&signer.scope, signer.fingerprint, &event).await?;
    Err(refused)
}

fn unpromised() -> Error {
    Error::forbidden(
        "external-identity-unpromised",
        "No profile asks for the name in this certificate any more: it was used, or its time is over.",
    )
}

fn subject() -> Error {
    Error::forbidden(
        "external-identity-subject",
        "The name in this certificate is not one that a profile asked for: the authority must take the subject from the request.",
    )
}

/// Accepts the identity that a device renewed with the tenant's authority, which tells us nothing: at the device's first word
/// with it, which was refused. True: the word is to be heard once more.
///
/// # Errors
/// When the store fails.
pub(super) async fn accepts_renewal(
    state: &State,
    signer: &Signer,
    id: &EnrollmentId,
    refused: &Error,
) -> Result<bool> {
    if !signer.is_external || refused.code() != "identity-not-bound" {
        return Ok(false);
    }
    let Some(PromisedName::Renewal(renewal)) = PromisedName::of(&signer.certificate) else {
        return Ok(false);
    };
    let (scope, device, now) = (&signer.scope, id.device_channel(), state.clock.now());
    let asked = state.store.renewal_challenge(scope, &renewal).await?;
    let asked = asked.filter(|asked| asked.external && asked.lasts(now) && asked.enrollment == device);
    let Some(asked) = asked.filter(|asked| asked.issued.is_none()) else { return Ok(false) };
    let Some(former) = state.store.identity(scope, &asked.renews).await? else { return Ok(false) };
    let identity = renewed(&signer.certificate, &former, &device, now)?;
    let key = signer.certificate.public_key().and_then(|key| key.public_key_to_der());
    let issued = IssuedByLink {
        key_hash: key_hash(&key.map_err(Error::internal)?),
        certificate: identity.certificate.clone(),
    };
    match state.store.record_challenged_renewal(scope, &identity, &asked, &issued).await {
        Ok(accepted) => Ok(accepted),
        Err(error) if error.code() == "identity-not-bound" => Ok(false),
        Err(error) => Err(error),
    }
}
