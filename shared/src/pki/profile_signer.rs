//! A certificate that an administrator brings along to sign profiles with.

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::push_upload::read_parts;
use super::{certificate, key, validity};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::time::Timestamp;

/// More certificates than any real chain has.
const LONGEST_CHAIN: usize = 4;
/// Bytes that certificate and chain may have together: they travel in every profile.
const LARGEST: usize = 64 * 1024;

/// A certificate with its key and the certificates that lead from it towards a root.
pub struct ProfileSigner {
    /// The signing certificate.
    pub certificate: X509,
    /// Its private key.
    pub key: PKey<Private>,
    /// In the order of issuing: the certificate's issuer first. Empty where it signed itself.
    pub chain: Vec<X509>,
    /// The first moment of validity.
    pub not_before: Timestamp,
    /// The last moment of validity.
    pub not_after: Timestamp,
}

impl ProfileSigner {
    /// Reads certificate, key and chain from PKCS#12, PEM or DER; all may be in `file`, in any order.
    ///
    /// # Errors
    /// `profile-signer-unreadable`, `profile-signer-key-missing`, `profile-signer-wrong-key`,
    /// `profile-signer-not-rsa`, `profile-signer-may-not-sign`, `profile-signer-chain-missing`,
    /// `profile-signer-too-large`, and the codes of PKCS#12 files and of [`key::read`] about passwords.
    pub fn read(
        file: &[u8],
        key_file: Option<&[u8]>,
        chain_file: Option<&[u8]>,
        password: Option<&Secret<String>>,
    ) -> Result<Self> {
        let parts = read_parts(file, password).map_err(ours)?;
        let given = key_file.map(|bytes| key::read(bytes, password).map_err(ours)).transpose()?;
        let mut known = parts.certificates;
        if let Some(bytes) = chain_file.filter(|bytes| !bytes.trim_ascii().is_empty()) {
            known.extend(certificate::read_all(bytes).ok_or_else(|| unreadable("chain"))?);
        }
        if known.is_empty() {
            return Err(unreadable("certificate"));
        }
        let key = given.or(parts.key).ok_or_else(key_missing)?;
        let belongs = |found: &&X509| found.public_key().is_ok_and(|public| public.public_eq(&key));
        let certificate = known.iter().find(belongs).cloned().ok_or_else(wrong_key)?;
        if !certificate::may_sign(&certificate) {
            return Err(may_not_sign(&certificate));
        }
        let chain = ordered(&certificate, &known)?;
        refuse_large(&certificate, &chain)?;
        let not_before = validity::from_asn1(certificate.not_before()).map_err(Error::internal)?;
        let not_after = validity::from_asn1(certificate.not_after()).map_err(Error::internal)?;
        Ok(Self { certificate, key, chain, not_before, not_after })
    }

    /// Refuses a certificate that devices would not accept at this moment.
    ///
    /// # Errors
    /// Conflict: `profile-signer-expired`, `profile-signer-not-yet-valid`.
    pub fn check_validity(&self, now: Timestamp) -> Result<()> {
        let error = if now >= self.not_after {
            let message = format!("The signing certificate expired on {}.", validity::day(self.not_after));
            Error::conflict("profile-signer-expired", message)
        } else if now < self.not_before {
            let day = validity::day(self.not_before);
            let message = format!("The signing certificate is valid from {day} on only.");
            Error::conflict("profile-signer-not-yet-valid", message)
        } else {
            return Ok(());
        };
        Err(error.at("certificate").next("Upload one that is valid now."))
    }

    /// Its name for people.
    pub fn common_name(&self) -> String {
        certificate::display_name(self.certificate.subject_name())
    }

    /// Its issuer's name for people.
    pub fn issuer(&self) -> String {
        certificate::display_name(self.certificate.issuer_name())
    }
}

/// The chain as far as it is known. A public root may be left out, because devices have it; the certificate's own
/// issuer may not, because nobody could find it.
fn ordered(leaf: &X509, known: &[X509]) -> Result<Vec<X509>> {
    let mut chain: Vec<X509> = Vec::new();
    let mut last = leaf;
    while chain.len() < LONGEST_CHAIN && !certificate::is_issued_by(last, last) {
        let Some(issuer) = known.iter().find(|candidate| certificate::is_issued_by(last, candidate)) else {
            break;
        };
        chain.push(issuer.clone());
        last = issuer;
    }
    if chain.is_empty() && !certificate::is_issued_by(leaf, leaf) {
        let issuer = certificate::display_name(leaf.issuer_name());
        let message =
            format!("The certificate of \"{issuer}\", which issued the signing certificate, is missing.");
        return Err(Error::malformed("profile-signer-chain-missing", message).at("chain").next(
            "Add the chain that came with the certificate, or export a PFX file with the whole chain.",
        ));
    }
    Ok(chain)
}

fn refuse_large(certificate: &X509, chain: &[X509]) -> Result<()> {
    let mut size = 0;
    for link in chain.iter().chain([certificate]) {
        size += link.to_der().map_err(Error::internal)?.len();
    }
    if size <= LARGEST {
        return Ok(());
    }
    let message = "Certificate and chain are larger than 64 KB together, and travel in every profile.";
    Err(Error::malformed("profile-signer-too-large", message)
        .at("certificate")
        .next("Use a certificate made for signing, without long lists of names."))
}

/// The refusals of the readers that speak of push certificates, in the words of this one.
fn ours(error: Error) -> Error {
    match error.code() {
        "push-certificate-not-a-certificate" => unreadable("certificate"),
        "private-key-not-rsa" => {
            let message = "The private key is not an RSA key.";
            Error::malformed("profile-signer-not-rsa", message)
                .at("key")
                .next("Profiles are signed with RSA here: use a certificate with an RSA key.")
        }
        _ => error,
    }
}

fn unreadable(field: &'static str) -> Error {
    Error::malformed("profile-signer-unreadable", "This is not a certificate.")
        .at(field)
        .next("Give a PFX file in base64, or certificate, key and chain as PEM text.")
}

fn key_missing() -> Error {
    Error::malformed("profile-signer-key-missing", "The private key of the signing certificate is missing.")
        .at("key")
        .next("Add the key, or export a PFX file that includes it.")
}

fn wrong_key() -> Error {
    let message = "The private key does not belong to the signing certificate.";
    Error::malformed("profile-signer-wrong-key", message)
        .at("key")
        .next("Give the key that the certificate was requested with.")
}

fn may_not_sign(certificate: &X509) -> Error {
    let name = certificate::display_name(certificate.subject_name());
    let message = format!("The certificate \"{name}\" may not sign: its key usage does not allow it.");
    Error::malformed("profile-signer-may-not-sign", message)
        .at("certificate")
        .next("Use a certificate whose key usage includes digital signature.")
}

#[cfg(test)]
mod tests;
