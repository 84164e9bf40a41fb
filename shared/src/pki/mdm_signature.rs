//! The `Mdm-Signature` header: a device's detached CMS signature over the exact bytes of its message.
//!
//! It comes when the MDM payload says `SignMessage`
//! (<https://developer.apple.com/documentation/devicemanagement/mdm>).

mod known;

use openssl::x509::X509;

pub use self::known::{KnownSigner, PlainMessage};
use super::{cms, pem};
use crate::error::{Error, Result};

/// Verifies the header against the raw body and returns the signer's certificate.
///
/// Who that signer is, the caller decides (tenant's authority, enrollment's binding). Devices send BER with
/// indefinite lengths, SHA-1 and no signed attributes; the signing time of those that have it is not looked at,
/// because devices' clocks are wrong.
///
/// # Errors
/// `mdm-signature` when the header is not one signature by one signer over exactly this body.
pub fn verify(header: &str, body: &[u8]) -> Result<X509> {
    verify_message(&decode(header)?, body)
}

/// The message that a header holds.
///
/// # Errors
/// `mdm-signature` when it is not base64.
pub fn decode(header: &str) -> Result<Vec<u8>> {
    pem::decode_base64(header).ok_or_else(|| refuse("It is not base64."))
}

/// [`verify`], of a message that was decoded.
///
/// # Errors
/// The same.
pub fn verify_message(message: &[u8], body: &[u8]) -> Result<X509> {
    cms::verify(message, Some(body)).map(|verified| verified.signer).map_err(refuse)
}

fn refuse(reason: &'static str) -> Error {
    Error::malformed("mdm-signature", format!("The device's signature is not accepted. {reason}"))
        .at("Mdm-Signature")
}

#[cfg(test)]
mod tests;
