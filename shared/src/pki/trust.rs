//! Who issued a certificate: chains, and the authorities that are known by name.

use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext};

use super::certificate;
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// Apple's roots and the intermediates that issue push and vendor certificates, from Apple's public page
/// (<https://www.apple.com/certificateauthority/>).
const APPLE: [&[u8]; 16] = [
    include_bytes!("roots/AppleIncRootCertificate.cer"),
    include_bytes!("roots/AppleRootCA-G2.cer"),
    include_bytes!("roots/AppleRootCA-G3.cer"),
    include_bytes!("roots/AppleAAICA.cer"),
    include_bytes!("roots/AppleAAI2CA.cer"),
    include_bytes!("roots/AppleAAICAG3.cer"),
    include_bytes!("roots/AppleApplicationIntegrationCA5G1.cer"),
    include_bytes!("roots/AppleApplicationIntegrationCA7G1.cer"),
    include_bytes!("roots/AppleWWDRCA.cer"),
    include_bytes!("roots/AppleWWDRCAG2.cer"),
    include_bytes!("roots/AppleWWDRCAG3.cer"),
    include_bytes!("roots/AppleWWDRCAG4.cer"),
    include_bytes!("roots/AppleWWDRCAG5.cer"),
    include_bytes!("roots/AppleWWDRCAG6.cer"),
    include_bytes!("roots/AppleWWDRCAG7.cer"),
    include_bytes!("roots/AppleWWDRCAG8.cer"),
];

/// The authority that certifies iPhones, iPads and the like when they are activated, from Apple's "Over-the-Air Profile Delivery
/// and Configuration". Not its issuers: they certify much else.
const APPLE_DEVICES: &[u8] = include_bytes!("roots/AppleiPhoneDeviceCA.cer");

/// The authorities behind api.push.apple.com's server certificate.
const APNS: [&[u8]; 2] = [
    include_bytes!("roots/AAA_Certificate_Services.crt"),
    include_bytes!("roots/USERTrust_RSA_Certification_Authority.crt"),
];

/// The authorities whose certificates are accepted: roots and intermediates alike.
#[derive(Clone)]
pub struct TrustRoots(Vec<X509>);

impl TrustRoots {
    /// Apple's authorities, built in.
    ///
    /// # Errors
    /// Internal when OpenSSL fails.
    pub fn apple() -> Result<Self> {
        let certificates = APPLE.iter().map(|der| X509::from_der(der)).collect::<Result<_, _>>();
        certificates.map(Self).map_err(Error::internal)
    }

    /// Apple's authority for devices, built in.
    ///
    /// # Errors
    /// Internal when OpenSSL fails.
    pub fn apple_devices() -> Result<Self> {
        X509::from_der(APPLE_DEVICES).map(Self::from).map_err(Error::internal)
    }

    /// The authorities of a PEM file, for a portal that is not Apple's.
    ///
    /// # Errors
    /// `trust-roots` when the file holds no certificate, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        match certificate::read_all(pem) {
            Some(certificates) if !certificates.is_empty() => Ok(Self(certificates)),
            Some(_) | None => {
                let message = "The file of trusted authorities does not hold readable certificates.";
                Err(Error::malformed("trust-roots", message)
                    .next("Give one or more certificates in PEM form."))
            }
        }
    }

    /// The authorities themselves.
    pub fn certificates(&self) -> &[X509] {
        &self.0
    }
}

impl From<X509> for TrustRoots {
    fn from(authority: X509) -> Self {
        Self(vec![authority])
    }
}

impl From<Vec<X509>> for TrustRoots {
    fn from(authorities: Vec<X509>) -> Self {
        Self(authorities)
    }
}

/// The root authorities that APNs' servers chain to, for the TLS client of the push sender.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn apns_roots() -> Result<Vec<X509>> {
    APNS.iter().map(|pem| X509::from_pem(pem)).collect::<Result<_, _>>().map_err(Error::internal)
}

/// Which of these authorities a certificate chains to; its dates do not matter.
///
/// A device's clock may be wrong and its certificate is checked against the enrollment's binding anyway.
pub fn chains_to(certificate: &X509Ref, authorities: &[X509]) -> Option<usize> {
    authorities.iter().position(|authority| {
        verify(certificate, &[], std::slice::from_ref(authority), None).unwrap_or(false)
    })
}

/// Whether `certificate` chains over `intermediates` to one of `anchors`, at a moment or regardless of dates.
///
/// An anchor need not be a root. The purpose is ANY: OpenSSL's default for signatures is S/MIME, which rejects
/// certificates for clientAuth. Unknown critical extensions are ignored: Apple marks its own as critical.
pub(crate) fn verify(
    certificate: &X509Ref,
    intermediates: &[X509],
    anchors: &[X509],
    at: Option<Timestamp>,
) -> Result<bool, ErrorStack> {
    let mut flags = X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::IGNORE_CRITICAL;
    let mut parameters = X509VerifyParam::new()?;
    match at {
        Some(moment) => parameters.set_time(moment.as_second()),
        None => flags |= X509VerifyFlags::NO_CHECK_TIME,
    }
    parameters.set_flags(flags)?;
    parameters.set_purpose(X509PurposeId::ANY)?;

    let mut store = X509StoreBuilder::new()?;
    store.set_param(&parameters)?;
    for anchor in anchors {
        store.add_cert(anchor.clone())?;
    }
    let mut untrusted = Stack::new()?;
    for intermediate in intermediates {
        untrusted.push(intermediate.clone())?;
    }
    X509StoreContext::new()?.init(&store.build(), certificate, &untrusted, |context| context.verify_cert())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Chain, day};
    use super::*;

    #[test]
    fn apples_authority_for_devices_is_the_one_it_prints_and_no_other() {
        let roots = TrustRoots::apple_devices().unwrap();
        let [authority] = roots.certificates() else { panic!("one authority") };
        assert!(certificate::is_authority(authority));
        assert_eq!(certificate::display_name(authority.subject_name()), "Apple iPhone Device CA");
        let digest = hex::encode(openssl::sha::sha256(&authority.to_der().unwrap()));
        assert_eq!(digest, "76f27d00e1333bc88de0e2916c38c9a7f2b75774c25a794c092a80e3c4c66cce");
        for other in TrustRoots::apple().unwrap().certificates() {
            assert_eq!(chains_to(other, roots.certificates()), None);
        }
    }

    #[test]
    fn the_built_in_authorities_are_readable_and_belong_together() {
        let apple = TrustRoots::apple().unwrap();
        assert_eq!(apple.certificates().len(), APPLE.len());
        let roots = &apple.certificates()[..3];
        for authority in apple.certificates() {
            assert!(certificate::is_authority(authority));
            assert!(chains_to(authority, roots).is_some(), "{:?}", authority.subject_name());
        }
        assert_eq!(apns_roots().unwrap().len(), 2);
    }

    #[test]
    fn a_chain_needs_its_intermediate() {
        let chain = Chain::new();
        let leaf = chain.leaf("com.apple.mgmt.External.1", 0);
        let root = std::slice::from_ref(&chain.root);
        assert!(!verify(&leaf, &[], root, None).unwrap());
        assert!(verify(&leaf, std::slice::from_ref(&chain.intermediate), root, None).unwrap());
    }

    #[test]
    fn dates_matter_only_when_a_moment_is_given() {
        let chain = Chain::new();
        let leaf = chain.leaf("com.apple.mgmt.External.1", 0);
        let anchors = std::slice::from_ref(&chain.intermediate);
        assert!(verify(&leaf, &[], anchors, Some(day(0))).unwrap());
        assert!(!verify(&leaf, &[], anchors, Some(day(400))).unwrap());
        assert!(verify(&leaf, &[], anchors, None).unwrap());
    }

    #[test]
    fn the_authority_is_found_among_several_and_a_namesake_is_not_it() {
        let chain = Chain::new();
        let leaf = chain.leaf("com.apple.mgmt.External.1", 0);
        let namesake = fixture::authority("Test Intermediate", 2, None);
        assert_eq!(chains_to(&leaf, &[namesake.clone(), chain.intermediate]), Some(1));
        assert_eq!(chains_to(&leaf, &[namesake]), None);
    }

    #[test]
    fn trust_roots_come_from_pem() {
        let chain = Chain::new();
        assert_eq!(TrustRoots::from_pem(&chain.root.to_pem().unwrap()).unwrap().certificates().len(), 1);
        let key = fixture::key(0).public_key_to_pem().unwrap();
        for bad in [&b"nothing"[..], &key] {
            assert_eq!(TrustRoots::from_pem(bad).err().unwrap().code(), "trust-roots");
        }
    }
}
