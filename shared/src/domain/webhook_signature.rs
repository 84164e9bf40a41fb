//! How a webhook's call is signed: the form of standardwebhooks.com, for which receivers find libraries.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::time::Timestamp;

/// Marks our secrets for people and for secret scanners.
const PREFIX: &str = "whsec_";

/// A webhook's secret as its owner sees it, once.
pub fn reveal(secret: &Secret<Vec<u8>>) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(secret.expose())))
}

/// The value of `Webhook-Signature`: one signature for each secret, with spaces between.
///
/// # Errors
/// Internal when a secret cannot sign, which would be a fault.
pub fn sign(secrets: &[Secret<Vec<u8>>], id: &str, at: Timestamp, body: &[u8]) -> Result<String> {
    let signed = [format!("{id}.{}.", at.as_second()).as_bytes(), body].concat();
    let signature = |secret: &Secret<Vec<u8>>| {
        let key = PKey::hmac(secret.expose())?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        Ok(format!("v1,{}", STANDARD.encode(signer.sign_oneshot_to_vec(&signed)?)))
    };
    let signatures: Result<Vec<String>, openssl::error::ErrorStack> = secrets.iter().map(signature).collect();
    Ok(signatures.map_err(Error::internal)?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn a_signature_is_that_of_the_published_example() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secret = Secret::new(key);
        assert_eq!(reveal(&secret).expose(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", from_unix(1_614_265_330));
        let body = br#"{"test": 2432232314}"#;
        let one = sign(std::slice::from_ref(&secret), id, at, body).unwrap();
        assert_eq!(one, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let two = sign(&[secret, Secret::new(b"other".to_vec())], id, at, body).unwrap();
        assert!(two.starts_with(&format!("{one} v1,")) && two.len() > one.len() + 20, "{two}");
    }
}
