use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::nid::Nid;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use proptest::prelude::*;

use super::super::der::{Reader, SEQUENCE, sequence, unsigned};
use super::super::fixture::{self, Chain};
use super::*;

const UID: &str = "com.apple.mgmt.External.1";

fn leaf() -> X509 {
    Chain::new().leaf(UID, 0)
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn code(file: &[u8], key_file: Option<&[u8]>, password: Option<&str>) -> &'static str {
    read_upload(file, key_file, password.map(secret).as_ref()).err().unwrap().code()
}

fn archive(cipher: Nid, password: &str) -> Vec<u8> {
    provider::load_legacy().unwrap();
    let chain = Chain::new();
    let mut authorities = Stack::new().unwrap();
    authorities.push(chain.intermediate).unwrap();
    let mut builder = Pkcs12::builder();
    builder.pkey(fixture::key(0)).cert(&leaf()).ca(authorities);
    builder.key_algorithm(cipher).cert_algorithm(cipher);
    builder.build2(password).unwrap().to_der().unwrap()
}

#[test]
fn a_certificate_alone_is_read_from_pem_and_der() {
    let pem = leaf().to_pem().unwrap();
    let windows = String::from_utf8(pem.clone()).unwrap().replace('\n', "\r\n");
    let mailed = format!("\u{feff}Hello,\nhere it is:\n{windows}\nRegards");
    for file in [&pem, windows.as_bytes(), mailed.as_bytes(), &leaf().to_der().unwrap()] {
        let upload = read_upload(file, None, None).unwrap();
        assert_eq!(upload.certificate.topic, UID);
        assert!(upload.key.is_none() && upload.intermediates.is_empty());
    }
}

#[test]
fn certificate_key_and_chain_may_share_one_file() {
    let key = fixture::key(0).private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"right").unwrap();
    let chain = Chain::new().intermediate.to_pem().unwrap();
    let file = [key, chain, leaf().to_pem().unwrap(), leaf().to_pem().unwrap()].concat();
    let upload = read_upload(&file, None, Some(&secret("right"))).unwrap();
    assert!(upload.key.unwrap().public_eq(fixture::key(0)));
    assert_eq!(upload.intermediates.len(), 1);
    assert_eq!(code(&file, None, None), "private-key-needs-password");
}

#[test]
fn the_key_may_come_in_its_own_file_and_must_fit() {
    let key = |number| fixture::key(number).private_key_to_pem_pkcs8().unwrap();
    let pem = leaf().to_pem().unwrap();
    assert!(read_upload(&pem, Some(&key(0)), None).unwrap().key.is_some());
    assert_eq!(code(&pem, Some(&key(1)), None), "push-certificate-wrong-key");
    assert_eq!(code(&pem, Some(b"x"), None), "private-key-unreadable");
}

#[test]
fn pkcs12_is_read_whatever_its_cipher() {
    for cipher in
        [Nid::PBE_WITHSHA1AND3_KEY_TRIPLEDES_CBC, Nid::PBE_WITHSHA1AND40BITRC2_CBC, Nid::AES_256_CBC]
    {
        let upload = read_upload(&archive(cipher, "right"), None, Some(&secret("right"))).unwrap();
        assert_eq!((upload.certificate.topic.as_str(), upload.intermediates.len()), (UID, 1));
        assert!(upload.key.unwrap().public_eq(fixture::key(0)));
    }
    assert!(read_upload(&archive(Nid::AES_256_CBC, ""), None, None).unwrap().key.is_some());
}

#[test]
fn pkcs12_tells_a_missing_password_from_a_wrong_one() {
    let file = archive(Nid::AES_256_CBC, "right");
    assert_eq!(code(&file, None, None), "pkcs12-needs-password");
    assert_eq!(code(&file, None, Some("wrong")), "pkcs12-wrong-password");
    assert_eq!(code(&file, None, Some("ri\0ght")), "pkcs12-wrong-password");
}

#[test]
fn without_a_check_sum_nobody_can_tell_damage_from_a_wrong_password() {
    let protected = archive(Nid::AES_256_CBC, "right");
    let mut parts = Reader::whole(&protected, SEQUENCE).unwrap();
    let [version, content] = [(); 2].map(|()| parts.element().unwrap().encoded);
    let file = sequence(&[version, content]);
    assert_eq!(code(&file, None, Some("wrong")), "pkcs12-unreadable");
    assert!(read_upload(&file, None, Some(&secret("right"))).is_ok());
}

#[test]
fn a_pkcs12_that_asks_for_hours_of_computing_is_refused() {
    let protected = archive(Nid::AES_256_CBC, "right");
    let mut parts = Reader::whole(&protected, SEQUENCE).unwrap();
    let [version, content] = [(); 2].map(|()| parts.element().unwrap().encoded);
    let mut mac = parts.enter(SEQUENCE).unwrap();
    let [digest, salt] = [(); 2].map(|()| mac.element().unwrap().encoded);
    let mac = sequence(&[digest, salt, &unsigned(&[0x7f; 4])]);
    assert_eq!(code(&sequence(&[version, content, &mac]), None, Some("right")), "password-rounds");
}

#[test]
fn a_request_is_sent_to_the_portal() {
    let pem = fixture::request().to_pem().unwrap();
    let chain = String::from_utf8(leaf().to_pem().unwrap()).unwrap();
    let plain = format!("<plist><key>PushCertRequestCSR</key><string>{chain}</string></plist>");
    let portal = STANDARD.encode(&plain);
    for file in [&pem, &fixture::request().to_der().unwrap(), portal.as_bytes(), plain.as_bytes()] {
        assert_eq!(code(file, None, None), "push-certificate-is-request");
    }
}

#[test]
fn a_key_alone_is_not_enough() {
    let key = fixture::key(0);
    for file in [key.private_key_to_pem_pkcs8().unwrap(), key.private_key_to_der().unwrap()] {
        assert_eq!(code(&file, None, None), "push-certificate-is-key");
    }
    let locked = key.private_key_to_pkcs8_passphrase(Cipher::aes_128_cbc(), b"right").unwrap();
    assert_eq!(code(&locked, None, None), "private-key-needs-password");
}

#[test]
fn authorities_and_crowds_are_refused() {
    let chain = Chain::new();
    let authority = [chain.intermediate.to_pem().unwrap(), chain.root.to_pem().unwrap()].concat();
    assert_eq!(code(&authority, None, None), "push-certificate-is-authority");
    let other = chain.leaf("com.apple.mgmt.External.2", 1).to_pem().unwrap();
    assert_eq!(code(&[leaf().to_pem().unwrap(), other].concat(), None, None), "push-certificate-several");
}

#[test]
fn what_is_nothing_of_this_is_not_a_certificate() {
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    let letters = b"-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----";
    let public = fixture::key(0).public_key_to_pem().unwrap();
    for file in [&b""[..], b"<html>Sign in</html>", broken, letters, &public] {
        assert_eq!(code(file, None, None), "push-certificate-not-a-certificate");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_panic(at in 0usize..4_096, value: u8, tail in proptest::collection::vec(any::<u8>(), 0..64)) {
        static ARCHIVE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| archive(Nid::AES_256_CBC, "x"));
        let mut file = ARCHIVE.clone();
        let place = at % file.len();
        file[place] = value;
        let _ = read_upload(&file, Some(&tail), Some(&secret("x")));
        let _ = read_upload(&tail, None, None);
    }
}
