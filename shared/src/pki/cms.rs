//! Verifies CMS messages (PKCS#7 SignedData): of devices, of profiles, of SCEP.

use openssl::error::ErrorStack;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use super::der;

/// A message whose one signature is good. Whether the signer is trusted is another question.
pub(crate) struct Verified {
    pub(crate) message: Pkcs7,
    pub(crate) signer: X509,
    pub(crate) content: Vec<u8>,
}

/// Verifies one message with exactly one signer, in DER or BER.
///
/// With a `body` the signature must hold over it, whatever the message contains; without one, over the content inside.
/// On failure: the reason, as a sentence.
pub(crate) fn verify(bytes: &[u8], body: Option<&[u8]>) -> Result<Verified, &'static str> {
    // OpenSSL reads the first element and ignores what follows.
    if der::ber_length(bytes) != Some(bytes.len()) {
        return Err("It is not one complete CMS message.");
    }
    let message = Pkcs7::from_der(bytes).map_err(|_| "It is not a CMS message.")?;
    if message.signed().is_none() {
        return Err("It is a CMS message without a signature.");
    }
    let mut content = Vec::new();
    let signers = check(&message, body, &mut content).map_err(|_| "Its signature does not verify.")?;
    let mut signers = signers.into_iter();
    match (signers.next(), signers.next()) {
        (Some(signer), None) => Ok(Verified { message, signer, content }),
        (_, _) => Err("It does not have exactly one signer."),
    }
}

fn check(message: &Pkcs7, body: Option<&[u8]>, content: &mut Vec<u8>) -> Result<Stack<X509>, ErrorStack> {
    let none = Stack::new()?;
    let store = X509StoreBuilder::new()?.build();
    // NOVERIFY leaves out the chain: it would be judged for S/MIME, which no device certificate is made for.
    message.verify(&none, &store, body, Some(content), Pkcs7Flags::NOVERIFY | Pkcs7Flags::BINARY)?;
    message.signers(&none, Pkcs7Flags::empty())
}
