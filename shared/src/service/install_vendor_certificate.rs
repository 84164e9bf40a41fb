//! The operator's MDM vendor certificate, which signs every tenant's request.

use serde::{Deserialize, Serialize};

use super::secret_path;
use crate::domain::credential::WatchedVendor;
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::pki::vendor::VendorCertificate;
use crate::pki::{certificate, key};
use crate::secret::Secret;
use crate::state::State;

/// The certificate, its key and its chain, as the operator has them.
#[derive(Serialize, Deserialize)]
pub struct VendorFiles {
    /// The certificate, in PEM.
    pub certificate: String,
    /// The private key, in PEM.
    pub key: String,
    /// The intermediate and the root, in PEM.
    pub chain: String,
}

/// Checks and keeps the vendor certificate, in place of an earlier one.
///
/// # Errors
/// Malformed or Conflict as [`VendorCertificate::read`] says; Conflict when it has expired.
pub async fn install_vendor_certificate(
    state: &State,
    files: VendorFiles,
    password: Option<&Secret<String>>,
) -> Result<VendorCertificate> {
    let vendor = VendorCertificate::read(
        files.certificate.as_bytes(),
        files.key.as_bytes(),
        password,
        files.chain.as_bytes(),
    )?;
    vendor.check_validity(state.clock.now())?;
    // Kept without its password: the server signs unattended, and Secrets Manager guards it.
    let private = key::read(files.key.as_bytes(), password)?;
    let key = String::from_utf8(key::to_pem(&private)?.expose().clone()).map_err(Error::internal)?;
    let kept = serde_json::to_vec(&VendorFiles { key, ..files }).map_err(Error::internal)?;
    state.secrets.put(secret_path::VENDOR, &Secret::new(kept)).await?;
    state.store.watch_vendor(&watched(&vendor)?).await?;
    Ok(vendor)
}

/// What the expiry calendar knows of it.
fn watched(vendor: &VendorCertificate) -> Result<WatchedVendor> {
    let leaf = vendor.chain().next().ok_or_else(|| Error::internal("a chain without a leaf"))?;
    Ok(WatchedVendor {
        fingerprint: Fingerprint::of(&leaf.to_der().map_err(Error::internal)?),
        name: certificate::display_name(leaf.subject_name()),
        not_after: vendor.not_after(),
    })
}

/// The installed vendor certificate.
///
/// # Errors
/// Conflict when none is installed.
pub async fn vendor_certificate(state: &State) -> Result<VendorCertificate> {
    let kept = state.secrets.get(secret_path::VENDOR).await?.ok_or_else(|| {
        Error::conflict(
            "vendor-certificate-missing",
            "This server has no MDM vendor certificate yet, which signs requests.",
        )
        .next("The operator installs it with PUT /v1/vendor-certificate.")
    })?;
    let files: VendorFiles = serde_json::from_slice(kept.expose()).map_err(Error::internal)?;
    VendorCertificate::read(files.certificate.as_bytes(), files.key.as_bytes(), None, files.chain.as_bytes())
}
