//! Private keys: made, written, and read from whatever file a customer has.

use std::cell::Cell;

use openssl::error::ErrorStack;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Private};
use openssl::rsa::Rsa;

use super::{key_derivation, pem, provider};
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::secret::Secret;

/// Bits of the smallest RSA key that Apple's push certificate portal and SCEP on Apple devices accept.
pub const SMALLEST_RSA: u32 = 2048;

/// A new RSA-2048 key. Takes 40 ms on average and sometimes ten times as much.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn generate() -> Result<PKey<Private>> {
    Rsa::generate(SMALLEST_RSA).and_then(PKey::from_rsa).map_err(Error::internal)
}

/// The key as unencrypted PKCS#8 PEM, for the secret store.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn to_pem(key: &PKey<Private>) -> Result<Secret<Vec<u8>>> {
    key.private_key_to_pem_pkcs8().map(Secret::new).map_err(Error::internal)
}

/// SHA-256 over the public half (SubjectPublicKeyInfo): the same for a private key, its request and its certificate.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn fingerprint<T: HasPublic>(key: &PKeyRef<T>) -> Result<Fingerprint> {
    key.public_key_to_der().map(|der| Fingerprint::of(&der)).map_err(Error::internal)
}

/// Reads an RSA key: PKCS#8 or PKCS#1, PEM or DER, plain or encrypted (also the old `DEK-Info` form). In a PEM file
/// that holds more, the first private key counts.
///
/// # Errors
/// `private-key-needs-password`, `private-key-wrong-password`, `private-key-unreadable`, `private-key-not-rsa`,
/// `private-key-too-small`, `password-rounds`.
pub fn read(bytes: &[u8], password: Option<&Secret<String>>) -> Result<PKey<Private>> {
    provider::load_legacy()?;
    let asked = Cell::new(false);
    // Always with a callback: without one OpenSSL may ask on the terminal, and only the callback tells an encrypted
    // key from one that is broken.
    let answer = |buffer: &mut [u8]| {
        asked.set(true);
        let answer = password.map_or("", |password| password.expose()).as_bytes();
        Ok(buffer.get_mut(..answer.len()).map_or(0, |place| {
            place.copy_from_slice(answer);
            answer.len()
        }))
    };
    match decode(bytes, answer)? {
        Ok(key) => check(key),
        Err(_) if !asked.get() => Err(unreadable()),
        Err(cause) if password.is_none() => {
            let message = "The private key is protected with a password.";
            let error = Error::malformed("private-key-needs-password", message).because(cause);
            Err(error.at("password").next("Give the password of the key along with the file."))
        }
        Err(cause) => {
            let message = "The password does not open the private key.";
            let error = Error::malformed("private-key-wrong-password", message).because(cause);
            Err(error
                .at("password")
                .next("Give the password that was set when the key was made or exported."))
        }
    }
}

fn decode(
    bytes: &[u8],
    answer: impl FnOnce(&mut [u8]) -> Result<usize, ErrorStack>,
) -> Result<Result<PKey<Private>, ErrorStack>> {
    let text = String::from_utf8_lossy(bytes);
    let blocks = pem::blocks(&text);
    if let Some(block) = blocks.iter().find(|block| block.is_private_key()) {
        key_derivation::check(&block.der().unwrap_or_default())?;
        return Ok(PKey::private_key_from_pem_callback(block.text.as_bytes(), answer));
    }
    if !blocks.is_empty() {
        return Err(unreadable());
    }
    key_derivation::check(bytes)?;
    Ok(PKey::private_key_from_der(bytes).or_else(|_| PKey::private_key_from_pkcs8_callback(bytes, answer)))
}

/// Refuses a key that Apple would not accept.
pub(crate) fn check(key: PKey<Private>) -> Result<PKey<Private>> {
    if key.id() != Id::RSA {
        let message = "The private key is not an RSA key. Apple's push certificates use RSA keys only.";
        let error = Error::malformed("private-key-not-rsa", message).at("key");
        return Err(error.next("Use the RSA key that the certificate request was made with."));
    }
    if key.bits() < SMALLEST_RSA {
        let message = format!("The private key has {} bits. At least {SMALLEST_RSA} are needed.", key.bits());
        let error = Error::malformed("private-key-too-small", message).at("key");
        return Err(error.next("Start again with a new certificate request."));
    }
    Ok(key)
}

fn unreadable() -> Error {
    Error::malformed("private-key-unreadable", "The file does not hold a private key, or the key is damaged.")
        .at("key")
        .next("Upload the key as a PEM or DER file (PKCS#8 or PKCS#1).")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::symm::Cipher;

    use super::super::{der, fixture};
    use super::*;

    fn code(bytes: &[u8], password: Option<&str>) -> &'static str {
        let password = password.map(|text| Secret::new(text.to_owned()));
        read(bytes, password.as_ref()).unwrap_err().code()
    }

    fn encrypted_forms() -> Vec<Vec<u8>> {
        let key = fixture::key(0);
        let rsa = key.rsa().unwrap();
        let pkcs8 = key.private_key_to_pkcs8_passphrase(Cipher::aes_256_cbc(), b"right").unwrap();
        vec![
            key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"right").unwrap(),
            rsa.private_key_to_pem_passphrase(Cipher::des_ede3_cbc(), b"right").unwrap(),
            pkcs8,
        ]
    }

    #[test]
    fn plain_keys_of_every_form_are_read() {
        let key = fixture::key(0);
        let rsa = key.rsa().unwrap();
        let forms = [
            to_pem(key).unwrap().expose().clone(),
            rsa.private_key_to_pem().unwrap(),
            rsa.private_key_to_der().unwrap(),
            key.private_key_to_pkcs8().unwrap(),
        ];
        for form in forms {
            assert!(read(&form, None).unwrap().public_eq(key));
        }
    }

    #[test]
    fn encrypted_keys_tell_a_missing_password_from_a_wrong_one() {
        let right = Secret::new("right".to_owned());
        for form in encrypted_forms() {
            assert!(read(&form, Some(&right)).unwrap().public_eq(fixture::key(0)));
            assert_eq!(code(&form, None), "private-key-needs-password");
            assert_eq!(code(&form, Some("wrong")), "private-key-wrong-password");
            assert_eq!(code(&form, Some(&"x".repeat(5_000))), "private-key-wrong-password");
        }
    }

    #[test]
    fn what_is_not_a_private_key_is_named_so() {
        let public = fixture::key(0).public_key_to_pem().unwrap();
        for bytes in
            [&b""[..], b"hello", &public, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
        {
            assert_eq!(code(bytes, Some("any")), "private-key-unreadable");
        }
    }

    #[test]
    fn a_key_that_asks_for_hours_of_computing_is_refused_in_der_and_pem() {
        let salt = der::wrap(der::OCTET_STRING, &[&[7; 8]]);
        let bomb = der::sequence(&[&der::sequence(&[&salt, &der::unsigned(&[0x7f; 4])])]);
        let body = STANDARD.encode(&bomb);
        let pem =
            format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----");
        for form in [&bomb, pem.as_bytes()] {
            assert_eq!(code(form, Some("right")), "password-rounds");
        }
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        assert_eq!(code(&small.private_key_to_pem_pkcs8().unwrap(), None), "private-key-too-small");
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let curve = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        assert_eq!(code(&curve.private_key_to_pem_pkcs8().unwrap(), None), "private-key-not-rsa");
    }

    #[test]
    fn a_new_key_is_large_enough() {
        assert_eq!(generate().unwrap().bits(), SMALLEST_RSA);
    }
}
