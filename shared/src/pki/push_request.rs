//! The file a customer uploads at Apple's push certificate portal: made, and checked as the portal would.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::sign::{Signer, Verifier};
use openssl::x509::{X509, X509Req, X509ReqRef};
use serde::{Deserialize, Serialize};

use super::trust::{self, TrustRoots};
use super::vendor::VendorCertificate;
use super::{certificate, csr, pem};
use crate::error::{Error, Result};
use crate::time::Timestamp;

const MOST_TAGS: usize = 64;

/// The digest of the vendor's signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    /// What Apple asks for today.
    #[default]
    Sha256,
    /// What vendor certificates issued before 2021 may still need.
    Sha1,
}

impl Digest {
    fn algorithm(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha1 => MessageDigest::sha1(),
        }
    }
}

/// The property list inside, in Apple's words.
#[derive(Serialize, Deserialize)]
struct PushCertWebRequest {
    #[serde(rename = "PushCertRequestCSR")]
    request: String,
    #[serde(rename = "PushCertCertificateChain")]
    chain: String,
    #[serde(rename = "PushCertSignature")]
    signature: String,
}

/// What a file for the portal holds, once it has passed every check.
pub struct PushRequest {
    /// The customer's request.
    pub request: X509Req,
    /// The vendor certificate that vouches for it.
    pub vendor: X509,
    /// The digest of the vendor's signature.
    pub digest: Digest,
}

/// Signs a customer's request and returns the text of the file for the portal: base64 of a property list.
///
/// The result is checked as the portal would check it before it is returned.
///
/// # Errors
/// The codes of [`csr::check`] and [`VendorCertificate::check_validity`]; Internal when the own output is wrong.
pub fn sign(
    request: &X509ReqRef,
    vendor: &VendorCertificate,
    digest: Digest,
    now: Timestamp,
) -> Result<String> {
    csr::check(request)?;
    vendor.check_validity(now)?;
    let file = write(request, vendor, digest)?;
    let read =
        check(file.as_bytes(), &TrustRoots::from(vendor.root().clone()), now).map_err(Error::internal)?;
    if read.digest != digest {
        return Err(Error::internal("the push request was signed with another digest than asked for"));
    }
    Ok(file)
}

fn write(request: &X509ReqRef, vendor: &VendorCertificate, digest: Digest) -> Result<String> {
    let signed = || -> Result<_, ErrorStack> {
        let request = request.to_der()?;
        let mut signer = Signer::new(digest.algorithm(), vendor.key())?;
        signer.update(&request)?;
        let chain = vendor.chain().map(|link| link.to_pem()).collect::<Result<Vec<_>, _>>()?;
        Ok((request, chain.concat(), signer.sign_to_vec()?))
    };
    let (request, chain, signature) = signed().map_err(Error::internal)?;
    let list = PushCertWebRequest {
        request: STANDARD.encode(request),
        chain: String::from_utf8(chain).map_err(Error::internal)?,
        signature: STANDARD.encode(signature),
    };
    let mut xml = Vec::new();
    plist::to_writer_xml(&mut xml, &list).map_err(Error::internal)?;
    Ok(STANDARD.encode(xml))
}

/// Checks a file as Apple's portal does: form, request, vendor's chain up to `roots` at `now`, vendor's signature.
///
/// # Errors
/// `push-request` with what is wrong; the codes of [`csr::check`].
pub fn check(file: &[u8], roots: &TrustRoots, now: Timestamp) -> Result<PushRequest> {
    let list = decode(file)?;
    let request_der =
        pem::decode_base64(&list.request).ok_or_else(|| refuse("The PushCertRequestCSR is not base64."))?;
    let request =
        X509Req::from_der(&request_der).map_err(|_| refuse("The PushCertRequestCSR is not a request."))?;
    csr::check(&request)?;
    let chain = certificate::read_all(list.chain.as_bytes())
        .ok_or_else(|| refuse("The PushCertCertificateChain is not PEM."))?;
    let (vendor, intermediates) =
        chain.split_first().ok_or_else(|| refuse("The PushCertCertificateChain is empty."))?;
    if !trust::verify(vendor, intermediates, roots.certificates(), Some(now)).map_err(Error::internal)? {
        return Err(refuse("The vendor certificate is expired or not issued by a trusted authority."));
    }
    let signature =
        pem::decode_base64(&list.signature).ok_or_else(|| refuse("The PushCertSignature is not base64."))?;
    let digest = [Digest::Sha256, Digest::Sha1]
        .into_iter()
        .find(|digest| signature_verifies(vendor, *digest, &request_der, &signature).unwrap_or(false))
        .ok_or_else(|| refuse("The PushCertSignature does not verify with the vendor certificate."))?;
    Ok(PushRequest { request, vendor: vendor.clone(), digest })
}

fn decode(file: &[u8]) -> Result<PushCertWebRequest> {
    let xml = std::str::from_utf8(file).ok().and_then(pem::decode_base64);
    let xml = xml.ok_or_else(|| refuse("The file is not base64."))?;
    // The parser recurses: a deep nest would overflow the stack. The real list has 17 tags.
    if xml.iter().filter(|byte| **byte == b'<').count() > MOST_TAGS {
        return Err(not_a_list());
    }
    plist::Value::from_reader_xml(Cursor::new(xml))
        .and_then(|value| plist::from_value(&value))
        .map_err(|cause| not_a_list().because(cause))
}

fn not_a_list() -> Error {
    refuse("The file is not a PushCertWebRequest property list.")
}

fn signature_verifies(
    vendor: &X509,
    digest: Digest,
    request: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    let key = vendor.public_key()?;
    let mut verifier = Verifier::new(digest.algorithm(), &key)?;
    verifier.update(request)?;
    verifier.verify(signature)
}

fn refuse(message: &'static str) -> Error {
    Error::malformed("push-request", message).at("request").next("Download the request file again.")
}

#[cfg(test)]
mod tests;
