//! The `Mdm-Signature` header: a device's detached CMS signature over the exact bytes of its message.
//!
//! It comes when the MDM payload says `SignMessage`
//! (<https://developer.apple.com/documentation/devicemanagement/mdm>).

use openssl::x509::X509;

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
    let message = pem::decode_base64(header).ok_or_else(|| refuse("It is not base64."))?;
    cms::verify(&message, Some(body)).map(|verified| verified.signer).map_err(refuse)
}

fn refuse(reason: &'static str) -> Error {
    Error::malformed("mdm-signature", format!("The device's signature is not accepted. {reason}"))
        .at("Mdm-Signature")
}

#[cfg(test)]
mod tests;
