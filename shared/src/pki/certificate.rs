//! What OpenSSL's bindings do not say about a certificate.

use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509NameRef, X509Ref};

use super::der::{
    BIT_STRING, BOOLEAN, CONTEXT_3, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, ber_element,
};
use super::pem;

/// A certificate together with its private key.
#[derive(Clone)]
pub struct Credential {
    /// The certificate.
    pub certificate: X509,
    /// The key that belongs to it.
    pub key: PKey<Private>,
}

/// 2.5.29.19
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// 2.5.29.15
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// The bits digitalSignature and nonRepudiation, the first two of key usage (RFC 5280, 4.2.1.3).
const SIGNING_BITS: u8 = 0xc0;

/// Whether the certificate may issue others (basic constraints, `CA:TRUE`).
pub(crate) fn is_authority(certificate: &X509Ref) -> bool {
    let flag = |der: &[u8]| {
        let mut constraints = Reader::whole(extension(der, BASIC_CONSTRAINTS)?, SEQUENCE)?;
        Some(constraints.take(BOOLEAN) == Some(&[0xff]))
    };
    certificate.to_der().is_ok_and(|der| flag(&der).unwrap_or(false))
}

/// Whether the certificate's key may sign messages: its key usage says so, or says nothing.
pub(crate) fn may_sign(certificate: &X509Ref) -> bool {
    let forbidden = |der: &[u8]| {
        let usage = ber_element(extension(der, KEY_USAGE)?).filter(|usage| usage.tag == BIT_STRING)?;
        // One byte with the number of unused bits stands before the bits.
        let bits = usage.body.get(1).copied().unwrap_or(0);
        Some(bits & SIGNING_BITS == 0)
    };
    certificate.to_der().is_ok_and(|der| !forbidden(&der).unwrap_or(false))
}

/// The content of an extension.
fn extension<'a>(certificate: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut to_be_signed = Reader::whole(certificate, SEQUENCE)?.enter(SEQUENCE)?;
    let extensions = loop {
        let element = to_be_signed.element()?;
        if element.tag == CONTEXT_3 {
            break element.body;
        }
    };
    let mut extensions = Reader::whole(extensions, SEQUENCE)?;
    while let Some(mut extension) = extensions.enter(SEQUENCE) {
        if extension.take(OBJECT_IDENTIFIER)? == wanted {
            extension.take(BOOLEAN);
            return extension.take(OCTET_STRING);
        }
    }
    None
}

/// Whether `issuer` signed `certificate`: the names agree and the signature verifies.
pub(crate) fn is_issued_by(certificate: &X509Ref, issuer: &X509Ref) -> bool {
    let names_agree =
        certificate.issuer_name().try_cmp(issuer.subject_name()).is_ok_and(|order| order.is_eq());
    names_agree && issuer.public_key().and_then(|key| certificate.verify(&key)).unwrap_or(false)
}

/// The certificates of a PEM text, or the one of a DER file. `None` when one of them cannot be read.
pub(crate) fn read_all(bytes: &[u8]) -> Option<Vec<X509>> {
    let text = String::from_utf8_lossy(bytes);
    let blocks = pem::blocks(&text);
    if blocks.is_empty() {
        return Some(vec![X509::from_der(bytes).ok()?]);
    }
    let certificates = blocks.iter().filter(|block| is_certificate_label(block.label));
    certificates.map(|block| X509::from_der(&block.der()?).ok()).collect()
}

/// Whether a PEM label announces a certificate.
pub(crate) fn is_certificate_label(label: &str) -> bool {
    matches!(label, "CERTIFICATE" | "X509 CERTIFICATE")
}

/// The first value of this attribute in a name, if it is there and can be read.
///
/// Read with `to_string`: `as_utf8` stops at a NUL, behind which a second meaning can hide.
pub(crate) fn name_value(name: &X509NameRef, attribute: Nid) -> Option<String> {
    name.entries_by_nid(attribute).next()?.data().to_string().ok()
}

/// A name for people: its common name, else its organization, else "unnamed".
pub(crate) fn display_name(name: &X509NameRef) -> String {
    let spoken = name_value(name, Nid::COMMONNAME).or_else(|| name_value(name, Nid::ORGANIZATIONNAME));
    spoken.unwrap_or_else(|| "unnamed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn authorities_are_told_from_leaves() {
        let chain = fixture::Chain::new();
        assert!(is_authority(&chain.root) && is_authority(&chain.intermediate));
        assert!(!is_authority(&chain.leaf("com.apple.mgmt.External.1", 0)));
    }

    #[test]
    fn an_issuer_must_have_signed() {
        let chain = fixture::Chain::new();
        assert!(is_issued_by(&chain.intermediate, &chain.root));
        assert!(!is_issued_by(&chain.root, &chain.intermediate));
        let namesake = fixture::authority("Test Root", 2, None);
        assert!(!is_issued_by(&chain.intermediate, &namesake));
    }

    #[test]
    fn certificates_are_read_from_pem_and_der() {
        let chain = fixture::Chain::new();
        let mut pem = chain.root.to_pem().unwrap();
        pem.extend(chain.intermediate.to_pem().unwrap());
        assert_eq!(read_all(&pem).unwrap().len(), 2);
        assert_eq!(read_all(&chain.root.to_der().unwrap()).unwrap().len(), 1);
        assert!(read_all(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").is_none());
        assert!(read_all(b"nothing").is_none());
    }
}
