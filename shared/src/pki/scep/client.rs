//! The client's side: what the simulated device and the tests send and read.

use openssl::asn1::Asn1Integer;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs7::Pkcs7;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::{X509, X509Builder, X509NameRef, X509Ref};

use super::attribute::{Attributes, FAILURE, SUCCESS};
use super::{Cipher, FailInfo, MessageType, challenge, envelope, signed_data};
use crate::error::{Error, Result};
use crate::pki::der::{self, BIT_STRING, NULL};
use crate::pki::{Credential, cms, validity};
use crate::secret::Secret;
use crate::time::{DAY, Timestamp, from_unix};

/// 1.2.840.113549.1.1.11
const SHA_256_WITH_RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];

/// A request as it goes over the wire, before it is wrapped.
pub struct Request<'a> {
    /// PKCSReq or RenewalReq.
    pub message_type: MessageType,
    /// The client's identifier of the exchange.
    pub transaction_id: &'a str,
    /// 16 random bytes.
    pub nonce: [u8; 16],
    /// The cipher of the envelope.
    pub cipher: Cipher,
    /// The certificate request in DER.
    pub csr: &'a [u8],
}

/// What the server answered.
#[derive(Debug)]
pub enum Reply {
    /// The certificate.
    Issued(X509),
    /// The reason of a refusal.
    Refused(FailInfo),
}

/// A certificate request in DER, with a challenge password if given.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn certificate_request(
    subject: &X509NameRef,
    key: &PKey<Private>,
    challenge: Option<&Secret<String>>,
) -> Result<Vec<u8>> {
    let build = || -> Result<_, ErrorStack> {
        let (subject, key_information) = (subject.to_der()?, key.public_key_to_der()?);
        let parts = [&der::unsigned(&[0]), &subject, &key_information, &challenge::attributes(challenge)];
        let information = der::sequence(&parts.map(Vec::as_slice));
        let mut signer = Signer::new(MessageDigest::sha256(), key)?;
        signer.update(&information)?;
        let signature = der::wrap(BIT_STRING, &[&[0], &signer.sign_to_vec()?]);
        Ok(der::sequence(&[&information, &der::sequence(&[&SHA_256_WITH_RSA, &[NULL, 0]]), &signature]))
    };
    build().map_err(Error::internal)
}

/// The self-signed certificate that signs a first request.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn self_signed(subject: &X509NameRef, key: PKey<Private>, now: Timestamp) -> Result<Credential> {
    let build = || -> Result<_, ErrorStack> {
        let mut builder = X509Builder::new()?;
        builder.set_serial_number(&*Asn1Integer::from_bn(&*BigNum::from_u32(1)?)?)?;
        builder.set_subject_name(subject)?;
        builder.set_issuer_name(subject)?;
        builder.set_pubkey(&key)?;
        builder.set_not_before(&*validity::to_asn1(from_unix(now.as_second() - DAY))?)?;
        builder.set_not_after(&*validity::to_asn1(from_unix(now.as_second() + DAY))?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(builder.build())
    };
    Ok(Credential { certificate: build().map_err(Error::internal)?, key })
}

/// The message for PKIOperation: enciphered for `authority`, signed by `signer`.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn message(request: &Request<'_>, signer: &Credential, authority: &X509Ref) -> Result<Vec<u8>> {
    let envelope = envelope::seal(request.csr, authority, request.cipher)?.map_err(Error::internal)?;
    let attributes = Attributes {
        transaction_id: request.transaction_id.to_owned(),
        message_type: request.message_type.number().to_owned(),
        sender_nonce: request.nonce.to_vec(),
        ..Attributes::default()
    };
    signed_data::sign(&envelope, attributes.encode(), signer).map_err(Error::internal)
}

/// Opens the server's answer as a careful client: signed by `authority`, for this request, in the request's cipher.
///
/// # Errors
/// `scep-reply` with what is wrong.
pub fn open(reply: &[u8], request: &Request<'_>, signer: &Credential, authority: &X509Ref) -> Result<Reply> {
    let verified = cms::verify(reply, None).map_err(refuse)?;
    if *verified.signer != *authority {
        return Err(refuse("It is not signed by the authority."));
    }
    let strict = verified.message.to_der().map_err(Error::internal)?;
    let attributes = Attributes::read(&strict).ok_or_else(|| refuse("It lacks SCEP's attributes."))?;
    let repeats_us = attributes.transaction_id == request.transaction_id
        && attributes.recipient_nonce.as_deref() == Some(&request.nonce)
        && attributes.message_type == MessageType::CertRep.number();
    if !repeats_us {
        return Err(refuse("It answers another request."));
    }
    match attributes.status {
        Some(SUCCESS) => {}
        Some(FAILURE) => {
            let reason = attributes.fail_info.as_deref().and_then(FailInfo::from_number);
            return reason.map(Reply::Refused).ok_or_else(|| refuse("It refuses without a reason."));
        }
        Some(_) | None => return Err(refuse("Its status is unknown.")),
    }
    let (plain, cipher) =
        envelope::open(&verified.content, signer)?.map_err(|_| refuse("Its envelope does not open."))?;
    if cipher != request.cipher {
        return Err(refuse("It uses another cipher."));
    }
    let certificates =
        Pkcs7::from_der(&plain).map_err(|_| refuse("Its content is not a certificate list."))?;
    let issued = certificates.signed().and_then(|signed| signed.certificates()?.iter().next());
    issued.map(|issued| Reply::Issued(issued.to_owned())).ok_or_else(|| refuse("It holds no certificate."))
}

fn refuse(reason: &'static str) -> Error {
    Error::malformed("scep-reply", format!("The answer of the SCEP server is not accepted. {reason}"))
}
