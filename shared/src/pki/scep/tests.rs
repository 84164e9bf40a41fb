use std::sync::LazyLock;

use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;
use proptest::prelude::*;

use super::attribute::{Attributes, FAILURE, SUCCESS};
use super::client::{self, Reply, Request};
use super::*;
use crate::error::Result;
use crate::pki::authority::{self, AuthoritySubject, Identity};
use crate::pki::fixture::{self, NOW};
use crate::pki::{Credential, der};
use crate::secret::Secret;

const NONCE: [u8; 16] = [9; 16];

/// The tenant's authority, key 0.
static AUTHORITY: LazyLock<Credential> = LazyLock::new(|| {
    let name = "School".to_owned();
    let subject = AuthoritySubject { common_name: name.clone(), organization: name, country: None };
    let certificate = authority::create(&subject, fixture::key(0), [1; 16], *NOW).unwrap();
    fixture::credential(certificate, 0)
});

fn name() -> openssl::x509::X509Name {
    fixture::name(&[(Nid::COMMONNAME, "Device 1")])
}

/// A certificate of our authority for key `number`.
fn identity(number: usize) -> Credential {
    let subject = name();
    let identity =
        Identity { key: fixture::key(number), subject: &subject, serial: [number as u8; 16], days: 365 };
    fixture::credential(authority::issue(&AUTHORITY, &identity, *NOW).unwrap(), number)
}

fn self_signed(number: usize) -> Credential {
    client::self_signed(&name(), fixture::key(number).clone(), *NOW).unwrap()
}

fn csr(number: usize) -> Vec<u8> {
    let challenge = Secret::new("one-time challenge".to_owned());
    client::certificate_request(&name(), fixture::key(number), Some(&challenge)).unwrap()
}

fn request(message_type: MessageType, csr: &[u8]) -> Request<'_> {
    Request { message_type, transaction_id: "7F03", nonce: [7; 16], cipher: Cipher::Aes256, csr }
}

fn open(message: &[u8]) -> Result<PkiMessage> {
    SignedMessage::read(message)?.open(&AUTHORITY, std::slice::from_ref(&AUTHORITY.certificate))
}

/// What the server says to a request of this type for key 1.
fn serve(message_type: MessageType, signer: &Credential) -> Result<PkiMessage> {
    open(&client::message(&request(message_type, &csr(1)), signer, &AUTHORITY.certificate).unwrap())
}

fn code(result: Result<PkiMessage>) -> &'static str {
    result.err().unwrap().code()
}

/// A message with this content and these attributes, signed by a device.
fn signed(content: &[u8], attributes: &Attributes) -> Vec<u8> {
    signed_data::sign(content, attributes.encode(), &self_signed(1)).unwrap()
}

fn attributes(message_type: &str) -> Attributes {
    Attributes {
        transaction_id: "7F03".to_owned(),
        message_type: message_type.to_owned(),
        sender_nonce: vec![7; 16],
        ..Attributes::default()
    }
}

#[test]
fn a_device_gets_its_certificate_with_every_cipher() {
    let (csr, signer) = (csr(1), self_signed(1));
    for cipher in Cipher::ALL {
        let request = Request { cipher, ..request(MessageType::PkcsReq, &csr) };
        let message = open(&client::message(&request, &signer, &AUTHORITY.certificate).unwrap()).unwrap();
        assert_eq!((message.cipher, message.proof), (cipher, Proof::NewKey));
        assert_eq!(message.challenge.as_ref().unwrap().expose(), "one-time challenge");
        assert_eq!(
            (message.transaction.id.as_str(), &*message.transaction.sender_nonce),
            ("7F03", &[7; 16][..])
        );

        let issued = identity(1).certificate;
        let reply = reply::success(&message, &issued, &AUTHORITY, NONCE).unwrap();
        let reply = client::open(&reply, &request, &signer, &AUTHORITY.certificate).unwrap();
        assert!(matches!(reply, Reply::Issued(certificate) if certificate == issued));
    }
}

#[test]
fn a_request_without_challenge_is_read_as_such() {
    let csr = client::certificate_request(&name(), fixture::key(1), None).unwrap();
    let message =
        client::message(&request(MessageType::PkcsReq, &csr), &self_signed(1), &AUTHORITY.certificate);
    assert!(open(&message.unwrap()).unwrap().challenge.is_none());
}

#[test]
fn indefinite_lengths_as_apples_devices_write_them_are_read() {
    let envelope = envelope::seal(&csr(1), &AUTHORITY.certificate, Cipher::TripleDes).unwrap().unwrap();
    let envelope = fixture::indefinite(&envelope);
    assert!(envelope.starts_with(&[0x30, 0x80]));
    assert_eq!(open(&signed(&envelope, &attributes("19"))).unwrap().cipher, Cipher::TripleDes);
}

#[test]
fn a_certificate_of_ours_renews_with_either_message_type() {
    for message_type in [MessageType::RenewalReq, MessageType::PkcsReq] {
        let message = serve(message_type, &identity(2)).unwrap();
        assert_eq!(message.proof, Proof::ExistingCertificate);
        assert_eq!(message.transaction.signer, identity(2).certificate);
    }
}

#[test]
fn strangers_neither_renew_nor_ask_for_another_key() {
    assert_eq!(code(serve(MessageType::RenewalReq, &self_signed(1))), "scep-signer");
    assert_eq!(code(serve(MessageType::PkcsReq, &self_signed(2))), "scep-signer");
    let impostor = fixture::credential(fixture::authority("School", 2, None), 2);
    assert_eq!(code(serve(MessageType::RenewalReq, &impostor)), "scep-signer");
}

#[test]
fn only_requests_for_certificates_are_answered() {
    for message_type in
        [MessageType::CertPoll, MessageType::GetCert, MessageType::GetCrl, MessageType::CertRep]
    {
        assert_eq!(code(serve(message_type, &self_signed(1))), "scep-message-type");
    }
}

#[test]
fn a_refusal_says_why() {
    let (csr, signer) = (csr(1), self_signed(1));
    let request = request(MessageType::PkcsReq, &csr);
    let message = client::message(&request, &signer, &AUTHORITY.certificate).unwrap();
    let transaction = SignedMessage::read(&message).unwrap().transaction;
    for reason in FailInfo::ALL {
        let reply = reply::failure(&transaction, reason, &AUTHORITY, NONCE).unwrap();
        let reply = client::open(&reply, &request, &signer, &AUTHORITY.certificate).unwrap();
        assert!(matches!(reply, Reply::Refused(told) if told == reason));
    }
}

#[test]
fn weak_and_damaged_requests_are_refused() {
    let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let weak = client::certificate_request(&name(), &small, None).unwrap();
    let signer = client::self_signed(&name(), small, *NOW).unwrap();
    let message = client::message(&request(MessageType::PkcsReq, &weak), &signer, &AUTHORITY.certificate);
    assert_eq!(code(open(&message.unwrap())), "certificate-request-key");

    let mut damaged = csr(1);
    *damaged.last_mut().unwrap() ^= 1;
    let message =
        client::message(&request(MessageType::PkcsReq, &damaged), &self_signed(1), &AUTHORITY.certificate);
    assert_eq!(code(open(&message.unwrap())), "certificate-request-signature");
}

#[test]
fn an_envelope_that_is_foreign_broken_or_empty_stays_closed() {
    let seal = |content: &[u8], recipient: &X509| {
        envelope::seal(content, recipient, Cipher::Aes128).unwrap().unwrap()
    };
    let tail = [seal(&csr(1), &AUTHORITY.certificate), vec![0]].concat();
    let foreign = seal(&csr(1), &identity(2).certificate);
    let empty = seal(b"not a request", &AUTHORITY.certificate);
    let not_an_envelope = signed_data::degenerate(&AUTHORITY.certificate).unwrap();
    for content in [tail, foreign, empty, not_an_envelope, b"0".to_vec(), Vec::new()] {
        assert_eq!(code(open(&signed(&content, &attributes("19")))), "scep-envelope");
    }
}

#[test]
fn an_unknown_cipher_is_named() {
    let envelope = envelope::seal(&csr(1), &AUTHORITY.certificate, Cipher::Aes128).unwrap().unwrap();
    let aes_192 = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16];
    let envelope =
        fixture::replace(&envelope, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02], &aes_192);
    assert_eq!(code(open(&signed(&envelope, &attributes("19")))), "scep-cipher");
}

#[test]
fn a_message_without_scep_in_it_is_refused() {
    let reason = |message: &[u8]| {
        let error = SignedMessage::read(message).err().unwrap();
        assert_eq!(error.code(), "scep-message");
        error.to_string()
    };
    let plain = signed_data::sign(b"x", Vec::new(), &self_signed(1)).unwrap();
    assert!(reason(&plain).ends_with("It lacks SCEP's attributes."));
    for id in ["", &"7".repeat(256), "7F\r\n03"] {
        let odd = Attributes { transaction_id: id.to_owned(), ..attributes("19") };
        assert!(reason(&signed(b"x", &odd)).ends_with("It lacks SCEP's attributes."));
    }
    assert!(reason(&signed(b"x", &attributes("99"))).ends_with("Its message type is unknown."));
    let changed = fixture::replace(&signed(b"content", &attributes("19")), b"content", b"CONTENT");
    assert!(reason(&changed).ends_with("Its signature does not verify."));
    assert!(reason(b"").ends_with("It is not one complete CMS message."));
}

#[test]
fn the_client_accepts_only_the_answer_to_its_question() {
    let (csr, signer) = (csr(1), self_signed(1));
    let request = request(MessageType::PkcsReq, &csr);
    let answer = Attributes { recipient_nonce: Some(vec![7; 16]), ..attributes("3") };
    let success = Attributes { status: Some(SUCCESS), ..answer.clone() };
    let refused = Attributes { status: Some(FAILURE), ..answer.clone() };
    let stranger = Attributes { recipient_nonce: Some(vec![8; 16]), ..success.clone() };
    let seal =
        |content: &[u8], cipher| envelope::seal(content, &signer.certificate, cipher).unwrap().unwrap();
    let empty_list = der::sequence(&[
        &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2],
        &[
            0xa0, 22, 0x30, 20, 2, 1, 1, 0x31, 0, 0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7,
            1, 0x31, 0,
        ],
    ]);
    let cases = [
        (&*AUTHORITY, &answer, Vec::new(), "Its status is unknown."),
        (&*AUTHORITY, &refused, Vec::new(), "It refuses without a reason."),
        (&*AUTHORITY, &stranger, Vec::new(), "It answers another request."),
        (&*AUTHORITY, &success, Vec::new(), "Its envelope does not open."),
        (&*AUTHORITY, &success, seal(b"x", Cipher::Des), "It uses another cipher."),
        (&*AUTHORITY, &success, seal(b"x", Cipher::Aes256), "Its content is not a certificate list."),
        (&*AUTHORITY, &success, seal(&empty_list, Cipher::Aes256), "It holds no certificate."),
        (&signer, &success, Vec::new(), "It is not signed by the authority."),
    ];
    for (sender, attributes, content, expected) in cases {
        let reply = signed_data::sign(&content, attributes.encode(), sender).unwrap();
        let error = client::open(&reply, &request, &signer, &AUTHORITY.certificate).unwrap_err();
        assert_eq!(error.code(), "scep-reply");
        assert!(error.to_string().ends_with(expected), "{error} / {expected}");
    }
    let plain = signed_data::sign(b"x", Vec::new(), &AUTHORITY).unwrap();
    let error = client::open(&plain, &request, &signer, &AUTHORITY.certificate).unwrap_err();
    assert!(error.to_string().ends_with("It lacks SCEP's attributes."));
}

#[test]
fn capabilities_are_lines() {
    let known = ["AES", "DES3", "POSTPKIOperation", "Renewal", "SCEPStandard", "SHA-1", "SHA-256"];
    assert_eq!(CAPABILITIES.lines().collect::<Vec<_>>(), known);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_panic(at in 0usize..8_192, value: u8, tail in proptest::collection::vec(any::<u8>(), 0..64)) {
        static MESSAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
            client::message(&request(MessageType::PkcsReq, &csr(1)), &self_signed(1), &AUTHORITY.certificate).unwrap()
        });
        let mut message = MESSAGE.clone();
        let place = at % message.len();
        message[place] = value;
        let _ = open(&message);
        let _ = open(&tail);
        let _ = open(&signed(&tail, &attributes("19")));
    }
}
