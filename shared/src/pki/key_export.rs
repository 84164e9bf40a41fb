//! A private key on its way out: PKCS#8 behind a password.
//!
//! OpenSSL's own call for it stops at 2,048 rounds of PBKDF2, which a graphics card tries by the million in a second.
//! So the container (RFC 5958, RFC 8018) is written here, around OpenSSL's PBKDF2 and AES.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::{PKey, Private};
use openssl::symm::{Cipher, encrypt};

use super::der::{NULL, OBJECT_IDENTIFIER, OCTET_STRING, sequence, unsigned, wrap};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Rounds of PBKDF2: a fifth of a second for whoever has the password.
const ROUNDS: u32 = 600_000;
/// Characters of the shortest and the longest password.
const PASSWORD: std::ops::RangeInclusive<usize> = 12..=128;

/// 1.2.840.113549.1.5.13
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
/// 1.2.840.113549.1.5.12
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// 1.2.840.113549.2.9
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
/// 2.16.840.1.101.3.4.1.42
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// The randomness of one export: never the same twice.
#[derive(Clone, Copy, Debug)]
pub struct ExportNonce {
    /// For the key derivation.
    pub salt: [u8; 16],
    /// For the cipher.
    pub iv: [u8; 16],
}

/// Refuses a password that would not protect a file that can be tried at leisure.
///
/// # Errors
/// `key-password`.
pub fn check_password(password: &Secret<String>) -> Result<()> {
    let text = password.expose();
    if PASSWORD.contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!(
        "A private key's password has {} to {} printable characters: whoever finds the file can try shorter ones out.",
        PASSWORD.start(),
        PASSWORD.end()
    );
    Err(Error::malformed("key-password", message)
        .at("password")
        .next("Choose a longer one, such as four words, and keep it apart from the file."))
}

/// The key as encrypted PKCS#8 in PEM: PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, which OpenSSL 1.0 and later read.
///
/// # Errors
/// `key-password` as [`check_password`]; Internal when OpenSSL fails.
pub fn to_encrypted_pem(
    key: &PKey<Private>,
    password: &Secret<String>,
    nonce: &ExportNonce,
) -> Result<Secret<String>> {
    check_password(password)?;
    let encrypted = seal(key, password, nonce).map_err(Error::internal)?;
    let algorithm =
        |name: &[u8], parameters: &[u8]| sequence(&[&wrap(OBJECT_IDENTIFIER, &[name]), parameters]);
    let derivation = sequence(&[
        &wrap(OCTET_STRING, &[&nonce.salt]),
        &unsigned(&ROUNDS.to_be_bytes()),
        &algorithm(HMAC_SHA256, &[NULL, 0]),
    ]);
    let scheme = sequence(&[
        &algorithm(PBKDF2, &derivation),
        &algorithm(AES_256_CBC, &wrap(OCTET_STRING, &[&nonce.iv])),
    ]);
    let file = sequence(&[&algorithm(PBES2, &scheme), &wrap(OCTET_STRING, &[&encrypted])]);
    Ok(Secret::new(pem(&file)))
}

fn seal(key: &PKey<Private>, password: &Secret<String>, nonce: &ExportNonce) -> Result<Vec<u8>, ErrorStack> {
    let mut derived = [0; 32];
    let password = password.expose().as_bytes();
    pbkdf2_hmac(password, &nonce.salt, ROUNDS as usize, MessageDigest::sha256(), &mut derived)?;
    encrypt(Cipher::aes_256_cbc(), &derived, Some(&nonce.iv), &key.private_key_to_pkcs8()?)
}

fn pem(der: &[u8]) -> String {
    const LABEL: &str = "ENCRYPTED PRIVATE KEY";
    let mut text = format!("-----BEGIN {LABEL}-----\n");
    // Base64 in lines of 64 characters, as RFC 7468 wants it.
    for line in der.chunks(48) {
        text.push_str(&STANDARD.encode(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {LABEL}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, key};
    use super::*;

    const NONCE: ExportNonce = ExportNonce { salt: [1; 16], iv: [2; 16] };

    fn password(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn the_file_opens_with_its_password_alone() {
        let right = password("correct horse battery");
        let file = to_encrypted_pem(fixture::key(0), &right, &NONCE).unwrap();
        let file = file.expose().as_bytes();
        assert!(key::read(file, Some(&right)).unwrap().public_eq(fixture::key(0)));
        let code = |given: Option<&Secret<String>>| key::read(file, given).unwrap_err().code();
        assert_eq!(code(None), "private-key-needs-password");
        assert_eq!(code(Some(&password("incorrect horse"))), "private-key-wrong-password");
        assert!(file.split(|byte| *byte == b'\n').all(|line| line.len() <= 64));
    }

    #[test]
    fn guessing_costs_six_hundred_thousand_rounds() {
        let file = to_encrypted_pem(fixture::key(0), &password("correct horse battery"), &NONCE).unwrap();
        let der = super::super::pem::blocks(file.expose())[0].der().unwrap();
        let rounds = unsigned(&[0x09, 0x27, 0xc0]);
        assert!(der.windows(rounds.len()).any(|window| window == rounds));
    }

    #[test]
    fn passwords_are_long_and_can_be_typed() {
        for good in ["twelve chars", &"ü".repeat(128)] {
            check_password(&password(good)).unwrap();
        }
        for bad in ["", "eleven char", "twelve\nchars", &"x".repeat(129)] {
            let error = check_password(&password(bad)).unwrap_err();
            assert_eq!((error.code(), error.field()), ("key-password", Some("password")));
        }
    }
}
