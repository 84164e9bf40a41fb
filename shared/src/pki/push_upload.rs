//! The file a customer brings back from Apple's portal, in whatever form it arrives.

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Req};

use super::push_certificate::{PushCertificate, not_a_certificate, refuse};
use super::{certificate, key, key_derivation, pem, provider};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// OpenSSL's reason when the MAC of a PKCS#12 file does not fit the password.
const PKCS12_MAC_VERIFY_FAILURE: i32 = 113;

/// What an upload holds.
pub struct Upload {
    /// The one leaf certificate.
    pub certificate: PushCertificate,
    /// The private key, if one came along; it fits the certificate.
    pub key: Option<PKey<Private>>,
    /// Certificates of authorities that came along.
    pub intermediates: Vec<X509>,
}

/// What a file holds, before it is said what for.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) certificates: Vec<X509>,
    pub(super) key: Option<PKey<Private>>,
    holds_request: bool,
}

/// Reads a push certificate from PEM, DER or PKCS#12; the key may be in the same file, in `key_file`, or absent.
///
/// # Errors
/// `push-certificate-is-request`, `push-certificate-is-key`, `push-certificate-is-authority`,
/// `push-certificate-several`, `push-certificate-not-a-certificate`, `pkcs12-needs-password`,
/// `pkcs12-wrong-password`, `pkcs12-unreadable`, and the codes of [`PushCertificate::from_der`],
/// [`PushCertificate::check_key`] and [`key::read`].
pub fn read_upload(
    file: &[u8],
    key_file: Option<&[u8]>,
    password: Option<&Secret<String>>,
) -> Result<Upload> {
    let mut parts = read_parts(file, password)?;
    if let Some(key_file) = key_file {
        parts.key = Some(key::read(key_file, password)?);
    }
    let (intermediates, mut leaves) =
        parts.certificates.into_iter().partition::<Vec<_>, _>(|found| certificate::is_authority(found));
    leaves.dedup();
    let [leaf] = leaves.as_slice() else {
        return Err(if leaves.len() > 1 {
            refuse("push-certificate-several", "The file holds more than one certificate.")
                .next("Upload the push certificate alone; certificates of authorities may stay.")
        } else if let Some(authority) = intermediates.first() {
            let name = certificate::display_name(authority.subject_name());
            let message = format!("The file holds the certificate of an authority (\"{name}\"), not yours.");
            refuse("push-certificate-is-authority", message)
                .next("Upload the file that you downloaded from identity.apple.com/pushcert.")
        } else if parts.holds_request {
            refuse("push-certificate-is-request", "The file is a certificate request, not a certificate.")
                .next("Give this file to identity.apple.com/pushcert and upload what you download there.")
        } else if parts.key.is_some() {
            refuse("push-certificate-is-key", "The file holds a private key but no certificate.")
                .next("Upload the .pem file from identity.apple.com/pushcert, and the key along with it.")
        } else {
            not_a_certificate()
        });
    };
    let der = leaf.to_der().map_err(Error::internal)?;
    let certificate = PushCertificate::from_der(&der)?;
    if let Some(key) = &parts.key {
        certificate.check_key(key)?;
    }
    Ok(Upload { certificate, key: parts.key, intermediates })
}

/// Certificates and key of a PEM, DER or PKCS#12 file.
pub(super) fn read_parts(file: &[u8], password: Option<&Secret<String>>) -> Result<Parts> {
    // First, because its chain would pass for the certificate.
    if is_portal_file(file) {
        return Ok(Parts { holds_request: true, ..Parts::default() });
    }
    let text = String::from_utf8_lossy(file);
    let blocks = pem::blocks(&text);
    if blocks.is_empty() {
        return read_binary(file, password);
    }
    let mut parts = Parts::default();
    for block in &blocks {
        if certificate::is_certificate_label(block.label) {
            let der = block.der().ok_or_else(not_a_certificate)?;
            let found = X509::from_der(&der).map_err(|cause| not_a_certificate().because(cause))?;
            parts.certificates.push(found);
        } else if block.is_private_key() {
            parts.key = Some(key::read(block.text.as_bytes(), password)?);
        } else if block.label.ends_with("CERTIFICATE REQUEST") {
            parts.holds_request = true;
        }
    }
    Ok(parts)
}

fn read_binary(file: &[u8], password: Option<&Secret<String>>) -> Result<Parts> {
    if let Ok(found) = X509::from_der(file) {
        return Ok(Parts { certificates: vec![found], ..Parts::default() });
    }
    if X509Req::from_der(file).is_ok() {
        return Ok(Parts { holds_request: true, ..Parts::default() });
    }
    if let Ok(archive) = Pkcs12::from_der(file) {
        return read_pkcs12(&archive, password);
    }
    match key::read(file, password) {
        Ok(key) => Ok(Parts { key: Some(key), ..Parts::default() }),
        Err(error) if error.code() == "private-key-unreadable" => Err(not_a_certificate()),
        Err(error) => Err(error),
    }
}

/// Whether this is the file for the portal, uploaded here by mistake: a `PushCertWebRequest`, or base64 of one.
fn is_portal_file(file: &[u8]) -> bool {
    let marker = b"PushCertRequestCSR";
    let has_marker = |bytes: &[u8]| bytes.windows(marker.len()).any(|window| window == marker);
    let decoded = || std::str::from_utf8(file).ok().and_then(pem::decode_base64);
    has_marker(file) || decoded().is_some_and(|plain| has_marker(&plain))
}

pub(super) fn read_pkcs12(archive: &Pkcs12, password: Option<&Secret<String>>) -> Result<Parts> {
    provider::load_legacy()?;
    key_derivation::check(&archive.to_der().map_err(Error::internal)?)?;
    let given = password.map_or("", |password| password.expose());
    if given.contains('\0') {
        return Err(wrong_password());
    }
    let content = archive.parse2(given).map_err(|cause| {
        let wrong_mac = cause.errors().iter().any(|error| error.reason_code() == PKCS12_MAC_VERIFY_FAILURE);
        match password {
            Some(_) if wrong_mac => wrong_password(),
            None if wrong_mac => {
                let message = "The PKCS#12 file is protected with a password.";
                let error = Error::malformed("pkcs12-needs-password", message);
                error.at("password").next("Give the password that was set when the file was exported.")
            }
            Some(_) | None => {
                let error = refuse(
                    "pkcs12-unreadable",
                    "The PKCS#12 file cannot be read: it is damaged, or its password is another one.",
                );
                error
                    .because(cause)
                    .next("Export the certificate and its key again, or upload them as PEM files.")
            }
        }
    })?;
    let mut certificates = content.cert.into_iter().collect::<Vec<_>>();
    certificates.extend(content.ca.into_iter().flatten());
    let key = content.pkey.map(key::check).transpose()?;
    Ok(Parts { certificates, key, holds_request: false })
}

fn wrong_password() -> Error {
    Error::malformed("pkcs12-wrong-password", "The password does not open the PKCS#12 file.")
        .at("password")
        .next("Give the password that was set when the file was exported.")
}

#[cfg(test)]
mod tests;
