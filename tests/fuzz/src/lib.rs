//! What strangers' bytes are given to, one function for each kind of bytes. None may panic, hang, or take much memory: the
//! fuzzer looks for bytes that do, and the integration tests give them what it kept.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::PKey;
use openssl::x509::X509;
use shared::pki::jws::KeySet;
use shared::pki::profile_signer::ProfileSigner;
use shared::pki::push_upload::read_upload;
use shared::pki::scep::client::{Request, message, self_signed};
use shared::pki::scep::{Cipher, MessageType, SignedMessage};
use shared::pki::vendor::VendorCertificate;
use shared::pki::{Credential, device_message, key, mdm_signature, own_request};
use shared::protocol::body;
use shared::protocol::challenge_page::ChallengePage;
use shared::protocol::command::Command;
use shared::protocol::message::DeviceMessage;
use shared::protocol::over_the_air::DeviceAttributes;
use shared::secret::Secret;
use shared::time::from_unix;

/// A function, by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    ("cms", cms),
    ("id_token", id_token),
    ("over_the_air", over_the_air),
    ("pem", pem),
    ("pkcs12", pkcs12),
    ("plist", plist),
    ("push_upload", push_upload),
    ("query", query),
    ("scep", scep),
];

/// An authority for these messages alone, and its key.
const AUTHORITY: &[u8] = include_bytes!("../authority.pem");

/// The password of everything here that has one.
pub const PASSWORD: &str = "a password";

/// Property lists of devices and of administrators, and the page that hands out challenges.
pub fn plist(bytes: &[u8]) {
    if let Ok(value) = body::parse(bytes) {
        // What was read can be written and read again, unless it holds what XML cannot.
        if let Ok(xml) = body::to_xml(&value) {
            assert!(body::parse(&xml).is_ok(), "what was written cannot be read");
        }
    }
    let _ = DeviceMessage::parse(bytes);
    let _ = Command::from_plist(bytes);
    let _ = ChallengePage::read(bytes);
}

/// Signatures of devices and their signed messages.
pub fn cms(bytes: &[u8]) {
    let _ = mdm_signature::verify(&STANDARD.encode(bytes), b"<plist/>");
    let _ = mdm_signature::verify(&String::from_utf8_lossy(bytes), b"<plist/>");
    let _ = device_message::DeviceMessage::open(bytes);
}

/// Messages of SCEP clients: as they are, and as what is inside a good envelope.
pub fn scep(bytes: &[u8]) {
    static SERVER: LazyLock<Credential> = LazyLock::new(|| {
        let certificate = X509::from_pem(AUTHORITY).expect("a certificate");
        Credential { certificate, key: PKey::private_key_from_pem(AUTHORITY).expect("a key") }
    });
    static CLIENT: LazyLock<Credential> = LazyLock::new(|| {
        self_signed(SERVER.certificate.subject_name(), SERVER.key.clone(), from_unix(1_800_000_000))
            .expect("a certificate")
    });
    let open =
        |bytes: &[u8]| SignedMessage::read(bytes)?.open(&SERVER, std::slice::from_ref(&SERVER.certificate));
    let _ = open(bytes);
    let (message_type, transaction_id, nonce) = (MessageType::PkcsReq, "1", [7; 16]);
    let request = Request { message_type, transaction_id, nonce, cipher: Cipher::Aes256, csr: bytes };
    if let Ok(wrapped) = message(&request, &CLIENT, &SERVER.certificate) {
        let _ = open(&wrapped);
    }
}

/// What a device tells in an enrollment in phases, signed or not.
pub fn over_the_air(bytes: &[u8]) {
    let _ = DeviceAttributes::parse(bytes);
    let _ =
        device_message::DeviceMessage::open(bytes).map(|message| DeviceAttributes::parse(&message.content));
}

/// Archives of certificates with keys.
pub fn pkcs12(bytes: &[u8]) {
    for password in [None, Some(Secret::new(PASSWORD.to_owned()))] {
        let _ = VendorCertificate::read_pfx(bytes, password.as_ref());
        let _ = ProfileSigner::read(bytes, None, None, password.as_ref());
    }
}

/// Certificates, keys and requests in PEM or DER.
pub fn pem(bytes: &[u8]) {
    let password = Secret::new(PASSWORD.to_owned());
    let _ = key::read(bytes, Some(&password));
    let _ = own_request::read(bytes);
    let _ = VendorCertificate::read(bytes, bytes, Some(&password), bytes);
}

/// Uploads of push certificates: a file, and after a zero byte perhaps a key.
pub fn push_upload(bytes: &[u8]) {
    let password = Secret::new(PASSWORD.to_owned());
    let _ = read_upload(bytes, None, None);
    let _ = read_upload(bytes, None, Some(&password));
    if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
        let (file, key) = (&bytes[..end], &bytes[end + 1..]);
        let _ = read_upload(file, Some(key), Some(&password));
    }
}

/// Query strings of SCEP clients.
pub fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = scep::query::parameter(&text, "operation");
    let _ = scep::query::message(&text).map(|message| SignedMessage::read(&message).is_ok());
}

/// What an identity provider sends: its keys and, after a zero byte, a token.
pub fn id_token(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    if let Some(keys) = KeySet::read(&bytes[..end]) {
        let _ = keys.verify(&String::from_utf8_lossy(bytes.get(end + 1..).unwrap_or_default()));
    }
}
