//! The `Mdm-Signature` that a device puts over a message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::sha::sha256;
use openssl::sign::Signer;
use shared::pki::Credential;
use shared::time::{Clock, Timestamp};

use super::error::{DeviceError, Result};

/// How a device signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// As most clients of other makers do: DER, SHA-256, with signed attributes.
    Sha256,
    /// As Apple's devices do: BER of indefinite length, SHA-1, without signed attributes.
    Sha1,
}

/// The header's value for `body`: a detached signature with the signer's certificate inside, in base64.
///
/// # Errors
/// When OpenSSL fails.
pub fn sign(body: &[u8], identity: &Credential, digest: Digest) -> Result<String> {
    sign_at(body, identity, digest, Clock::system().now())
}

/// The same, signed `now` as far as the device knows; with [`Digest::Sha1`] nobody sees when.
///
/// # Errors
/// When OpenSSL fails.
pub(super) fn sign_at(body: &[u8], identity: &Credential, digest: Digest, now: Timestamp) -> Result<String> {
    let signed = match digest {
        Digest::Sha256 => with_sha256(body, identity, now),
        Digest::Sha1 => with_sha1(body, identity),
    };
    signed
        .map(|message| STANDARD.encode(message))
        .map_err(|source| DeviceError::unreadable("the device's own key", source))
}

/// Written by hand as well: OpenSSL's bindings date every signature by the machine's clock.
fn with_sha256(body: &[u8], identity: &Credential, now: Timestamp) -> Result<Vec<u8>, ErrorStack> {
    let time = primitive(GENERALIZED_TIME, now.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes());
    let digest = primitive(OCTET_STRING, &sha256(body));
    let attribute = |kind: &[u8], value: &[u8]| element(SEQUENCE, &[kind, &element(SET, &[value])]);
    // In DER's order: the shorter first.
    let mut attributes =
        [attribute(CONTENT_TYPE, DATA), attribute(SIGNING_TIME, &time), attribute(MESSAGE_DIGEST, &digest)];
    attributes.sort();
    let attributes = attributes.concat();
    let mut signer = Signer::new(MessageDigest::sha256(), &identity.key)?;
    signer.update(&element(SET, &[&attributes]))?;
    let signature = primitive(OCTET_STRING, &signer.sign_to_vec()?);
    let certificate = &identity.certificate;
    let issuer = certificate.issuer_name().to_der()?;
    let serial = primitive(INTEGER, &positive(certificate.serial_number().to_bn()?.to_vec()));
    let signer = element(
        SEQUENCE,
        &[
            VERSION,
            &element(SEQUENCE, &[&issuer, &serial]),
            SHA_256,
            &element(CONTEXT_0, &[&attributes]),
            RSA,
            &signature,
        ],
    );
    let signed_data = element(
        SEQUENCE,
        &[
            VERSION,
            &element(SET, &[SHA_256]),
            &element(SEQUENCE, &[DATA]),
            &element(CONTEXT_0, &[&certificate.to_der()?]),
            &element(SET, &[&signer]),
        ],
    );
    Ok(element(SEQUENCE, &[SIGNED_DATA, &element(CONTEXT_0, &[&signed_data])]))
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// 1.2.840.113549.1.7.1
const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const GENERALIZED_TIME: u8 = 0x18;
/// 1.2.840.113549.1.9.3
const CONTENT_TYPE: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
/// 1.2.840.113549.1.9.5
const SIGNING_TIME: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
/// 2.16.840.1.101.3.4.2.1 with a NULL for its parameters.
const SHA_256: &[u8] = &[0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
/// 1.3.14.3.2.26 with a NULL for its parameters.
const SHA_1: &[u8] = &[0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
/// 1.2.840.113549.1.1.1 with a NULL for its parameters.
const RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
const VERSION: &[u8] = &[INTEGER, 1, 1];

/// Written by hand: OpenSSL's bindings sign with SHA-256 only, and never with indefinite lengths.
fn with_sha1(body: &[u8], identity: &Credential) -> Result<Vec<u8>, ErrorStack> {
    let mut signer = Signer::new(MessageDigest::sha1(), &identity.key)?;
    signer.update(body)?;
    let signature = primitive(OCTET_STRING, &signer.sign_to_vec()?);
    let certificate = &identity.certificate;
    let issuer = certificate.issuer_name().to_der()?;
    let serial = primitive(INTEGER, &positive(certificate.serial_number().to_bn()?.to_vec()));
    let signer =
        open_ended(SEQUENCE, &[VERSION, &open_ended(SEQUENCE, &[&issuer, &serial]), SHA_1, RSA, &signature]);
    let signed_data = open_ended(
        SEQUENCE,
        &[
            VERSION,
            &open_ended(SET, &[SHA_1]),
            &open_ended(SEQUENCE, &[DATA]),
            &open_ended(CONTEXT_0, &[&certificate.to_der()?]),
            &open_ended(SET, &[&signer]),
        ],
    );
    Ok(open_ended(SEQUENCE, &[SIGNED_DATA, &open_ended(CONTEXT_0, &[&signed_data])]))
}

/// A constructed element of indefinite length.
fn open_ended(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], parts.concat().as_slice(), &[0, 0]].concat()
}

/// A constructed element of definite length.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    primitive(tag, &parts.concat())
}

fn primitive(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut element = vec![tag];
    if length < 0x80 {
        element.extend(length.to_be_bytes().last());
    } else {
        let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        element.extend(bytes.len().to_be_bytes().last().map(|count| 0x80 | count));
        element.extend(bytes);
    }
    element.extend_from_slice(content);
    element
}

/// A number's bytes with a zero in front where they would read as a negative one.
fn positive(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.first().is_none_or(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use shared::pki::{key, mdm_signature, scep};
    use shared::time::from_unix;

    use super::*;

    #[test]
    fn both_ways_of_signing_are_understood_and_hold_for_this_body_only() {
        let name = crate::device::distinguished_name(&[("CN".to_owned(), "Device".to_owned())]).unwrap();
        let identity =
            scep::client::self_signed(&name, key::generate().unwrap(), from_unix(1_800_000_000)).unwrap();
        for digest in [Digest::Sha256, Digest::Sha1] {
            let header = sign(b"body", &identity, digest).unwrap();
            assert_eq!(mdm_signature::verify(&header, b"body").unwrap(), identity.certificate);
            assert_eq!(mdm_signature::verify(&header, b"b0dy").unwrap_err().code(), "mdm-signature");
        }
    }

    #[test]
    fn lengths_and_signs_are_written_as_der_wants_them() {
        assert_eq!(primitive(OCTET_STRING, &[7; 2]), [4, 2, 7, 7]);
        assert_eq!(primitive(OCTET_STRING, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(primitive(OCTET_STRING, &[0; 256])[..4], [4, 0x82, 1, 0]);
        assert_eq!(positive(vec![0x7f]), [0x7f]);
        assert_eq!(positive(vec![0x80]), [0, 0x80]);
        assert_eq!(positive(Vec::new()), [0]);
    }
}
