use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;

use super::super::fixture::{self, Chain, day};
use super::*;

fn vendor(chain: &Chain) -> VendorCertificate {
    let subject = fixture::name(&[(Nid::COMMONNAME, "MDM Vendor: Test")]);
    let leaf = chain.issue(&subject, 1, (-1, 365)).to_pem().unwrap();
    let rest = [chain.root.to_pem().unwrap(), chain.intermediate.to_pem().unwrap()].concat();
    VendorCertificate::read(&leaf, &fixture::key(1).private_key_to_pem_pkcs8().unwrap(), None, &rest).unwrap()
}

fn message(file: &[u8], chain: &Chain) -> String {
    let error = check(file, &TrustRoots::from(chain.root.clone()), day(0)).err().unwrap();
    assert_eq!(error.code(), "push-request");
    error.to_string()
}

/// A good file with one key of its property list changed.
fn with(key: &str, value: &str) -> Vec<u8> {
    let file = sign(&fixture::request(), &vendor(&Chain::new()), Digest::Sha256, day(0)).unwrap();
    let xml = STANDARD.decode(file).unwrap();
    let mut list = plist::Value::from_reader_xml(Cursor::new(xml)).unwrap();
    list.as_dictionary_mut().unwrap().insert(key.to_owned(), value.into());
    let mut xml = Vec::new();
    list.to_writer_xml(&mut xml).unwrap();
    STANDARD.encode(xml).into_bytes()
}

#[test]
fn the_file_passes_the_portals_checks_with_either_digest() {
    let chain = Chain::new();
    for digest in [Digest::Sha256, Digest::Sha1] {
        let file = sign(&fixture::request(), &vendor(&chain), digest, day(0)).unwrap();
        let read = check(file.as_bytes(), &TrustRoots::from(chain.root.clone()), day(0)).unwrap();
        assert_eq!(read.digest, digest);
        assert!(read.request.public_key().unwrap().public_eq(fixture::key(0)));
        assert!(read.vendor.public_key().unwrap().public_eq(fixture::key(1)));
    }
}

#[test]
fn the_property_list_is_what_apple_documents() {
    let file = sign(&fixture::request(), &vendor(&Chain::new()), Digest::default(), day(0)).unwrap();
    let xml = String::from_utf8(STANDARD.decode(file).unwrap()).unwrap();
    assert!(xml.starts_with("<?xml") && xml.contains("<!DOCTYPE plist"));
    assert_eq!(xml.matches("-----BEGIN CERTIFICATE-----").count(), 3);
    let pem_lines = xml.lines().skip_while(|line| !line.contains("-----BEGIN")).skip(1);
    let longest = pem_lines.take_while(|line| !line.contains("-----END")).map(str::len).max();
    assert_eq!(longest, Some(64));
}

#[test]
fn an_expired_vendor_never_yields_a_file() {
    let error = sign(&fixture::request(), &vendor(&Chain::new()), Digest::Sha256, day(366)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (crate::Kind::Conflict, "vendor-certificate-expired"));
}

#[test]
fn a_weak_request_never_yields_a_file() {
    let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let mut weak = X509Req::builder().unwrap();
    weak.set_pubkey(&small).unwrap();
    weak.sign(&small, MessageDigest::sha256()).unwrap();
    let error = sign(&weak.build(), &vendor(&Chain::new()), Digest::Sha256, day(0)).unwrap_err();
    assert_eq!(error.code(), "certificate-request-key");
}

#[test]
fn every_defect_of_a_file_has_its_own_message() {
    let chain = Chain::new();
    let stranger = fixture::authority("Stranger", 2, None).to_pem().unwrap();
    let stranger = String::from_utf8(stranger).unwrap();
    let defects = [
        (b"<plist>".to_vec(), "not base64"),
        (STANDARD.encode("<plist></plist>").into_bytes(), "property list"),
        (STANDARD.encode("<array>".repeat(100_000)).into_bytes(), "property list"),
        (with("PushCertRequestCSR", "*"), "PushCertRequestCSR is not base64"),
        (with("PushCertRequestCSR", "AAAA"), "not a request"),
        (with("PushCertCertificateChain", "AAAA"), "not PEM"),
        (with("PushCertCertificateChain", "-----BEGIN A-----\n-----END A-----"), "is empty"),
        (with("PushCertCertificateChain", &stranger), "not issued by a trusted authority"),
        (with("PushCertSignature", "*"), "PushCertSignature is not base64"),
        (with("PushCertSignature", "AAAA"), "does not verify"),
    ];
    for (file, expected) in defects {
        let message = message(&file, &chain);
        assert!(message.contains(expected), "{message} / {expected}");
    }
}
