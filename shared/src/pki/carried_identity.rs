//! A device's identity as a profile carries it: key and certificate in one PKCS#12 file.

use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;

use super::Credential;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// The file, behind `password`, which must not be empty.
///
/// The key is enciphered with three-key triple DES and the whole is sealed with SHA-1, because that is what every Apple
/// system opens. It guards nothing anyway: the password stands beside the file, and TLS protects both.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn pack(identity: &Credential, password: &Secret<String>) -> Result<Secret<Vec<u8>>> {
    let mut builder = Pkcs12::builder();
    builder
        .name("Device identity")
        .pkey(&identity.key)
        .cert(&identity.certificate)
        .key_algorithm(Nid::PBE_WITHSHA1AND3_KEY_TRIPLEDES_CBC)
        .cert_algorithm(Nid::PBE_WITHSHA1AND3_KEY_TRIPLEDES_CBC)
        .mac_md(MessageDigest::sha1());
    let file = builder.build2(password.expose()).and_then(|file| file.to_der());
    file.map(Secret::new).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Chain};
    use super::*;

    /// 1.2.840.113549.1.12.1.3
    const TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 3];
    /// 1.3.14.3.2.26
    const SHA_1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];

    #[test]
    fn a_device_opens_it_with_its_password_alone() {
        let identity = fixture::credential(Chain::new().leaf("device", 0), 0);
        let file = pack(&identity, &Secret::new("open sesame".to_owned())).unwrap();
        let times =
            |wanted: &[u8]| file.expose().windows(wanted.len()).filter(|bytes| *bytes == wanted).count();
        assert_eq!((times(TRIPLE_DES), times(SHA_1)), (2, 1));
        let read = Pkcs12::from_der(file.expose()).unwrap();
        assert!(read.parse2("").is_err() && read.parse2("open").is_err());
        let read = read.parse2("open sesame").unwrap();
        assert_eq!(read.cert.unwrap(), identity.certificate);
        assert!(read.pkey.unwrap().public_eq(&identity.key));
        assert!(read.ca.is_none());
    }
}
