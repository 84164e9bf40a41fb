//! The certificate that signs profiles: brought along by a tenant or by the operator, else the tenant's authority's.

use bytes::Bytes;
use openssl::x509::{X509, X509Ref};

use super::secret_path;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::identity::IdentityAuthority;
use crate::domain::profile_signer::{InstalledSigner, ProfileSigners, Whose};
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::pki::profile_signer::ProfileSigner;
use crate::pki::{Credential, key, profile_signature};
use crate::scope::{Realm, Scope};
use crate::secret::Secret;
use crate::state::State;

/// What a person uploads.
#[derive(Clone, Debug)]
pub struct SignerFiles {
    /// The certificate, or a PKCS#12 with certificate, key and chain.
    pub certificate: Vec<u8>,
    /// The private key, where it is in a file of its own.
    pub key: Option<Vec<u8>>,
    /// The certificates up to the root, where they are in a file of their own.
    pub chain: Option<Vec<u8>>,
    /// The password of key or PKCS#12.
    pub password: Option<Secret<String>>,
}

/// Checks a signing certificate and makes it the one that signs, from the next profile on.
///
/// # Errors
/// Malformed or Conflict as [`ProfileSigner::read`] and [`ProfileSigner::check_validity`] say; Conflict when somebody
/// else changed it at the same time.
pub async fn install_profile_signer(
    state: &State,
    realm: Realm<'_>,
    files: &SignerFiles,
) -> Result<InstalledSigner> {
    let whose = Whose::from(realm);
    let now = state.clock.now();
    let read = ProfileSigner::read(
        &files.certificate,
        files.key.as_deref(),
        files.chain.as_deref(),
        files.password.as_ref(),
    )?;
    read.check_validity(now)?;
    let former = state.store.profile_signer(whose).await?;
    let certificate = der(&read.certificate)?;
    let signer = InstalledSigner {
        key_id: state.random.id(),
        fingerprint: Fingerprint::of(&certificate),
        common_name: read.common_name(),
        issuer: read.issuer(),
        certificate,
        chain: read.chain.iter().map(|link| der(link)).collect::<Result<_>>()?,
        not_before: read.not_before,
        not_after: read.not_after,
        installed_at: now,
    };
    // The key first: a record without its key would promise what nobody can do.
    state.secrets.put(&secret_path::signing_key(whose, &signer.key_id), &key::to_pem(&read.key)?).await?;
    let audit = audit(state, realm, AuditAction::ProfileSignerInstalled, &signer);
    state.store.put_profile_signer(realm, &signer, former.as_ref(), &audit).await?;
    if let Some(former) = former {
        state.secrets.delete_unneeded(&secret_path::signing_key(whose, &former.key_id)).await;
    }
    Ok(signer)
}

/// Gives a signing certificate up. Repeating it changes nothing.
///
/// # Errors
/// Conflict when another was installed at the same time.
pub async fn remove_profile_signer(state: &State, realm: Realm<'_>) -> Result<()> {
    let whose = Whose::from(realm);
    let Some(signer) = state.store.profile_signer(whose).await? else { return Ok(()) };
    // The record first: a key without a record signs nothing.
    let audit = audit(state, realm, AuditAction::ProfileSignerRemoved, &signer);
    state.store.delete_profile_signer(realm, &signer, &audit).await?;
    state.secrets.delete_unneeded(&secret_path::signing_key(whose, &signer.key_id)).await;
    Ok(())
}

/// Signs a profile with the best certificate that is valid now: the tenant's, the server's, its authority's.
pub(super) async fn sign_profile(
    state: &State,
    scope: &Scope,
    authority: &IdentityAuthority,
    profile: &[u8],
) -> Result<Vec<u8>> {
    let signers: ProfileSigners = state.store.profile_signers(scope).await?;
    let now = state.clock.now();
    for (owner, signer) in [("organization", &signers.own), ("server", &signers.server)] {
        if let Some(signer) = signer.as_ref().filter(|signer| !signer.is_valid(now)) {
            tracing::warn!(
                tenant = %scope.tenant(), owner, fingerprint = %signer.fingerprint, not_after = %signer.not_after,
                "a profile signing certificate is not valid now: the next one signs"
            );
        }
    }
    let (credential, chain) = match signers.chosen(now).1 {
        Some(signer) => brought(state, scope, &signers, signer).await?,
        None => issued(state, scope, authority).await?,
    };
    profile_signature::sign(profile, &credential, &chain)
}

async fn brought(
    state: &State,
    scope: &Scope,
    signers: &ProfileSigners,
    signer: &InstalledSigner,
) -> Result<(Credential, Vec<X509>)> {
    let is_own = signers.own.as_ref().is_some_and(|own| own.key_id == signer.key_id);
    let whose = if is_own { Whose::Tenant(scope) } else { Whose::Server };
    let key = signing_key(state, &secret_path::signing_key(whose, &signer.key_id)).await?;
    let certificate = X509::from_der(&signer.certificate).map_err(Error::internal)?;
    let chain = signer.chain.iter().map(|link| X509::from_der(link)).collect::<Result<_, _>>();
    Ok((Credential { certificate, key }, chain.map_err(Error::internal)?))
}

/// The certificate that the tenant's authority issued for this, with the authority's own along.
async fn issued(
    state: &State,
    scope: &Scope,
    authority: &IdentityAuthority,
) -> Result<(Credential, Vec<X509>)> {
    let signer = authority
        .profile_signer
        .as_ref()
        .ok_or_else(|| Error::internal("an issuing authority without a profile signer"))?;
    let key = signing_key(state, &secret_path::profile_signer(scope.tenant(), &authority.id)).await?;
    let certificate = X509::from_der(signer).map_err(Error::internal)?;
    let root = X509::from_der(&authority.certificate).map_err(Error::internal)?;
    Ok((Credential { certificate, key }, vec![root]))
}

async fn signing_key(state: &State, path: &str) -> Result<openssl::pkey::PKey<openssl::pkey::Private>> {
    let pem = state.secrets.required(path).await?;
    key::read(pem.expose(), None)
}

fn der(certificate: &X509Ref) -> Result<Bytes> {
    certificate.to_der().map(Bytes::from).map_err(Error::internal)
}

fn audit(state: &State, realm: Realm<'_>, action: AuditAction, signer: &InstalledSigner) -> AuditEntry {
    state.audit(realm, action).with("fingerprint", signer.fingerprint).with("name", &signer.common_name)
}
