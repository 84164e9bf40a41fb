//! The signed attributes of a SCEP message (RFC 8894, 3.2.1).

use super::super::der::{
    self, CONTEXT_0, Element, IA5_STRING, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, PRINTABLE_STRING, Reader,
    SEQUENCE, SET, UTF8_STRING,
};

/// VeriSign's arc for SCEP, 2.16.840.1.113733.1.9; the last number tells the attribute.
const ARC: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x45, 0x01, 0x09];
const MESSAGE_TYPE: u8 = 2;
const STATUS: u8 = 3;
const FAIL_INFO: u8 = 4;
const SENDER_NONCE: u8 = 5;
const RECIPIENT_NONCE: u8 = 6;
const TRANSACTION_ID: u8 = 7;

/// Longer transaction identifiers are refused: they are echoed and logged. A SHA-512 in hex has 128 characters.
const LONGEST_ID: usize = 255;

/// The attributes that a message carries, as text and bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) transaction_id: String,
    pub(super) message_type: String,
    pub(super) status: Option<&'static str>,
    pub(super) fail_info: Option<String>,
    pub(super) sender_nonce: Vec<u8>,
    pub(super) recipient_nonce: Option<Vec<u8>>,
}

/// `pkiStatus` of a reply with a certificate.
pub(super) const SUCCESS: &str = "0";
/// `pkiStatus` of a refusal.
pub(super) const FAILURE: &str = "2";

impl Attributes {
    /// The attributes of the first signer of a SignedData in DER; `None` when one that every message has is missing.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let signed = signed_attributes(message)?;
        let text = |number| find(&signed, number).and_then(text_of);
        let bytes = |number| find(&signed, number).filter(|value| value.tag == OCTET_STRING).map(bytes_of);
        let status = text(STATUS);
        Some(Self {
            transaction_id: text(TRANSACTION_ID).filter(|id| (1..=LONGEST_ID).contains(&id.len()))?,
            message_type: text(MESSAGE_TYPE)?,
            status: [SUCCESS, FAILURE].into_iter().find(|known| status.as_deref() == Some(known)),
            fail_info: text(FAIL_INFO),
            sender_nonce: bytes(SENDER_NONCE)?,
            recipient_nonce: bytes(RECIPIENT_NONCE),
        })
    }

    /// The attributes, each encoded.
    pub(super) fn encode(&self) -> Vec<Vec<u8>> {
        let text = |number, value: &str| attribute(number, &der::wrap(PRINTABLE_STRING, &[value.as_bytes()]));
        let bytes = |number, value: &[u8]| attribute(number, &der::wrap(OCTET_STRING, &[value]));
        let mut encoded = vec![
            text(TRANSACTION_ID, &self.transaction_id),
            text(MESSAGE_TYPE, &self.message_type),
            bytes(SENDER_NONCE, &self.sender_nonce),
        ];
        encoded.extend(self.status.map(|status| text(STATUS, status)));
        encoded.extend(self.fail_info.as_deref().map(|reason| text(FAIL_INFO, reason)));
        encoded.extend(self.recipient_nonce.as_deref().map(|nonce| bytes(RECIPIENT_NONCE, nonce)));
        encoded
    }
}

fn attribute(number: u8, value: &[u8]) -> Vec<u8> {
    let identifier = der::wrap(OBJECT_IDENTIFIER, &[&ARC, &[number]]);
    der::sequence(&[&identifier, &der::wrap(SET, &[value])])
}

/// Walks ContentInfo, SignedData, the first SignerInfo (RFC 2315, 9) down to the signed attributes.
fn signed_attributes(message: &[u8]) -> Option<Reader<'_>> {
    let mut content_info = Reader::whole(message, SEQUENCE)?;
    content_info.take(OBJECT_IDENTIFIER)?;
    let mut signed_data = content_info.enter(CONTEXT_0)?.enter(SEQUENCE)?;
    signed_data.take(INTEGER)?;
    signed_data.take(SET)?;
    let mut last = signed_data.element()?;
    while !signed_data.is_empty() {
        last = signed_data.element()?;
    }
    let mut signer = Reader::whole(last.encoded, SET)?.enter(SEQUENCE)?;
    signer.take(INTEGER)?;
    signer.take(SEQUENCE)?;
    signer.take(SEQUENCE)?;
    signer.enter(CONTEXT_0)
}

fn find<'a>(attributes: &Reader<'a>, number: u8) -> Option<Element<'a>> {
    let mut attributes = attributes.clone();
    while let Some(mut attribute) = attributes.enter(SEQUENCE) {
        let identifier = attribute.take(OBJECT_IDENTIFIER)?;
        if identifier.strip_prefix(&ARC) == Some(&[number]) {
            return attribute.enter(SET)?.element();
        }
    }
    None
}

fn bytes_of(value: Element<'_>) -> Vec<u8> {
    value.body.to_vec()
}

/// A PrintableString by the RFC; clients also send the neighbours. Only printable ASCII is accepted.
fn text_of(value: Element<'_>) -> Option<String> {
    let is_text = matches!(value.tag, PRINTABLE_STRING | UTF8_STRING | IA5_STRING);
    let text = std::str::from_utf8(value.body).ok()?;
    (is_text && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')).then(|| text.to_owned())
}
