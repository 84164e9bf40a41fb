//! Apple's answer: checked, classified, and kept for review.

use super::push_key::{self, delete_unless_needed};
use super::secret_path;
use crate::domain::audit::AuditAction;
use crate::domain::push_certificates::{
    Custody, InstalledCertificate, PendingRequest, PushCertificates, Source, StagedCertificate,
    nothing_staged,
};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::pki::push_upload::{Upload, read_upload};
use crate::pki::{key, pem};
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::store::topic_taken;

/// What a person uploads. It cannot be printed, because a key may be in it.
#[derive(Clone)]
pub struct UploadFiles {
    /// Apple's certificate, or a PKCS#12 with certificate and key.
    pub certificate: Vec<u8>,
    /// The private key, where the request was not made here.
    pub key: Option<Vec<u8>>,
    /// The password of key or PKCS#12.
    pub password: Option<Secret<String>>,
}

/// The bytes of a file inside JSON, which has none: a binary file comes in base64, a PEM file as it is.
pub fn file_bytes(text: String) -> Vec<u8> {
    pem::decode_base64(&text).unwrap_or_else(|| text.into_bytes())
}

/// What is to be decided before activation.
#[derive(Clone, Debug)]
pub struct Review {
    /// The upload.
    pub staged: StagedCertificate,
    /// The active certificate, to be seen beside it.
    pub active: Option<InstalledCertificate>,
    /// What it is, seen from the active certificate.
    pub source: Source,
    /// How many enrolled devices would be silenced: 0 unless it is a Replacement.
    pub orphans: u64,
}

/// Checks an upload and keeps it for review; nothing is kept of a bad one.
///
/// # Errors
/// Malformed or Conflict, each of its own wording: see `pki::push_certificate` and
/// [`PushCertificates::classify`].
pub async fn stage_push_certificate(state: &State, scope: &Scope, files: &UploadFiles) -> Result<Review> {
    let now = state.clock.now();
    let upload = read_upload(&files.certificate, files.key.as_deref(), files.password.as_ref())?;
    upload.certificate.check_validity(now)?;
    upload.certificate.check_issuer(&upload.intermediates, &state.push_issuers)?;
    let all = state.store.push_certificates(scope).await?;
    all.classify(&upload.certificate)?;
    if state.store.topic_is_anothers(scope, &upload.certificate.topic).await? {
        return Err(topic_taken());
    }
    let key = key_for(state, scope, &all, &upload).await?;
    let request = all.request.as_ref().filter(|request| request.key == key);
    let staged = StagedCertificate { certificate: upload.certificate, key, staged_at: now };
    let audit = state
        .audit(scope, AuditAction::PushCertificateStaged)
        .with("topic", &staged.certificate.topic)
        .with("fingerprint", staged.certificate.fingerprint);
    state.store.put_staged(scope, &staged, request, &audit).await?;
    if let Some(former) = &all.staged {
        delete_unless_needed(state, scope, &former.key).await;
    }
    review_of(state, scope, &all, staged).await
}

/// What is staged, seen from the active certificate of this moment.
///
/// # Errors
/// Conflict when nothing is staged, or what is staged became useless meanwhile.
pub async fn review(state: &State, scope: &Scope) -> Result<Review> {
    let mut all = state.store.push_certificates(scope).await?;
    let staged = all.staged.take().ok_or_else(nothing_staged)?;
    review_of(state, scope, &all, staged).await
}

/// Drops what is staged. Repeating it changes nothing.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn discard_staged(state: &State, scope: &Scope) -> Result<()> {
    let audit = state.audit(scope, AuditAction::PushCertificateDiscarded);
    let staged = state.store.push_certificates(scope).await?.staged;
    state.store.delete_staged(scope, &audit).await?;
    if let Some(staged) = staged {
        delete_unless_needed(state, scope, &staged.key).await;
    }
    Ok(())
}

pub(super) async fn review_of(
    state: &State,
    scope: &Scope,
    all: &PushCertificates,
    staged: StagedCertificate,
) -> Result<Review> {
    let source = all.classify(&staged.certificate)?;
    let orphans = match (source, all.active()) {
        (Source::Replacement, Some(active)) => {
            state.store.count_devices_on(scope, &active.certificate.topic).await?
        }
        (Source::New | Source::Renewal | Source::Replacement, _) => 0,
    };
    Ok(Review { staged, active: all.active().cloned(), source, orphans })
}

/// The key that fits the upload: the one given along, or the pending request's.
async fn key_for(state: &State, scope: &Scope, all: &PushCertificates, upload: &Upload) -> Result<KeyId> {
    if let Some(given) = &upload.key {
        upload.certificate.check_key(given)?;
        let fingerprint = Some(key::fingerprint(given)?);
        let requested = all.request.as_ref().filter(|request| request.key_fingerprint == fingerprint);
        let id = requested.map_or_else(|| state.random.id(), |request| request.key.clone());
        state.secrets.put(&secret_path::push_key(scope.tenant(), &id), &key::to_pem(given)?).await?;
        return Ok(id);
    }
    let request = all.request.as_ref().ok_or_else(|| {
        Error::conflict(
            "push-key-missing",
            "No request is pending here, so the certificate's private key is not here either.",
        )
        .at("key")
        .next("Give the private key along, or make a request here and let Apple's portal renew with it.")
    })?;
    handed_out(request)?;
    let private = push_key::read(state, scope, &request.key).await?;
    upload.certificate.check_key(&private)?;
    Ok(request.key.clone())
}

/// Refuses an upload without the key that only the customer has.
fn handed_out(request: &PendingRequest) -> Result<()> {
    let who = match request.custody {
        Custody::Kept => return Ok(()),
        Custody::Downloaded => "was downloaded when the request was made, and is not kept here",
        Custody::Own => "is where you made the request, not here",
    };
    Err(Error::conflict("push-key-not-kept", format!("The private key of this certificate {who}."))
        .at("key")
        .next("Give it along, with its password: \"key\" and \"password\" beside \"certificate\"."))
}
