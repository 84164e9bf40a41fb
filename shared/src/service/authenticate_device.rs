//! Which device speaks: the signature over the body or the certificate of the connection, and the tenant's authorities.

use std::sync::Arc;

use openssl::x509::{X509, X509Ref};

use crate::domain::identity::{DeviceIdentity, IdentityAuthority};
use crate::error::{Error, Result};
use crate::id::{Fingerprint, TenantId};
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
    fn verify(self, body: &[u8]) -> Result<X509> {
        let shown = self.certificate.map(|pem| X509::from_pem(pem.as_bytes())).transpose();
        // The gateway has read it before.
        let shown = shown.map_err(Error::internal)?;
        let signed = self.signature.map(|header| mdm_signature::verify(header, body)).transpose()?;
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
    let certificate = proofs.verify(body)?;
    let fingerprint = Fingerprint::of(&certificate.to_der().map_err(Error::internal)?);
    let scope = Scope::authenticated(tenant, Actor::Device(fingerprint));
    let mut issuer = issuer_of(&certificate, &authorities(state, &scope).await?)?;
    if issuer.is_none() {
        // This process may have read the authorities before the present one was made.
        state.authorities.forget(scope.tenant());
        issuer = issuer_of(&certificate, &authorities(state, &scope).await?)?;
    }
    let issuer = issuer.ok_or_else(|| {
        Error::forbidden("mdm-signature-foreign", "The signer's authority is not this tenant's.")
    })?;
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
    let mutual_tls = proofs.certificate.is_some();
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
    let roots = certificates(authorities)?;
    let issuer = trust::chains_to(certificate, &roots);
    Ok(issuer.and_then(|index| authorities.get(index)).cloned())
}

/// The certificates of these authorities, in their order.
pub(super) fn certificates<'a>(
    authorities: impl IntoIterator<Item = &'a IdentityAuthority>,
) -> Result<Vec<X509>> {
    let certificates = authorities.into_iter().map(|authority| X509::from_der(&authority.certificate));
    certificates.collect::<Result<_, _>>().map_err(Error::internal)
}
