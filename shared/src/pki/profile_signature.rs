//! Signed configuration profiles: the property list inside a CMS message that devices show as "Verified".

use openssl::error::ErrorStack;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use openssl::x509::X509;

use super::{Credential, cms};
use crate::error::{Error, Result};

/// Signs a profile (attached CMS, DER, SHA-256) with the signer's certificate and its chain inside.
///
/// # Errors
/// Internal when OpenSSL fails, for example because the key is not the certificate's.
pub fn sign(profile: &[u8], signer: &Credential, chain: &[X509]) -> Result<Vec<u8>> {
    let sign = || -> Result<_, ErrorStack> {
        let mut certificates = Stack::new()?;
        for certificate in chain {
            certificates.push(certificate.clone())?;
        }
        // BINARY: without it OpenSSL turns line ends into CR LF, and the profile is no longer the one we made.
        let flags = Pkcs7Flags::BINARY;
        Pkcs7::sign(&signer.certificate, &signer.key, &certificates, profile, flags)?.to_der()
    };
    sign().map_err(Error::internal)
}

/// Opens a signed profile: its content, and the certificate that signed it. Whom to trust, the caller decides.
///
/// # Errors
/// `profile-signature` when it is not a CMS message with one valid signature.
pub fn open(message: &[u8]) -> Result<(Vec<u8>, X509)> {
    cms::verify(message, None).map(|verified| (verified.content, verified.signer)).map_err(|reason| {
        let message = format!("The signed profile is not accepted. {reason}");
        Error::malformed("profile-signature", message).at("profile").next("Sign the profile again.")
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Chain};
    use super::*;

    #[test]
    fn a_signed_profile_opens_to_the_same_bytes_and_carries_its_chain() {
        let chain = Chain::new();
        let signer = fixture::credential(chain.leaf("profile", 0), 0);
        let profile = b"<plist>\nline ends stay as they are\r\n</plist>\n";
        let signed = sign(profile, &signer, std::slice::from_ref(&chain.intermediate)).unwrap();
        let (content, certificate) = open(&signed).unwrap();
        assert_eq!((content.as_slice(), certificate), (&profile[..], signer.certificate));
        let message = Pkcs7::from_der(&signed).unwrap();
        assert_eq!(message.signed().unwrap().certificates().unwrap().len(), 2);
    }

    #[test]
    fn a_changed_or_foreign_message_does_not_open() {
        let leaf = Chain::new().leaf("profile", 0);
        let signed = sign(b"content", &fixture::credential(leaf.clone(), 0), &[]).unwrap();
        let changed = fixture::replace(&signed, b"content", b"CONTENT");
        let longer = [signed, vec![0]].concat();
        for bad in [&changed, &longer, &leaf.to_der().unwrap(), &b"<plist/>"[..].to_vec()] {
            assert_eq!(open(bad).err().unwrap().code(), "profile-signature");
        }
    }

    #[test]
    fn a_key_of_another_certificate_cannot_sign() {
        let leaf = Chain::new().leaf("profile", 0);
        assert!(sign(b"content", &fixture::credential(leaf, 1), &[]).is_err());
    }
}
