//! A push certificate with its key, behind a password: what is kept for export, and how it is opened again.

use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};

use super::key;
use super::key_export::check_password;
use super::push_certificate::PushCertificate;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Rounds of the key derivation: they are what makes guessing a stolen file slow (200 ms a try).
const ROUNDS: u32 = 600_000;

/// A password that was chosen for an export, entered twice.
///
/// # Errors
/// `export-password-mismatch`, and `key-password` as [`check_password`].
pub fn chosen_password(password: String, again: &str) -> Result<Secret<String>> {
    if password != again {
        return Err(Error::malformed("export-password-mismatch", "The two passwords differ.")
            .at("password_again")
            .next("Enter the same password twice."));
    }
    let password = Secret::new(password);
    check_password(&password)?;
    Ok(password)
}

/// Certificate and key as a PKCS#12 file: AES-256 and HMAC-SHA-256, both derived from the password with 600,000 rounds.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn lock(
    certificate: &PushCertificate,
    private: &PKey<Private>,
    password: &Secret<String>,
) -> Result<Secret<Vec<u8>>> {
    let certificate = certificate.x509()?;
    let mut builder = Pkcs12::builder();
    builder
        .name("Apple MDM push certificate")
        .pkey(private)
        .cert(&certificate)
        .key_algorithm(Nid::AES_256_CBC)
        .cert_algorithm(Nid::AES_256_CBC)
        .key_iter(ROUNDS)
        .mac_iter(ROUNDS)
        .mac_md(MessageDigest::sha256());
    let file = builder.build2(password.expose()).and_then(|file| file.to_der());
    file.map(Secret::new).map_err(Error::internal)
}

/// Certificate and key of such a file in PEM, the key without protection; none when the password is another one.
///
/// # Errors
/// Internal when the file is damaged: it comes from our own store.
pub fn unlock(file: &Secret<Vec<u8>>, password: &Secret<String>) -> Result<Option<Secret<Vec<u8>>>> {
    let file = Pkcs12::from_der(file.expose()).map_err(Error::internal)?;
    // OpenSSL reads a password up to its first NUL.
    if password.expose().contains('\0') {
        return Ok(None);
    }
    let Ok(content) = file.parse2(password.expose()) else { return Ok(None) };
    let (Some(certificate), Some(private)) = (content.cert, content.pkey) else {
        return Err(Error::internal("an export holds no certificate or no key"));
    };
    let certificate = certificate.to_pem().map_err(Error::internal)?;
    Ok(Some(Secret::new([certificate, key::to_pem(&private)?.expose().clone()].concat())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::fixture;
    use crate::pki::push_upload::read_upload;

    fn password(text: &str) -> Secret<String> {
        chosen_password(text.to_owned(), text).unwrap()
    }

    #[test]
    fn a_locked_file_opens_with_its_password_only_and_holds_what_was_put_in() {
        let leaf = fixture::Chain::new().leaf("com.apple.mgmt.External.a", 3);
        let certificate = PushCertificate::from_der(&leaf.to_der().unwrap()).unwrap();
        let secret = password("correct horse battery");
        let file = lock(&certificate, fixture::key(3), &secret).unwrap();
        assert!(unlock(&file, &password("another horse battery")).unwrap().is_none());
        assert!(unlock(&file, &Secret::new("correct horse battery\0".to_owned())).unwrap().is_none());

        let pem = unlock(&file, &secret).unwrap().unwrap();
        let opened = read_upload(pem.expose(), None, None).unwrap();
        assert_eq!(opened.certificate, certificate);
        assert!(certificate.check_key(&opened.key.unwrap()).is_ok());
        let uploaded = read_upload(file.expose(), None, Some(&secret)).unwrap();
        assert_eq!(uploaded.certificate, certificate, "the file is one that an upload takes");
        let rounds = [0x02, 0x03, 0x09, 0x27, 0xc0];
        let found = file.expose().windows(rounds.len()).filter(|bytes| *bytes == rounds).count();
        assert_eq!(found, 3, "600,000 rounds for certificate, key and MAC");
    }

    #[test]
    fn a_password_is_long_and_entered_twice() {
        let code = |password: &str, again: &str| {
            chosen_password(password.to_owned(), again).map(drop).map_err(|error| error.code())
        };
        assert_eq!(code("twelve chars", "twelve chars"), Ok(()));
        assert_eq!(code("twelve chars", "twelve char"), Err("export-password-mismatch"));
        assert_eq!(code("eleven char", "eleven char"), Err("key-password"));
        assert_eq!(code("a line\nand more", "a line\nand more"), Err("key-password"));
        let long = "x".repeat(129);
        assert_eq!(code(&long, &long), Err("key-password"));
    }
}
