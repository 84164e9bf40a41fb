//! The server's answer, CertRep (RFC 8894, 3.3.2).

use openssl::x509::X509Ref;

use super::attribute::{Attributes, FAILURE, SUCCESS};
use super::{FailInfo, MessageType, PkiMessage, Transaction, envelope, signed_data};
use crate::error::{Error, Result};
use crate::pki::Credential;

/// The issued certificate, enciphered for the request's signer with the request's cipher and signed by the authority.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn success(
    message: &PkiMessage,
    issued: &X509Ref,
    authority: &Credential,
    nonce: [u8; 16],
) -> Result<Vec<u8>> {
    let transaction = &message.transaction;
    let certificates = signed_data::degenerate(issued).map_err(Error::internal)?;
    let envelope =
        envelope::seal(&certificates, &transaction.signer, message.cipher)?.map_err(Error::internal)?;
    let attributes = Attributes { status: Some(SUCCESS), ..quote(transaction, nonce) };
    signed_data::sign(&envelope, attributes.encode(), authority).map_err(Error::internal)
}

/// A refusal, signed by the authority.
///
/// RFC 8894 leaves the content out; an empty one is what clients built on OpenSSL can verify, and Apple's accept.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn failure(
    transaction: &Transaction,
    reason: FailInfo,
    authority: &Credential,
    nonce: [u8; 16],
) -> Result<Vec<u8>> {
    let fail_info = Some(reason.number().to_owned());
    let attributes = Attributes { status: Some(FAILURE), fail_info, ..quote(transaction, nonce) };
    signed_data::sign(&[], attributes.encode(), authority).map_err(Error::internal)
}

fn quote(transaction: &Transaction, nonce: [u8; 16]) -> Attributes {
    Attributes {
        transaction_id: transaction.id.clone(),
        message_type: MessageType::CertRep.number().to_owned(),
        sender_nonce: nonce.to_vec(),
        recipient_nonce: Some(transaction.sender_nonce.clone()),
        ..Attributes::default()
    }
}
