//! Secrets at rest: AES-256-GCM, bound to the place they belong to.

use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};

use crate::error::{Error, Result};
use crate::secret::Secret;

const NONCE: usize = 12;
const TAG: usize = 16;

/// Seals a value for one context, for example one tenant's enrollment; only [`open`] with the same context reads it.
///
/// The nonce must never repeat under one key: take it from the state's random source. The result is nonce,
/// ciphertext and tag.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn seal(key: &Secret<[u8; 32]>, nonce: [u8; NONCE], context: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let mut tag = [0; TAG];
    let cipher = Cipher::aes_256_gcm();
    let sealed = encrypt_aead(cipher, key.expose(), Some(&nonce), context.as_bytes(), plain, &mut tag);
    Ok([&nonce[..], &sealed.map_err(Error::internal)?, &tag].concat())
}

/// Opens what [`seal`] made.
///
/// # Errors
/// Internal when the value was changed, or sealed with another key or for another context: it comes from our own
/// store, so that this is never the caller's fault.
pub fn open(key: &Secret<[u8; 32]>, context: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>> {
    let parts = || {
        let (nonce, rest) = sealed.split_at_checked(NONCE)?;
        let (text, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        Some((nonce, text, tag))
    };
    let (nonce, text, tag) = parts().ok_or_else(|| Error::internal("a sealed value is too short"))?;
    let cipher = Cipher::aes_256_gcm();
    decrypt_aead(cipher, key.expose(), Some(nonce), context.as_bytes(), text, tag)
        .map(Secret::new)
        .map_err(|_| Error::internal("a sealed value does not open with this key and context"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Secret<[u8; 32]> {
        Secret::new([byte; 32])
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_context() {
        let sealed = seal(&key(1), [2; 12], "tenant-a/device-1", b"unlock token").unwrap();
        let opened = open(&key(1), "tenant-a/device-1", &sealed).unwrap();
        assert_eq!(opened.expose(), b"unlock token");
        assert!(open(&key(1), "tenant-a/device-2", &sealed).is_err());
        assert!(open(&key(3), "tenant-a/device-1", &sealed).is_err());
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let sealed = seal(&key(1), [2; 12], "here", b"text").unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"text"));
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(open(&key(1), "here", &changed).is_err());
            assert!(open(&key(1), "here", &sealed[..place]).is_err());
        }
    }
}
