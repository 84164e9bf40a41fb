//! What OpenSSL's bindings do not say about a certificate.

use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509NameRef, X509Ref};

use super::der::{BOOLEAN, CONTEXT_3, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE};
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

/// Whether the certificate may issue others (basic constraints, `CA:TRUE`).
pub(crate) fn is_authority(certificate: &X509Ref) -> bool {
    certificate.to_der().is_ok_and(|der| find_ca_flag(&der).unwrap_or(false))
}

fn find_ca_flag(certificate: &[u8]) -> Option<bool> {
    let mut to_be_signed = Reader::whole(certificate, SEQUENCE)?.enter(SEQUENCE)?;
    let extensions = loop {
        let element = to_be_signed.element()?;
        if element.tag == CONTEXT_3 {
            break element.body;
        }
    };
    let mut extensions = Reader::whole(extensions, SEQUENCE)?;
    while let Some(mut extension) = extensions.enter(SEQUENCE) {
        if extension.take(OBJECT_IDENTIFIER)? == BASIC_CONSTRAINTS {
            extension.take(BOOLEAN);
            let mut constraints = Reader::whole(extension.take(OCTET_STRING)?, SEQUENCE)?;
            return Some(constraints.take(BOOLEAN) == Some(&[0xff]));
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
