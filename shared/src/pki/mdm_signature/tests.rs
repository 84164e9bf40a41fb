use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use proptest::prelude::*;

use super::super::der::{
    CONTEXT_0, OBJECT_IDENTIFIER, Reader, SEQUENCE, SET, ber_element, sequence, set_of, wrap,
};
use super::super::fixture;
use super::super::trust;
use super::*;

const BODY: &[u8] = b"<plist><dict><key>Status</key><string>Idle</string></dict></plist>\n";
const CAPTURES: [&str; 7] = [
    "0001-nanomdm-Authenticate",
    "0002-nanomdm-TokenUpdate",
    "0007-nanomdm-Report-Idle",
    "0008-nanomdm-Report-Acknowledged-DeviceInformation",
    "0009-nanomdm-Report-Acknowledged-ProfileList",
    "0010-nanomdm-Report-Acknowledged",
    "0011-nanomdm-Report-Error-SecurityInfo",
];

fn fixture_file(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/captures");
    std::fs::read(directory.join(name)).unwrap()
}

/// The header and the body of a recorded request.
fn capture(name: &str) -> (String, Vec<u8>) {
    let request = fixture_file(&format!("{name}.req.http"));
    let end = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&request[..end]).unwrap();
    let header = head.lines().find_map(|line| line.strip_prefix("Mdm-Signature: ")).unwrap();
    (header.to_owned(), request[end + 4..].to_vec())
}

/// A self-signed identity for key `number`.
fn device(number: usize) -> X509 {
    fixture::authority(&format!("Device {number}"), number, None)
}

fn signed(body: &[u8], number: usize, flags: Pkcs7Flags) -> Vec<u8> {
    let none = Stack::new().unwrap();
    let flags = flags | Pkcs7Flags::BINARY;
    Pkcs7::sign(&device(number), fixture::key(number), &none, body, flags).unwrap().to_der().unwrap()
}

fn detached(number: usize) -> Vec<u8> {
    signed(BODY, number, Pkcs7Flags::DETACHED)
}

fn message(header: &[u8], body: &[u8]) -> String {
    let error = verify(&STANDARD.encode(header), body).err().unwrap();
    assert_eq!((error.kind(), error.code()), (crate::Kind::Malformed, "mdm-signature"));
    error.to_string()
}

fn refusal(reason: &str) -> String {
    format!("The device's signature is not accepted. {reason}")
}

/// The fields of SignedData.
fn fields(message: &[u8]) -> Vec<Vec<u8>> {
    let mut content_info = Reader::whole(message, SEQUENCE).unwrap();
    content_info.take(OBJECT_IDENTIFIER).unwrap();
    let mut signed_data = content_info.enter(CONTEXT_0).unwrap().enter(SEQUENCE).unwrap();
    let mut fields = Vec::new();
    while let Some(element) = signed_data.element() {
        fields.push(element.encoded.to_vec());
    }
    fields
}

fn content_info(indefinite: bool, fields: &[Vec<u8>]) -> Vec<u8> {
    let signed_data_type = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let fields = fields.concat();
    if indefinite {
        let ends = [0; 6];
        return [&[0x30, 0x80], &signed_data_type[..], &[0xa0, 0x80, 0x30, 0x80], &fields, &ends].concat();
    }
    sequence(&[&signed_data_type, &wrap(CONTEXT_0, &[&sequence(&[&fields])])])
}

#[test]
fn the_recorded_requests_of_a_real_client_verify_and_chain_to_its_authority() {
    let authority = X509::from_pem(&fixture_file("ca.pem")).unwrap();
    for name in CAPTURES {
        let (header, body) = capture(name);
        let signer = verify(&header, &body).unwrap();
        assert_eq!(trust::chains_to(&signer, std::slice::from_ref(&authority)), Some(0), "{name}");
    }
}

#[test]
fn one_flipped_byte_of_a_recorded_body_is_refused() {
    let (header, body) = capture(CAPTURES[0]);
    for place in [0, body.len() / 2, body.len() - 1] {
        let mut changed = body.clone();
        changed[place] ^= 1;
        assert_eq!(
            verify(&header, &changed).err().unwrap().to_string(),
            refusal("Its signature does not verify.")
        );
    }
    assert!(verify(&header, &[body, vec![b'\n']].concat()).is_err());
}

#[test]
fn sha_256_with_and_without_signed_attributes_verifies() {
    for flags in [Pkcs7Flags::DETACHED, Pkcs7Flags::DETACHED | Pkcs7Flags::NOATTR] {
        let header = STANDARD.encode(signed(BODY, 0, flags));
        assert_eq!(verify(&header, BODY).unwrap(), device(0));
    }
}

#[test]
fn white_space_in_the_header_and_indefinite_lengths_are_accepted() {
    let message = detached(0);
    assert_eq!(content_info(false, &fields(&message)), message);
    let header = STANDARD.encode(content_info(true, &fields(&message)));
    let (start, end) = header.split_at(76);
    verify(&format!(" {start}\r\n {end} "), BODY).unwrap();
}

#[test]
fn a_signature_over_other_content_is_refused_detached_or_attached() {
    for flags in [Pkcs7Flags::DETACHED, Pkcs7Flags::empty()] {
        assert_eq!(message(&signed(b"other", 0, flags), BODY), refusal("Its signature does not verify."));
    }
}

#[test]
fn two_signers_are_refused_though_both_signatures_are_good() {
    let (mut both, second) = (fields(&detached(0)), fields(&detached(1)));
    let [_, _, _, certificates, signers] = both.as_mut_slice() else { panic!("five fields") };
    let merge = |tag, left: &[u8], right: &[u8]| {
        let parts = [left, right].map(|set| ber_element(set).unwrap().body.to_vec());
        set_of(tag, parts.to_vec())
    };
    *certificates = merge(CONTEXT_0, certificates, &second[3]);
    *signers = merge(SET, signers, &second[4]);
    let text = message(&content_info(false, &both), BODY);
    assert_eq!(text, refusal("It does not have exactly one signer."));
}

#[test]
fn a_tail_or_a_missing_end_is_refused() {
    let whole = detached(0);
    for bad in [[whole.clone(), vec![0]].concat(), whole[..whole.len() - 1].to_vec(), Vec::new()] {
        assert_eq!(message(&bad, BODY), refusal("It is not one complete CMS message."));
    }
}

#[test]
fn other_messages_are_refused() {
    assert_eq!(verify("*", BODY).err().unwrap().to_string(), refusal("It is not base64."));
    let certificate = device(0).to_der().unwrap();
    assert_eq!(message(&certificate, BODY), refusal("It is not a CMS message."));
    let data = sequence(&[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1], &[0xa0, 3, 4, 1, 7]]);
    assert_eq!(message(&data, BODY), refusal("It is a CMS message without a signature."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_panic(at in 0usize..4_096, value: u8, tail in proptest::collection::vec(any::<u8>(), 0..64)) {
        static MESSAGE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| detached(0));
        let mut message = MESSAGE.clone();
        let place = at % message.len();
        message[place] = value;
        let _ = verify(&STANDARD.encode(&message), BODY);
        let _ = verify(&STANDARD.encode(&tail), &tail);
        let _ = verify(&String::from_utf8_lossy(&tail), BODY);
    }
}

/// What the memory of a signer says of a message.
fn known(message: &[u8], body: &[u8], signer: &KnownSigner) -> bool {
    PlainMessage::read(message)
        .is_some_and(|plain| plain.fingerprint() == signer.fingerprint && plain.verifies(signer, body))
}

#[test]
fn a_known_signer_is_recognized_in_each_form_that_devices_send() {
    let signer = KnownSigner::new(device(0)).unwrap().unwrap();
    for flags in [Pkcs7Flags::DETACHED, Pkcs7Flags::DETACHED | Pkcs7Flags::NOATTR] {
        let message = signed(BODY, 0, flags);
        for message in [content_info(true, &fields(&message)), message] {
            assert!(known(&message, BODY, &signer));
            assert!(!known(&message, b"other", &signer));
        }
    }
    for name in CAPTURES {
        let (header, body) = capture(name);
        let signer = KnownSigner::new(verify(&header, &body).unwrap()).unwrap().unwrap();
        let message = decode(&header).unwrap();
        assert!(known(&message, &body, &signer), "{name}");
        assert!(!known(&message, BODY, &signer), "{name}");
    }
}

#[test]
fn what_is_unusual_is_left_to_the_check_at_length() {
    let signer = KnownSigner::new(device(0)).unwrap().unwrap();
    let good = detached(0);
    assert!(known(&good, BODY, &signer));
    let another = KnownSigner::new(device(1)).unwrap().unwrap();
    assert!(!PlainMessage::read(&good).unwrap().verifies(&another, BODY), "another's key");
    for (what, message) in [
        ("content inside", signed(BODY, 0, Pkcs7Flags::empty())),
        ("something behind it", [good.as_slice(), &[0]].concat()),
        ("in pieces", fixture::indefinite(&good)),
        ("no certificate", signed(BODY, 0, Pkcs7Flags::DETACHED | Pkcs7Flags::NOCERTS)),
    ] {
        assert!(!known(&message, BODY, &signer), "{what}");
    }
}

#[test]
fn a_digest_that_is_named_twice_counts_for_nothing() {
    let signer = KnownSigner::new(device(0)).unwrap().unwrap();
    let kind = wrap(OBJECT_IDENTIFIER, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4]]);
    let named = |body: &[u8]| {
        let digest = wrap(4, &[&openssl::sha::sha256(body)]);
        sequence(&[&kind, &wrap(SET, &[&digest])])
    };
    let message = |attributes: &[Vec<u8>]| {
        let set = wrap(SET, &[&attributes.concat()]);
        let mut pen =
            openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), fixture::key(0)).unwrap();
        pen.update(&set).unwrap();
        let signature = wrap(4, &[&pen.sign_to_vec().unwrap()]);
        let mut parts = fields(&detached(0));
        let infos = Reader::whole(parts.last().unwrap(), SET).unwrap().element().unwrap().encoded.to_vec();
        let mut info = Reader::whole(&infos, SEQUENCE).unwrap();
        let mut written = Vec::new();
        while let Some(element) = info.element() {
            written.push(match element.tag {
                CONTEXT_0 => wrap(CONTEXT_0, &[&attributes.concat()]),
                4 => signature.clone(),
                _ => element.encoded.to_vec(),
            });
        }
        *parts.last_mut().unwrap() = wrap(SET, &[&sequence(&[&written.concat()])]);
        content_info(false, &parts)
    };
    assert!(known(&message(&[named(BODY)]), BODY, &signer));
    assert!(!known(&message(&[named(BODY), named(b"other")]), BODY, &signer));
    assert!(!known(&message(&[named(b"other"), named(BODY)]), BODY, &signer));
    assert!(!known(&message(&[]), BODY, &signer));
}

proptest! {
    #[test]
    fn what_a_known_signer_is_believed_the_check_at_length_believes_too(
        attributes: bool,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let flags = if attributes { Pkcs7Flags::DETACHED } else { Pkcs7Flags::DETACHED | Pkcs7Flags::NOATTR };
        let mut message = signed(BODY, 0, flags);
        for (place, byte) in changes {
            let place = place.index(message.len());
            message[place] = byte;
        }
        let signer = KnownSigner::new(device(0)).unwrap().unwrap();
        if known(&message, BODY, &signer) {
            prop_assert_eq!(verify_message(&message, BODY).unwrap(), device(0));
        }
    }
}
