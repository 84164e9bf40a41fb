//! The enciphered part of a SCEP message (EnvelopedData, RFC 2315, 10).

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use openssl::symm;
use openssl::x509::X509Ref;

use super::super::der::{self, CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, Reader, SEQUENCE, SET};
use super::super::{Credential, provider};
use crate::error::Result;

/// The content ciphers that clients use; a reply uses the request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// Single DES, still some clients' default. It protects nothing; the reply holds a public certificate only.
    Des,
    /// Triple DES.
    TripleDes,
    /// AES with a key of 128 bits.
    Aes128,
    /// AES with a key of 256 bits.
    Aes256,
}

impl Cipher {
    /// Every cipher.
    pub const ALL: [Self; 4] = [Self::Des, Self::TripleDes, Self::Aes128, Self::Aes256];

    /// The object identifier's content, all of them in CBC mode.
    fn identifier(self) -> &'static [u8] {
        match self {
            Self::Des => &[0x2b, 0x0e, 0x03, 0x02, 0x07],
            Self::TripleDes => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07],
            Self::Aes128 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02],
            Self::Aes256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a],
        }
    }

    fn implementation(self) -> symm::Cipher {
        match self {
            Self::Des => symm::Cipher::des_cbc(),
            Self::TripleDes => symm::Cipher::des_ede3_cbc(),
            Self::Aes128 => symm::Cipher::aes_128_cbc(),
            Self::Aes256 => symm::Cipher::aes_256_cbc(),
        }
    }
}

/// Why an envelope cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Another cipher than ours.
    Cipher,
    /// Not an envelope, not for this key, or damaged. One answer for all: the difference would help an attacker.
    Closed,
}

/// Opens an envelope: the content, and the cipher it was made with.
pub(super) fn open(envelope: &[u8], recipient: &Credential) -> Result<Result<(Vec<u8>, Cipher), Fault>> {
    provider::load_legacy()?;
    Ok(open_loaded(envelope, recipient))
}

fn open_loaded(envelope: &[u8], recipient: &Credential) -> Result<(Vec<u8>, Cipher), Fault> {
    if der::ber_length(envelope) != Some(envelope.len()) {
        return Err(Fault::Closed);
    }
    let envelope = Pkcs7::from_der(envelope).map_err(|_| Fault::Closed)?;
    if envelope.type_().map(|kind| kind.nid()) != Some(Nid::PKCS7_ENVELOPED) {
        return Err(Fault::Closed);
    }
    // Devices send BER; OpenSSL writes it back as DER.
    let strict = envelope.to_der().map_err(|_| Fault::Closed)?;
    let identifier = cipher_identifier(&strict).ok_or(Fault::Closed)?;
    let cipher =
        Cipher::ALL.into_iter().find(|cipher| cipher.identifier() == identifier).ok_or(Fault::Cipher)?;
    let plain = envelope.decrypt(&recipient.key, &recipient.certificate, Pkcs7Flags::BINARY);
    plain.map(|plain| (plain, cipher)).map_err(|_| Fault::Closed)
}

/// Enciphers `content` for the holder of a certificate.
pub(super) fn seal(
    content: &[u8],
    recipient: &X509Ref,
    cipher: Cipher,
) -> Result<Result<Vec<u8>, ErrorStack>> {
    provider::load_legacy()?;
    let seal = || {
        let mut recipients = Stack::new()?;
        recipients.push(recipient.to_owned())?;
        Pkcs7::encrypt(&recipients, content, cipher.implementation(), Pkcs7Flags::BINARY)?.to_der()
    };
    Ok(seal())
}

/// Walks ContentInfo, EnvelopedData, EncryptedContentInfo down to the algorithm.
fn cipher_identifier(envelope: &[u8]) -> Option<&[u8]> {
    let mut content_info = Reader::whole(envelope, SEQUENCE)?;
    content_info.take(OBJECT_IDENTIFIER)?;
    let mut enveloped = content_info.enter(CONTEXT_0)?.enter(SEQUENCE)?;
    enveloped.take(INTEGER)?;
    enveloped.take(SET)?;
    let mut content = enveloped.enter(SEQUENCE)?;
    content.take(OBJECT_IDENTIFIER)?;
    content.enter(SEQUENCE)?.take(OBJECT_IDENTIFIER)
}
