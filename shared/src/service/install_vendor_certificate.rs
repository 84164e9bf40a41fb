//! A new MDM vendor certificate of the operator's.

use serde::{Deserialize, Serialize};

use super::secret_path;
use super::vendor_certificate::vendor_certificates;
use crate::domain::audit::AuditAction;
use crate::domain::vendor_certificates::VendorRecord;
use crate::error::{Error, Result};
use crate::pki::key;
use crate::pki::push_request::Digest;
use crate::pki::vendor::VendorCertificate;
use crate::scope::Operator;
use crate::secret::Secret;
use crate::state::State;
use crate::time::Timestamp;

/// What an operator uploads. It cannot be printed, because a key is in it.
pub enum VendorFiles {
    /// Certificate, key and chain, each PEM or DER. Apple's chain is known and may be empty.
    Apart {
        /// The certificate.
        certificate: Vec<u8>,
        /// The private key.
        key: Vec<u8>,
        /// The intermediate and the root.
        chain: Vec<u8>,
    },
    /// All of it in PKCS#12.
    Pfx(Vec<u8>),
}

/// A certificate as it is kept in the secret store: all in PEM.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptVendor {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) chain: String,
}

/// Checks and keeps a vendor certificate; the first one signs from now on. Installing one again changes its digest.
///
/// # Errors
/// Malformed or Conflict as [`VendorCertificate::read`] says; Conflict when it has expired.
pub async fn install_vendor_certificate(
    state: &State,
    operator: &Operator,
    files: &VendorFiles,
    password: Option<&Secret<String>>,
    digest: Digest,
) -> Result<VendorRecord> {
    let now = state.clock.now();
    let vendor = match files {
        VendorFiles::Apart { certificate, key, chain } => {
            VendorCertificate::read(certificate, key, password, chain)?
        }
        VendorFiles::Pfx(file) => VendorCertificate::read_pfx(file, password)?,
    };
    vendor.check_validity(now)?;
    let record = record(&vendor, digest, now);
    let all = vendor_certificates(state).await?;
    // Kept without its password: the server signs unattended, and Secrets Manager guards it.
    state.secrets.put(&secret_path::vendor(&record.fingerprint), &keep(&vendor)?).await?;
    let first = all.active.is_none().then(|| all.pointing_at(record.fingerprint));
    let audit = state
        .audit(operator, AuditAction::VendorCertificateInstalled)
        .with("fingerprint", record.fingerprint)
        .with("name", &record.name)
        .with("active", first.is_some() || all.is_active(&record.fingerprint));
    state.store.put_vendor(operator, &record, first.as_ref(), &audit).await?;
    tracing::info!(fingerprint = %record.fingerprint, name = record.name, "vendor certificate installed");
    Ok(record)
}

pub(super) fn record(vendor: &VendorCertificate, digest: Digest, now: Timestamp) -> VendorRecord {
    VendorRecord {
        fingerprint: vendor.fingerprint(),
        name: vendor.name(),
        not_after: vendor.not_after(),
        digest,
        installed_at: now,
    }
}

fn keep(vendor: &VendorCertificate) -> Result<Secret<Vec<u8>>> {
    let mut pems = Vec::new();
    for link in vendor.chain() {
        pems.push(link.to_pem().map_err(Error::internal).and_then(text)?);
    }
    let chain = pems.split_off(1).concat();
    let key = text(key::to_pem(vendor.key())?.expose().clone())?;
    let kept = KeptVendor { certificate: pems.concat(), key, chain };
    serde_json::to_vec(&kept).map(Secret::new).map_err(Error::internal)
}

fn text(pem: Vec<u8>) -> Result<String> {
    String::from_utf8(pem).map_err(Error::internal)
}
