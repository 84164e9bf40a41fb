//! Which device speaks: the signature over the body or the certificate of the connection, and the tenant's authorities.

use std::iter;
use std::sync::Arc;

use openssl::sha::Sha256;
use openssl::x509::{X509, X509Ref};

use crate::domain::identity::{DeviceIdentity, IdentityAuthority};
use crate::error::{Error, Result};
use crate::id::{Fingerprint, TenantId};
use crate::pki::mdm_signature::{KnownSigner, PlainMessage};
use crate::pki::{mdm_signature, trust, validity};
use crate::scope::{Actor, Scope};
use crate::state::State;

/// The proven signer of a message. Which enrollment it may speak for is decided by the store, in the same call that
/// acts.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The tenant whose authority issued the certificate.
    pub scope: Scope,
    /// The certificate.
    pub certificate: X509,
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// What an enrollment keeps of it.
    pub identity: DeviceIdentity,
    /// Whether an authority of the tenant's own issued it, not one that came from elsewhere.
    pub is_ours: bool,
    /// Whether it was shown in the TLS handshake.
    pub mutual_tls: bool,
    /// Whether its authority certifies more than this tenant's devices.
    pub is_external: bool,
}

/// By what a device proves that a message is its own. One is enough.
#[derive(Clone, Copy, Debug)]
pub struct Proofs<'a> {
    /// The header `Mdm-Signature`.
    pub signature: Option<&'a str>,
    /// The certificate whose key the device used in the TLS handshake, in PEM, as the gateway says: never as the request says.
    pub certificate: Option<&'a str>,
}

impl Proofs<'_> {
    /// The certificate of the device that has sent `body`.
    fn verify(self, state: &State, body: &[u8]) -> Result<X509> {
        let shown = self.certificate.map(|pem| X509::from_pem(pem.as_bytes())).transpose();
        // The gateway has read it before.
        let shown = shown.map_err(Error::internal)?;
        let signed = self.signature.map(|header| signed_by(state, header, body)).transpose()?;
        match (signed, shown) {
            (Some(signed), Some(shown)) if !same(&signed, &shown)? => Err(Error::forbidden(
                "client-certificate-differs",
                "The message was signed with another identity than the connection was made with.",
            )),
            (Some(certificate), _) | (None, Some(certificate)) => Ok(certificate),
            (None, None) => Err(Error::malformed(
                "mdm-signature-missing",
                "The message bears no Mdm-Signature header, and came over no connection with a client certificate.",
            )),
        }
    }
}

/// Who signed `body`. A signer that this process has proven before is known by all bytes of its certificate: its signature
/// is checked, and nothing else of it is read again.
fn signed_by(state: &State, header: &str, body: &[u8]) -> Result<X509> {
    let message = mdm_signature::decode(header)?;
    let known = PlainMessage::read(&message).and_then(|plain| {
        let signer = state.signers.get(&plain.fingerprint())?;
        plain.verifies(&signer, body).then(|| signer.certificate.clone())
    });
    known.map_or_else(|| mdm_signature::verify_message(&message, body), Ok)
}

/// Remembers a signer whose chain was proven.
fn remember(state: &State, fingerprint: Fingerprint, certificate: &X509) -> Result<()> {
    if state.signers.get(&fingerprint).is_none()
        && let Some(signer) = KnownSigner::new(certificate.clone()).map_err(Error::internal)?
    {
        state.signers.keep(fingerprint, Arc::new(signer));
    }
    Ok(())
}

fn same(left: &X509Ref, right: &X509Ref) -> Result<bool> {
    Ok(left.to_der().map_err(Error::internal)? == right.to_der().map_err(Error::internal)?)
}

/// Proves the signer of `body` by its `Mdm-Signature` header, which fits the body exactly, or by the certificate of the TLS
/// connection. That certificate comes from an authority of this tenant. Times are not compared: a device with a wrong clock, or with an identity that
/// ended while it slept, must stay reachable so that it can be renewed (docs/adr).
///
/// # Errors
/// Malformed or Forbidden; on device routes both are 400, never 401.
pub async fn authenticate_device(
    state: &State,
    tenant: TenantId,
    proofs: Proofs<'_>,
    body: &[u8],
) -> Result<Signer> {
    let certificate = proofs.verify(state, body)?;
    recognize(state, tenant, certificate, proofs.certificate.is_some()).await
}

/// Whose certificate this is, of whoever has proven to have its key.
///
/// # Errors
/// Forbidden when no authority of the tenant's issued it, or that one was retired.
pub async fn recognize(
    state: &State,
    tenant: TenantId,
    certificate: X509,
    mutual_tls: bool,
) -> Result<Signer> {
    let der = certificate.to_der().map_err(Error::internal)?;
    let fingerprint = Fingerprint::of(&der);
    let scope = Scope::authenticated(tenant, Actor::Device(fingerprint));
    let mut issuer = known_issuer(state, (&certificate, &der), &authorities(state, &scope).await?)?;
    if issuer.is_none() {
        // This process may have read the authorities before the present one was made.
        state.authorities.forget(scope.tenant());
        issuer = known_issuer(state, (&certificate, &der), &authorities(state, &scope).await?)?;
    }
    let issuer = issuer.ok_or_else(|| {
        Error::forbidden("mdm-signature-foreign", "The signer's authority is not this tenant's.")
    })?;
    remember(state, fingerprint, &certificate)?;
    if !issuer.is_accepted() {
        let message = format!("The signer's authority \"{}\" was retired.", issuer.common_name);
        return Err(Error::forbidden("identity-authority-retired", message));
    }
    let identity = DeviceIdentity {
        fingerprint,
        authority: issuer.fingerprint(),
        not_before: validity::from_asn1(certificate.not_before()).map_err(Error::internal)?,
        not_after: validity::from_asn1(certificate.not_after()).map_err(Error::internal)?,
    };
    Ok(Signer {
        scope,
        certificate,
        fingerprint,
        identity,
        is_ours: issuer.is_own(),
        is_external: issuer.external,
        mutual_tls,
    })
}

/// The tenant's authorities, remembered for a minute.
pub(super) async fn authorities(state: &State, scope: &Scope) -> Result<Arc<Vec<IdentityAuthority>>> {
    state
        .authorities
        .get_or_load(scope.tenant(), async { state.store.authorities(scope).await.map(Arc::new) })
        .await
}

/// The authority that issued a certificate; `None` when the tenant knows no such one.
pub(super) fn issuer_of(
    certificate: &X509,
    authorities: &[IdentityAuthority],
) -> Result<Option<IdentityAuthority>> {
    let place = place_of_issuer(certificate, authorities)?;
    Ok(place.and_then(|place| authorities.get(place)).cloned())
}

/// The same, from this process's memory where the same chain was checked against the same authorities before. What may
/// change is read each time: which authorities there are, and whether they were retired.
fn known_issuer(
    state: &State,
    (certificate, der): (&X509, &[u8]),
    authorities: &[IdentityAuthority],
) -> Result<Option<IdentityAuthority>> {
    let question = digest_of(der, authorities);
    let mut place = state.issuers.get(&question);
    if place.is_none() {
        place = place_of_issuer(certificate, authorities)?;
        if let Some(place) = place {
            state.issuers.keep(question, place);
        }
    }
    Ok(place.and_then(|place| authorities.get(place)).cloned())
}

fn place_of_issuer(certificate: &X509, authorities: &[IdentityAuthority]) -> Result<Option<usize>> {
    Ok(trust::chains_to(certificate, &certificates(authorities)?))
}

/// The digest of all bytes that a chain's check looks at, each part behind its length.
fn digest_of(certificate: &[u8], authorities: &[IdentityAuthority]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in iter::once(certificate).chain(authorities.iter().map(|one| one.certificate.as_ref())) {
        digest.update(&part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finish()
}

/// The certificates of these authorities, in their order.
pub(super) fn certificates<'a>(
    authorities: impl IntoIterator<Item = &'a IdentityAuthority>,
) -> Result<Vec<X509>> {
    let certificates = authorities.into_iter().map(|authority| X509::from_der(&authority.certificate));
    certificates.collect::<Result<_, _>>().map_err(Error::internal)
}
