//! The operator's MDM vendor certificate: it vouches for customers' requests before Apple's portal.

use std::iter;

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::trust::{self, TrustRoots};
use super::{certificate, key, push_upload, validity};
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::secret::Secret;
use crate::time::Timestamp;

/// More intermediates than any real chain has.
const LONGEST_CHAIN: usize = 4;

/// A vendor certificate with its key and its chain up to a self-signed root.
pub struct VendorCertificate {
    key: PKey<Private>,
    leaf: X509,
    /// In the order of issuing: the leaf's issuer first.
    intermediates: Vec<X509>,
    root: X509,
    not_after: Timestamp,
    fingerprint: Fingerprint,
}

impl VendorCertificate {
    /// Reads certificate, key and chain; the files may hold the certificates in any order. Apple's own
    /// intermediates and roots are built in, so that the leaf and its key suffice for a certificate of Apple's.
    ///
    /// # Errors
    /// The codes of [`key::read`], `vendor-certificate-unreadable`, `vendor-certificate-wrong-key`,
    /// `vendor-chain-incomplete`.
    pub fn read(
        certificate: &[u8],
        key: &[u8],
        password: Option<&Secret<String>>,
        chain: &[u8],
    ) -> Result<Self> {
        let key = key::read(key, password)?;
        let found = certificate::read_all(certificate).filter(|found| !found.is_empty());
        let given =
            if chain.trim_ascii().is_empty() { Some(Vec::new()) } else { certificate::read_all(chain) };
        let (Some(mut known), Some(given)) = (found, given) else {
            return Err(unreadable());
        };
        known.extend(given);
        Self::from_parts(key, known)
    }

    /// Reads certificate, key and chain from a PKCS#12 file.
    ///
    /// # Errors
    /// `vendor-certificate-unreadable`, `pkcs12-needs-password`, `pkcs12-wrong-password`, `pkcs12-unreadable`, and the
    /// codes of [`Self::read`].
    pub fn read_pfx(file: &[u8], password: Option<&Secret<String>>) -> Result<Self> {
        let archive = Pkcs12::from_der(file).map_err(|cause| unreadable().at("pfx").because(cause))?;
        let parts = push_upload::read_pkcs12(&archive, password)?;
        let key = parts.key.ok_or_else(|| {
            let message = "The PKCS#12 file holds no private key.";
            let error = Error::malformed("vendor-certificate-no-key", message).at("pfx");
            error.next("Export the vendor certificate together with its private key.")
        })?;
        Self::from_parts(key, parts.certificates)
    }

    fn from_parts(key: PKey<Private>, mut known: Vec<X509>) -> Result<Self> {
        let belongs = |found: &&X509| found.public_key().is_ok_and(|public| public.public_eq(&key));
        let Some(leaf) = known.iter().find(belongs).cloned() else {
            let message = "The private key does not belong to the vendor certificate.";
            let error = Error::malformed("vendor-certificate-wrong-key", message).at("key");
            return Err(error.next("Give the key that the vendor certificate was requested with."));
        };
        known.extend_from_slice(TrustRoots::apple()?.certificates());
        let not_after = validity::from_asn1(leaf.not_after()).map_err(|_| unreadable())?;
        let fingerprint = Fingerprint::of(&leaf.to_der().map_err(Error::internal)?);
        let (intermediates, root) = complete_chain(&leaf, &known)?;
        Ok(Self { key, leaf, intermediates, root, not_after, fingerprint })
    }

    /// Leaf, intermediates, root.
    pub fn chain(&self) -> impl Iterator<Item = &X509> {
        iter::once(&self.leaf).chain(&self.intermediates).chain(iter::once(&self.root))
    }

    /// The self-signed end of the chain.
    pub fn root(&self) -> &X509 {
        &self.root
    }

    /// SHA-256 of the vendor certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Its common name.
    pub fn name(&self) -> String {
        certificate::display_name(self.leaf.subject_name())
    }

    /// When the vendor certificate expires.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Refuses a certificate or chain that Apple would not accept at this moment.
    ///
    /// # Errors
    /// Conflict: `vendor-certificate-expired`, `vendor-chain-invalid`.
    pub fn check_validity(&self, now: Timestamp) -> Result<()> {
        let next = "Nothing is wrong with your input: the operator of this service must renew it.";
        if now >= self.not_after {
            let message = format!(
                "The operator's MDM vendor certificate expired on {}.",
                validity::day(self.not_after)
            );
            return Err(Error::conflict("vendor-certificate-expired", message).next(next));
        }
        let anchors = std::slice::from_ref(&self.root);
        if trust::verify(&self.leaf, &self.intermediates, anchors, Some(now)).map_err(Error::internal)? {
            return Ok(());
        }
        let message = "The chain of the operator's MDM vendor certificate is not valid at this time.";
        Err(Error::conflict("vendor-chain-invalid", message).next(next))
    }

    pub(crate) fn key(&self) -> &PKey<Private> {
        &self.key
    }
}

fn complete_chain(leaf: &X509, known: &[X509]) -> Result<(Vec<X509>, X509)> {
    let mut intermediates = Vec::new();
    let mut last = leaf;
    while intermediates.len() < LONGEST_CHAIN {
        let Some(issuer) = known.iter().find(|candidate| certificate::is_issued_by(last, candidate)) else {
            let missing = certificate::display_name(last.issuer_name());
            let message = format!("The chain is not complete: the certificate of \"{missing}\" is missing.");
            let error = Error::malformed("vendor-chain-incomplete", message).at("chain");
            return Err(error.next("Add the missing certificates up to the self-signed root."));
        };
        if certificate::is_issued_by(issuer, issuer) {
            return Ok((intermediates, issuer.clone()));
        }
        intermediates.push(issuer.clone());
        last = issuer;
    }
    let message = "The chain does not end in a self-signed root.";
    let error = Error::malformed("vendor-chain-incomplete", message).at("chain");
    Err(error.next("Give leaf, intermediate and root."))
}

fn unreadable() -> Error {
    let message = "The vendor certificate or its chain cannot be read.";
    Error::malformed("vendor-certificate-unreadable", message)
        .at("certificate")
        .next("Give PEM files, or the .cer files as Apple offers them.")
}

#[cfg(test)]
mod tests {
    use openssl::nid::Nid;

    use super::super::fixture::{self, Chain, day};
    use super::*;

    fn leaf(chain: &Chain) -> Vec<u8> {
        let subject = fixture::name(&[(Nid::COMMONNAME, "MDM Vendor: Test")]);
        chain.issue(&subject, 1, (-1, 365)).to_pem().unwrap()
    }

    fn key_pem(number: usize) -> Vec<u8> {
        fixture::key(number).private_key_to_pem_pkcs8().unwrap()
    }

    fn chain_pem(chain: &Chain) -> Vec<u8> {
        [chain.root.to_pem().unwrap(), chain.intermediate.to_pem().unwrap()].concat()
    }

    fn code(result: Result<VendorCertificate>) -> &'static str {
        result.err().unwrap().code()
    }

    #[test]
    fn the_chain_is_ordered_whatever_the_input_order() {
        let chain = Chain::new();
        let vendor = VendorCertificate::read(&leaf(&chain), &key_pem(1), None, &chain_pem(&chain)).unwrap();
        let names = vendor.chain().map(|link| certificate::display_name(link.subject_name()));
        assert_eq!(names.collect::<Vec<_>>(), ["MDM Vendor: Test", "Test Intermediate", "Test Root"]);
        assert_eq!(vendor.not_after(), day(365));
        vendor.check_validity(day(0)).unwrap();
    }

    #[test]
    fn an_expired_vendor_is_a_conflict_that_says_so() {
        let chain = Chain::new();
        let vendor = VendorCertificate::read(&leaf(&chain), &key_pem(1), None, &chain_pem(&chain)).unwrap();
        let error = vendor.check_validity(day(365)).unwrap_err();
        assert_eq!((error.kind(), error.code()), (crate::Kind::Conflict, "vendor-certificate-expired"));
        assert_eq!(vendor.check_validity(day(-2)).unwrap_err().code(), "vendor-chain-invalid");
    }

    #[test]
    fn a_pfx_holds_all_of_it() {
        let chain = Chain::new();
        let leaf = X509::from_pem(&leaf(&chain)).unwrap();
        let mut others = openssl::stack::Stack::new().unwrap();
        others.push(chain.root.clone()).unwrap();
        others.push(chain.intermediate.clone()).unwrap();
        let mut builder = Pkcs12::builder();
        builder.cert(&leaf).pkey(fixture::key(1)).ca(others);
        let file = builder.build2("right").unwrap().to_der().unwrap();
        let password = |text: &str| Secret::new(text.to_owned());
        let vendor = VendorCertificate::read_pfx(&file, Some(&password("right"))).unwrap();
        assert_eq!((vendor.chain().count(), vendor.name().as_str()), (3, "MDM Vendor: Test"));
        assert_eq!(code(VendorCertificate::read_pfx(&file, None)), "pkcs12-needs-password");
        assert_eq!(
            code(VendorCertificate::read_pfx(&file, Some(&password("wrong")))),
            "pkcs12-wrong-password"
        );
        assert_eq!(code(VendorCertificate::read_pfx(b"words", None)), "vendor-certificate-unreadable");
        let mut keyless = Pkcs12::builder();
        keyless.cert(&leaf);
        let file = keyless.build2("right").unwrap().to_der().unwrap();
        let read = VendorCertificate::read_pfx(&file, Some(&password("right")));
        assert_eq!(code(read), "vendor-certificate-no-key");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let chain = Chain::new();
        let read = VendorCertificate::read(&leaf(&chain), &key_pem(2), None, &chain_pem(&chain));
        assert_eq!(code(read), "vendor-certificate-wrong-key");
    }

    #[test]
    fn a_missing_link_is_named() {
        let chain = Chain::new();
        let intermediate = chain.intermediate.to_pem().unwrap();
        let error = VendorCertificate::read(&leaf(&chain), &key_pem(1), None, &intermediate).err().unwrap();
        assert_eq!(error.code(), "vendor-chain-incomplete");
        assert!(error.to_string().contains("\"Test Root\""));
        assert_eq!(
            code(VendorCertificate::read(&leaf(&chain), &key_pem(1), None, b"\n")),
            "vendor-chain-incomplete"
        );
    }

    #[test]
    fn certificates_that_issue_each_other_end_the_search() {
        let left_name = fixture::name(&[(Nid::COMMONNAME, "Left")]);
        let right_name = fixture::name(&[(Nid::COMMONNAME, "Right")]);
        let left =
            fixture::certificate(&left_name, fixture::key(1), (&right_name, fixture::key(2)), true, (-1, 1));
        let right =
            fixture::certificate(&right_name, fixture::key(2), (&left_name, fixture::key(1)), true, (-1, 1));
        let right = right.to_pem().unwrap();
        let error =
            VendorCertificate::read(&left.to_pem().unwrap(), &key_pem(1), None, &right).err().unwrap();
        assert!(error.to_string().contains("self-signed root"));
    }

    #[test]
    fn files_without_certificates_are_refused() {
        let chain = Chain::new();
        for (certificate, rest) in [(b"x".to_vec(), chain_pem(&chain)), (leaf(&chain), b"x".to_vec())] {
            let read = VendorCertificate::read(&certificate, &key_pem(1), None, &rest);
            assert_eq!(code(read), "vendor-certificate-unreadable");
        }
    }
}
