//! Writes SignedData with own attributes, which OpenSSL's bindings cannot.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::sha::sha256;
use openssl::sign::Signer;
use openssl::x509::X509Ref;

use super::super::Credential;
use super::super::der::{self, CONTEXT_0, NULL, OCTET_STRING, SET};

/// 1.2.840.113549.1.7.2
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.7.1
const DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.9.3
const CONTENT_TYPE: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// 2.16.840.1.101.3.4.2.1
const SHA_256: [u8; 11] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A message signed with SHA-256 and these attributes besides content type and digest, the signer's certificate inside.
pub(super) fn sign(
    content: &[u8],
    mut attributes: Vec<Vec<u8>>,
    signer: &Credential,
) -> Result<Vec<u8>, ErrorStack> {
    let digest = der::wrap(OCTET_STRING, &[&sha256(content)]);
    attributes.push(der::sequence(&[&CONTENT_TYPE, &der::wrap(SET, &[&DATA])]));
    attributes.push(der::sequence(&[&MESSAGE_DIGEST, &der::wrap(SET, &[&digest])]));
    // The signature is over the attributes as a SET; inside the message they carry the tag [0] instead.
    let mut signature = Signer::new(MessageDigest::sha256(), &signer.key)?;
    signature.update(&der::set_of(SET, attributes.clone()))?;
    let signature = signature.sign_to_vec()?;

    let algorithm = |identifier: &[u8]| der::sequence(&[identifier, &[NULL, 0]]);
    let certificate = &signer.certificate;
    let issuer = certificate.issuer_name().to_der()?;
    let serial = der::unsigned(&certificate.serial_number().to_bn()?.to_vec());
    let signer_info = der::sequence(&[
        &der::unsigned(&[1]),
        &der::sequence(&[&issuer, &serial]),
        &algorithm(&SHA_256),
        &der::set_of(CONTEXT_0, attributes),
        &algorithm(&RSA_ENCRYPTION),
        &der::wrap(OCTET_STRING, &[&signature]),
    ]);
    let content = der::wrap(CONTEXT_0, &[&der::wrap(OCTET_STRING, &[content])]);
    Ok(content_info(&[
        &der::unsigned(&[1]),
        &der::wrap(SET, &[&algorithm(&SHA_256)]),
        &der::sequence(&[&DATA, &content]),
        &der::wrap(CONTEXT_0, &[&certificate.to_der()?]),
        &der::wrap(SET, &[&signer_info]),
    ]))
}

/// A message that only transports a certificate: signed by nobody (RFC 8894, 3.4).
pub(super) fn degenerate(certificate: &X509Ref) -> Result<Vec<u8>, ErrorStack> {
    Ok(content_info(&[
        &der::unsigned(&[1]),
        &der::wrap(SET, &[]),
        &der::sequence(&[&DATA]),
        &der::wrap(CONTEXT_0, &[&certificate.to_der()?]),
        &der::wrap(SET, &[]),
    ]))
}

fn content_info(signed_data: &[&[u8]]) -> Vec<u8> {
    der::sequence(&[&SIGNED_DATA, &der::wrap(CONTEXT_0, &[&der::sequence(signed_data)])])
}
