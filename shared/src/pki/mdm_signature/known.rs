//! A signature by a certificate that this process has verified before: nothing of the certificate is read again.
//!
//! What is accepted here, [`super::verify`] accepts too; what is unusual is left to it.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Public};
use openssl::sha::{sha1, sha256};
use openssl::sign::Verifier;
use openssl::x509::X509;

use super::super::der::{
    self, CONTEXT_0, Element, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, SET,
};
use crate::id::Fingerprint;

/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// 1.2.840.113549.1.7.1
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
/// 1.3.14.3.2.26
const SHA_1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
/// 2.16.840.1.101.3.4.2.1
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

/// 1.2.840.113549.1.1.1, .5 and .11: RSA, and RSA with SHA-1 or SHA-256.
const RSA: [&[u8]; 3] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],
];
/// Of messages and of signers that name a certificate by its issuer.
const VERSION: &[u8] = &[1];

/// A certificate with what checks its signatures, ready for use.
#[derive(Clone, Debug)]
pub struct KnownSigner {
    /// The certificate.
    pub certificate: X509,
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    key: PKey<Public>,
    issuer_and_serial: Vec<u8>,
}

impl KnownSigner {
    /// `None` when its key is of a kind that devices do not have, so that its signatures are always checked at length.
    ///
    /// # Errors
    /// When OpenSSL cannot read what it has read before.
    pub fn new(certificate: X509) -> Result<Option<Self>, ErrorStack> {
        let key = certificate.public_key()?;
        if key.id() != Id::RSA {
            return Ok(None);
        }
        let issuer = certificate.issuer_name().to_der()?;
        let serial = der::unsigned(&certificate.serial_number().to_bn()?.to_vec());
        let fingerprint = Fingerprint::of(&certificate.to_der()?);
        Ok(Some(Self { certificate, fingerprint, key, issuer_and_serial: [issuer, serial].concat() }))
    }
}

/// A message in the form that almost all devices send: one certificate, one signer, nothing inside.
#[derive(Clone, Copy)]
pub struct PlainMessage<'a> {
    certificate: &'a [u8],
    issuer_and_serial: &'a [u8],
    digest: Digest,
    /// The content of the signed attributes, if there are any.
    attributes: Option<&'a [u8]>,
    signature: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha1,
    Sha256,
}

impl<'a> PlainMessage<'a> {
    /// `None` when the message has another form, or none at all.
    pub fn read(message: &'a [u8]) -> Option<Self> {
        let mut content_info = whole(message)?;
        if content_info.take(OBJECT_IDENTIFIER)? != SIGNED_DATA {
            return None;
        }
        let mut signed_data = content_info.last(CONTEXT_0)?.last(SEQUENCE)?;
        if signed_data.take(INTEGER)? != VERSION {
            return None;
        }
        let digests = signed_data.take(SET)?;
        if Ber(signed_data.take(SEQUENCE)?).only(OBJECT_IDENTIFIER)?.body != DATA {
            return None;
        }
        let certificate = Ber(signed_data.take(CONTEXT_0)?).only(SEQUENCE)?.encoded;
        let signer = Ber(signed_data.take(SET)?).only(SEQUENCE)?;
        if !signed_data.0.is_empty() {
            return None;
        }
        let mut signer = Ber(signer.body);
        if signer.take(INTEGER)? != VERSION {
            return None;
        }
        let issuer_and_serial = signer.take(SEQUENCE)?;
        let digest = algorithm(signer.take(SEQUENCE)?)?;
        let attributes = signer.take(CONTEXT_0);
        let signs = algorithm(signer.take(SEQUENCE)?)?;
        let signature = signer.take(OCTET_STRING)?;
        let named = algorithm(Ber(digests).only(SEQUENCE)?.body)?;
        if !signer.0.is_empty() || named != digest || !RSA.contains(&signs) {
            return None;
        }
        let digest = match digest {
            SHA_1 => Digest::Sha1,
            SHA_256 => Digest::Sha256,
            _ => return None,
        };
        Some(Self { certificate, issuer_and_serial, digest, attributes, signature })
    }

    /// The SHA-256 of the certificate inside. Nothing of it has been checked.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.certificate)
    }

    /// Whether `signer`, whose certificate is the one inside, signed exactly this body. No is no refusal: a message that is
    /// unusual is checked at length.
    pub fn verifies(&self, signer: &KnownSigner, body: &[u8]) -> bool {
        let is_theirs = self.issuer_and_serial == signer.issuer_and_serial;
        is_theirs && self.signature_verifies(&signer.key, body).unwrap_or_default()
    }

    fn signature_verifies(&self, key: &PKey<Public>, body: &[u8]) -> Result<bool, ErrorStack> {
        let Some(attributes) = self.attributes else {
            return Verifier::new(self.digest.algorithm(), key)?.verify_oneshot(self.signature, body);
        };
        if !self.digest.is_of(body, attributes).unwrap_or_default() {
            return Ok(false);
        }
        // They are signed as the SET that they are, not as the field of the message.
        let attributes = der::wrap(SET, &[attributes]);
        Verifier::new(self.digest.algorithm(), key)?.verify_oneshot(self.signature, &attributes)
    }
}

impl Digest {
    fn algorithm(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
        }
    }

    /// Whether the signed attributes, in strict DER, name the digest of `body`, once.
    fn is_of(self, body: &[u8], attributes: &[u8]) -> Option<bool> {
        let attributes = der::wrap(SET, &[attributes]);
        let mut attributes = Reader::whole(&attributes, SET)?;
        let mut named = None;
        while !attributes.is_empty() {
            let mut attribute = attributes.enter(SEQUENCE)?;
            let kind = attribute.take(OBJECT_IDENTIFIER)?;
            let mut values = attribute.enter(SET)?;
            let value = values.element()?;
            if !values.is_empty() || !attribute.is_empty() {
                return None;
            }
            if kind == MESSAGE_DIGEST && (value.tag != OCTET_STRING || named.replace(value.body).is_some()) {
                return None;
            }
        }
        let named = named?;
        Some(match self {
            Self::Sha1 => named == sha1(body),
            Self::Sha256 => named == sha256(body),
        })
    }
}

/// The identifier of an algorithm that has no parameters, from the content of its SEQUENCE.
fn algorithm(content: &[u8]) -> Option<&[u8]> {
    let mut content = Ber(content);
    let name = content.take(OBJECT_IDENTIFIER)?;
    (content.0.is_empty() || content.0 == [NULL, 0]).then_some(name)
}

/// The content of the one element, a SEQUENCE, that a message is.
fn whole(message: &[u8]) -> Option<Ber<'_>> {
    Ber(message).only(SEQUENCE).map(|element| Ber(element.body))
}

/// Reads elements one after the other, whose lengths may be indefinite.
struct Ber<'a>(&'a [u8]);

impl<'a> Ber<'a> {
    /// The next element, which has this tag.
    fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        let element = der::ber_element(self.0).filter(|element| element.tag == tag)?;
        self.0 = self.0.get(element.encoded.len()..)?;
        Some(element)
    }

    /// Its content.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element(tag).map(|element| element.body)
    }

    /// The one element that is left.
    fn only(mut self, tag: u8) -> Option<Element<'a>> {
        self.element(tag).filter(|_| self.0.is_empty())
    }

    /// A reader of its content.
    fn last(self, tag: u8) -> Option<Self> {
        self.only(tag).map(|element| Self(element.body))
    }
}
