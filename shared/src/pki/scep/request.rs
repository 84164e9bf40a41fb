//! A client's message, read in two steps: what a refusal must quote, and what was asked.

use openssl::x509::{X509, X509Req};

use super::attribute::Attributes;
use super::envelope::{self, Cipher, Fault};
use super::{MessageType, challenge};
use crate::error::{Error, Result};
use crate::pki::{Credential, cms, csr, trust};
use crate::secret::Secret;

/// What identifies a request, and what every reply repeats.
#[derive(Clone)]
pub struct Transaction {
    /// The client's identifier of the exchange.
    pub id: String,
    /// The client's nonce.
    pub sender_nonce: Vec<u8>,
    /// What the message is.
    pub message_type: MessageType,
    /// The certificate that signed the message. Nothing is known of its issuer yet.
    pub signer: X509,
}

/// A message whose signature is good and whose envelope is still closed.
pub struct SignedMessage {
    /// What identifies it: enough to refuse it properly.
    pub transaction: Transaction,
    envelope: Vec<u8>,
}

/// How the requester proved that the request is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Only that it holds the new key: the challenge must decide.
    NewKey,
    /// It also holds the signer's key, whose certificate one of our authorities issued. Whether that certificate may
    /// still renew (bound, unexpired, not revoked) the service decides.
    ExistingCertificate,
}

/// A request for a certificate.
pub struct PkiMessage {
    /// What identifies it.
    pub transaction: Transaction,
    /// The request: an RSA key of at least 2048 bits, correctly self-signed.
    pub csr: X509Req,
    /// The challenge password. Compare it in constant time.
    pub challenge: Option<Secret<String>>,
    /// How the requester proved itself.
    pub proof: Proof,
    /// The cipher of the request and hence of the reply.
    pub cipher: Cipher,
}

impl SignedMessage {
    /// Reads a message and verifies its signature. One that fails here gets no SCEP reply, as there is nobody to reply to.
    ///
    /// # Errors
    /// `scep-message`.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let verified = cms::verify(bytes, None).map_err(unreadable)?;
        let strict = verified.message.to_der().map_err(Error::internal)?;
        let attributes =
            Attributes::read(&strict).ok_or_else(|| unreadable("It lacks SCEP's attributes."))?;
        let message_type = MessageType::from_number(&attributes.message_type)
            .ok_or_else(|| unreadable("Its message type is unknown."))?;
        let transaction = Transaction {
            id: attributes.transaction_id,
            sender_nonce: attributes.sender_nonce,
            message_type,
            signer: verified.signer,
        };
        Ok(Self { transaction, envelope: verified.content })
    }

    /// Opens the request, which must be enciphered for `authority`; certificates of `renewable` authorities may renew.
    ///
    /// # Errors
    /// `scep-message-type`, `scep-cipher`, `scep-envelope`, `scep-signer`, and the codes of [`csr::check`]. Each of
    /// them deserves a refusal by [`super::reply::failure`].
    pub fn open(&self, authority: &Credential, renewable: &[X509]) -> Result<PkiMessage> {
        let transaction = self.transaction.clone();
        let (plain, cipher) = envelope::open(&self.envelope, authority)?.map_err(|fault| match fault {
            Fault::Cipher => {
                refuse("scep-cipher", "The request is enciphered with an algorithm that is not supported.")
            }
            Fault::Closed => closed(),
        })?;
        let may_be_new = match transaction.message_type {
            MessageType::PkcsReq => true,
            MessageType::RenewalReq => false,
            MessageType::CertRep | MessageType::CertPoll | MessageType::GetCert | MessageType::GetCrl => {
                let message = "Only requests for a new or renewed certificate are answered.";
                return Err(refuse("scep-message-type", message));
            }
        };
        let csr = X509Req::from_der(&plain).map_err(|_| closed())?;
        csr::check(&csr)?;
        let proof = if trust::chains_to(&transaction.signer, renewable).is_some() {
            Proof::ExistingCertificate
        } else if may_be_new && signed_by_same_key(&csr, &transaction.signer) {
            Proof::NewKey
        } else {
            let message = "The message is signed neither by the requested key nor by a certificate of ours.";
            return Err(refuse("scep-signer", message));
        };
        let challenge = challenge::read(&csr)?;
        Ok(PkiMessage { transaction, csr, challenge, proof, cipher })
    }
}

fn signed_by_same_key(csr: &X509Req, signer: &X509) -> bool {
    let keys = csr.public_key().and_then(|requested| Ok((requested, signer.public_key()?)));
    keys.is_ok_and(|(requested, signing)| requested.public_eq(&signing))
}

fn unreadable(reason: &'static str) -> Error {
    refuse("scep-message", format!("The SCEP message is not accepted. {reason}"))
}

fn closed() -> Error {
    refuse("scep-envelope", "The SCEP message cannot be opened, or does not hold a certificate request.")
}

fn refuse(code: &'static str, message: impl Into<String>) -> Error {
    Error::malformed(code, message)
}
