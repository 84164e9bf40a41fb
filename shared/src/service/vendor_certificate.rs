//! The MDM vendor certificates: which are there, which one signs.

use super::install_vendor_certificate::{KeptVendor, record};
use super::secret_path;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::vendor_certificates::{VendorCertificates, VendorRecord};
use crate::error::{Error, Kind, Result};
use crate::id::Fingerprint;
use crate::pki::push_request::Digest;
use crate::pki::validity;
use crate::pki::vendor::VendorCertificate;
use crate::scope::Operator;
use crate::secret::Secret;
use crate::state::State;

/// What signs a tenant's request.
pub struct SigningVendor {
    /// The certificate with its key.
    pub certificate: VendorCertificate,
    /// The digest to sign with.
    pub digest: Digest,
}

/// The active vendor certificate, valid at this moment.
///
/// # Errors
/// Conflict when none is installed, or when it cannot sign now; the error names another one that could.
pub async fn signing_vendor(state: &State) -> Result<SigningVendor> {
    let now = state.clock.now();
    let all = vendor_certificates(state).await?;
    let active = all.active().ok_or_else(|| {
        Error::conflict(
            "vendor-certificate-missing",
            "This server has no MDM vendor certificate yet, which signs requests.",
        )
        .next("The operator installs it with POST /v1/vendor-certificates.")
    })?;
    let certificate = kept_vendor(state, &active.fingerprint).await?;
    certificate.check_validity(now).map_err(|error| match all.substitute(now) {
        Some(other) => error.next(format!(
            "Nothing is wrong with your input. Another one, \"{}\", is installed and valid until {}: the operator makes it \
             sign with POST /v1/vendor-certificates/{}/activate.",
            other.name,
            validity::day(other.not_after),
            other.fingerprint
        )),
        None => error,
    })?;
    Ok(SigningVendor { certificate, digest: active.digest })
}

/// Every installed vendor certificate.
///
/// An installation from before there could be several has one secret and no record of it: it is taken over here, once.
///
/// # Errors
/// Unavailable when store or secrets do not answer.
pub async fn vendor_certificates(state: &State) -> Result<VendorCertificates> {
    let all = state.store.vendor_certificates().await?;
    if all.active.is_some() {
        return Ok(all);
    }
    let Some(former) = state.secrets.get(secret_path::FORMER_VENDOR).await? else { return Ok(all) };
    let record = record(&read(&former)?, Digest::default(), state.clock.now());
    state.secrets.put(&secret_path::vendor(&record.fingerprint), &former).await?;
    let first = all.pointing_at(record.fingerprint);
    let operator = Operator::system("taking over the vendor certificate of an older installation");
    let audit = audit(state, &operator, AuditAction::VendorCertificateInstalled, &record);
    match state.store.put_vendor(&operator, &record, Some(&first), &audit).await {
        // Another process was faster, with the same certificate.
        Err(error) if error.kind() == Kind::Conflict => {}
        other => other?,
    }
    state.store.vendor_certificates().await
}

/// Makes an installed certificate the one that signs.
///
/// # Errors
/// NotFound when it is not installed; Conflict when it is not valid now, or when somebody else changed the certificates.
pub async fn activate_vendor_certificate(
    state: &State,
    operator: &Operator,
    fingerprint: &Fingerprint,
) -> Result<VendorRecord> {
    let all = vendor_certificates(state).await?;
    let record = all.find(fingerprint).ok_or_else(not_installed)?;
    kept_vendor(state, fingerprint).await?.check_validity(state.clock.now())?;
    if !all.is_active(fingerprint) {
        let audit = audit(state, operator, AuditAction::VendorCertificateActivated, record);
        state.store.activate_vendor(operator, &all.pointing_at(*fingerprint), record, &audit).await?;
        tracing::info!(%fingerprint, name = record.name, "vendor certificate activated");
    }
    Ok(record.clone())
}

/// Removes a certificate that does not sign, and its key.
///
/// # Errors
/// NotFound when it is not installed; Conflict when it is the active one.
pub async fn delete_vendor_certificate(
    state: &State,
    operator: &Operator,
    fingerprint: &Fingerprint,
) -> Result<()> {
    let all = vendor_certificates(state).await?;
    let record = all.find(fingerprint).ok_or_else(not_installed)?;
    if all.is_active(fingerprint) {
        let message = format!(
            "\"{}\" is the active vendor certificate: without it no request can be signed.",
            record.name
        );
        return Err(Error::conflict("vendor-certificate-active", message).next("Activate another one first."));
    }
    let audit = audit(state, operator, AuditAction::VendorCertificateDeleted, record);
    state.store.delete_vendor(operator, fingerprint, &audit).await?;
    state.secrets.delete_unneeded(&secret_path::vendor(fingerprint)).await;
    tracing::info!(%fingerprint, name = record.name, "vendor certificate deleted");
    Ok(())
}

fn audit(state: &State, operator: &Operator, action: AuditAction, record: &VendorRecord) -> AuditEntry {
    state.audit(operator, action).with("fingerprint", record.fingerprint).with("name", &record.name)
}

async fn kept_vendor(state: &State, fingerprint: &Fingerprint) -> Result<VendorCertificate> {
    let path = secret_path::vendor(fingerprint);
    let kept = state.secrets.get(&path).await?;
    read(&kept.ok_or_else(|| Error::internal(format!("{path} is missing")))?)
}

fn read(kept: &Secret<Vec<u8>>) -> Result<VendorCertificate> {
    let files: KeptVendor = serde_json::from_slice(kept.expose()).map_err(Error::internal)?;
    VendorCertificate::read(files.certificate.as_bytes(), files.key.as_bytes(), None, files.chain.as_bytes())
}

fn not_installed() -> Error {
    Error::not_found("vendor certificate")
}
