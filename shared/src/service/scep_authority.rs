//! The authority that a SCEP client speaks with: the one that its profile names.

use openssl::x509::X509;

use super::authenticate_device::{authorities, certificates, issuer_of};
use super::create_enrollment_link::issuing_authority;
use super::secret_path;
use crate::domain::identity::IdentityAuthority;
use crate::error::{Error, Kind, Result};
use crate::pki::scep::{PkiMessage, SignedMessage};
use crate::pki::{Credential, key};
use crate::scope::Scope;
use crate::state::State;

/// The authorities that a SCEP message may be addressed to.
pub(super) fn addressable(all: &[IdentityAuthority]) -> impl Iterator<Item = &IdentityAuthority> {
    all.iter().filter(|authority| authority.is_own() && authority.is_accepted())
}

/// The issuing authority, for somebody who may have made up the tenant: there being none is their mistake, not a fault
/// that a server's log and alarms should show.
pub(super) async fn authority_for(state: &State, scope: &Scope) -> Result<IdentityAuthority> {
    issuing_authority(state, scope).await.map_err(|error| match error.kind() {
        Kind::Conflict => Error::not_found("identity authority").because(error),
        Kind::Malformed
        | Kind::TooLarge
        | Kind::WrongMethod
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::RateLimited { .. }
        | Kind::Unavailable
        | Kind::Internal => error,
    })
}

/// Who issues a renewal: whoever renews moves over to the newest authority. While the gateway for mutual TLS does not know that
/// one, and knows the former one, that one issues once more: else it would turn the device away.
pub(super) async fn renewing_authority(
    state: &State,
    scope: &Scope,
    former: &X509,
) -> Result<IdentityAuthority> {
    let issuing = authority_for(state, scope).await?;
    if issuing.tls_since.is_some() {
        return Ok(issuing);
    }
    let all = authorities(state, scope).await?;
    let known: Vec<_> =
        addressable(&all).filter(|authority| authority.tls_since.is_some()).cloned().collect();
    Ok(issuer_of(former, &known)?.unwrap_or(issuing))
}

/// An authority with its key.
pub(super) struct Issuer {
    pub(super) authority: IdentityAuthority,
    /// Its certificate and its key.
    pub(super) credential: Credential,
}

/// Opens a message with the key of the authority it is enciphered for: the issuing one, or else one that a newer one replaced. The
/// answer comes from that authority, too.
pub(super) async fn open(
    state: &State,
    scope: &Scope,
    signed: &SignedMessage,
) -> Result<(Issuer, Result<PkiMessage>)> {
    let issuing = issuer(state, scope, authority_for(state, scope).await?).await?;
    let all = authorities(state, scope).await?;
    let trusted = certificates(all.iter().filter(|authority| authority.is_accepted()))?;
    let opened = signed.open(&issuing.credential, &trusted);
    if opened.as_ref().err().is_none_or(|error| error.code() != "scep-envelope") {
        return Ok((issuing, opened));
    }
    for other in addressable(&all).filter(|other| other.id != issuing.authority.id) {
        let other = issuer(state, scope, other.clone()).await?;
        let opened = signed.open(&other.credential, &trusted);
        if opened.as_ref().err().is_none_or(|error| error.code() != "scep-envelope") {
            return Ok((other, opened));
        }
    }
    Ok((issuing, opened))
}

pub(super) async fn issuer(state: &State, scope: &Scope, authority: IdentityAuthority) -> Result<Issuer> {
    let path = secret_path::authority(scope.tenant(), &authority.id);
    let pem = state.secrets.required(&path).await?;
    let credential = Credential {
        certificate: X509::from_der(&authority.certificate).map_err(Error::internal)?,
        key: key::read(pem.expose(), None)?,
    };
    Ok(Issuer { authority, credential })
}
