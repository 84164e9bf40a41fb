//! Customers and their request files, for tests.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::{X509, X509Name, X509Req};
use shared::time::{Clock, from_unix};

use super::{Portal, Vendor};

/// A customer's key, made once because it takes long.
pub(crate) static KEY: LazyLock<PKey<Private>> =
    LazyLock::new(|| PKey::from_rsa(Rsa::generate(2_048).unwrap()).unwrap());

/// A portal in memory on 1 January 2027, with its clock and its vendor.
pub(crate) fn portal() -> (Portal, Clock, Vendor) {
    let clock = Clock::fixed(from_unix(1_798_761_600));
    let portal = Portal::create(None, clock.clone()).unwrap();
    let vendor = portal.make_vendor().unwrap();
    (portal, clock, vendor)
}

/// The parts of a request file, each of which a test may spoil.
pub(crate) struct RequestFile {
    pub(crate) request: String,
    pub(crate) chain: String,
    pub(crate) signature: String,
}

impl RequestFile {
    /// A good request for `key`, signed by `vendor` with `digest`.
    pub(crate) fn signed(vendor: &Vendor, key: &PKey<Private>, digest: MessageDigest) -> Self {
        let der = request(key);
        let vendor_key = PKey::private_key_from_pem(vendor.key.expose().as_bytes()).unwrap();
        let signature = Signer::new(digest, &vendor_key).unwrap().sign_oneshot_to_vec(&der).unwrap();
        Self {
            request: STANDARD.encode(der),
            chain: format!("{}{}", vendor.certificate, vendor.chain),
            signature: STANDARD.encode(signature),
        }
    }

    /// A good request for the shared key.
    pub(crate) fn good(vendor: &Vendor) -> Self {
        Self::signed(vendor, &KEY, MessageDigest::sha256())
    }

    /// The file as a customer uploads it.
    pub(crate) fn encode(&self) -> String {
        encode(&format!(
            "<key>PushCertRequestCSR</key><string>{}</string>\
             <key>PushCertCertificateChain</key><string>{}</string>\
             <key>PushCertSignature</key><string>{}</string>",
            self.request, self.chain, self.signature
        ))
    }
}

/// A property list with these entries, in base64.
pub(crate) fn encode(entries: &str) -> String {
    STANDARD.encode(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>{entries}</dict></plist>\n"
    ))
}

/// A signing request of a Belgian customer in DER form.
pub(crate) fn request(key: &PKey<Private>) -> Vec<u8> {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "Heights High School").unwrap();
    name.append_entry_by_text("C", "BE").unwrap();
    let mut request = X509Req::builder().unwrap();
    request.set_subject_name(&name.build()).unwrap();
    request.set_pubkey(key).unwrap();
    request.sign(key, MessageDigest::sha256()).unwrap();
    request.build().to_der().unwrap()
}

/// A push certificate for the shared key from this portal.
pub(crate) fn push_certificate(portal: &Portal, vendor: &Vendor) -> X509 {
    let issued = portal.issue(&RequestFile::good(vendor).encode()).unwrap();
    X509::from_pem(issued.pem.as_bytes()).unwrap()
}
