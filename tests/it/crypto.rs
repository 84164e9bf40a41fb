//! Keys, certificates and files as customers bring them, good and bad.

use std::sync::LazyLock;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::{X509, X509Name, X509Req};
use pomarium_tests::TestApp;
use shared::pki::push_request::Digest;
use shared::pki::vendor::VendorCertificate;
use shared::pki::{csr, push_request};
use shared::time::{DAY, SignedDuration, Timestamp};

/// A key of the customer's own, made once because it takes long.
pub(crate) static KEY: LazyLock<PKey<Private>> =
    LazyLock::new(|| PKey::from_rsa(Rsa::generate(2_048).unwrap()).unwrap());

/// A topic that no portal gave.
pub(crate) const TOPIC: &str = "com.apple.mgmt.External.6f6c1f4e-0000-4000-8000-000000000000";

/// A key in PEM.
pub(crate) fn pem(key: &PKey<Private>) -> String {
    String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap()
}

/// [`KEY`] in PEM behind a password.
pub(crate) fn locked_pem(password: &str) -> String {
    let pem = KEY.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), password.as_bytes()).unwrap();
    String::from_utf8(pem).unwrap()
}

/// A key on an elliptic curve, which push certificates cannot have.
pub(crate) fn curve_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// A certificate of [`KEY`] that it signed itself, with these UIDs, valid from `days.0` to `days.1` counted from `now`.
pub(crate) fn self_signed(uids: &[&str], now: Timestamp, days: (i64, i64)) -> X509 {
    let mut name = X509Name::builder().unwrap();
    for uid in uids {
        name.append_entry_by_nid(Nid::USERID, uid).unwrap();
    }
    name.append_entry_by_nid(Nid::COMMONNAME, "Somebody Else").unwrap();
    let name = name.build();
    let at =
        |days: i64| Asn1Time::from_unix((now + SignedDuration::from_secs(days * DAY)).as_second()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&Asn1Integer::from_bn(&BigNum::from_u32(7).unwrap()).unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&KEY).unwrap();
    builder.set_not_before(&at(days.0)).unwrap();
    builder.set_not_after(&at(days.1)).unwrap();
    builder.sign(&KEY, MessageDigest::sha256()).unwrap();
    builder.build()
}

/// A certificate in PEM.
pub(crate) fn certificate_pem(certificate: &X509) -> String {
    String::from_utf8(certificate.to_pem().unwrap()).unwrap()
}

/// A PKCS#12 file with [`KEY`] and this certificate.
pub(crate) fn pkcs12(certificate: &X509, password: &str) -> Vec<u8> {
    Pkcs12::builder().pkey(&KEY).cert(certificate).build2(password).unwrap().to_der().unwrap()
}

/// A certificate from the portal for [`KEY`], whose request was made elsewhere.
pub(crate) fn issued_elsewhere(app: &TestApp) -> X509 {
    let vendor = app.runner.portal.make_vendor().unwrap();
    let vendor = VendorCertificate::read(
        vendor.certificate.as_bytes(),
        vendor.key.expose().as_bytes(),
        None,
        vendor.chain.as_bytes(),
    );
    let file = push_request::sign(&request(), &vendor.unwrap(), Digest::Sha256, app.clock.now()).unwrap();
    let issued = app.runner.portal.issue(&file).map_err(|_| ()).expect("the portal issues");
    X509::from_pem(issued.pem.as_bytes()).unwrap()
}

/// A request of [`KEY`] that was made elsewhere.
pub(crate) fn request() -> X509Req {
    let subject = csr::Subject {
        common_name: "Green School".into(),
        organization: "Green School".into(),
        organizational_unit: None,
        email: "it@green-school.example".into(),
        country: "DE".into(),
        state: None,
        locality: None,
    };
    csr::build(&subject, &KEY).unwrap()
}
