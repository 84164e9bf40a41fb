//! The test vendor: what an MDM vendor's account at Apple gives in real life.

use std::sync::PoisonError;

use openssl::asn1::Asn1Time;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use shared::secret::Secret;
use shared::time::{DAY, SignedDuration};
use shared::{Error, Result};

use super::authority::{Authority, Use, organization};
use super::{Portal, load, pem, save};

const FILE: &str = "vendor.pem";

/// A vendor certificate with its key, ready to sign push certificate requests.
#[derive(Clone, Debug)]
pub struct Vendor {
    /// The vendor's certificate.
    pub certificate: String,
    /// Its private key, PKCS#8.
    pub key: Secret<String>,
    /// The certificates above it: intermediate, then root.
    pub chain: String,
}

impl Portal {
    /// The test vendor, the same on every call; made anew when its certificate of two years has expired, or when the
    /// clock went back to before it.
    ///
    /// # Errors
    /// Internal when its file cannot be read or written.
    pub fn make_vendor(&self) -> Result<Vendor> {
        let now = self.0.clock.now();
        let make = || {
            let key = PKey::from_rsa(Rsa::generate(2_048)?)?;
            let not_after = now + SignedDuration::from_secs(730 * DAY);
            let subject = organization("MDM Vendor: Pomarium Test")?;
            let certificate =
                self.0.vendor_intermediate.issue(&subject, &key, Use::Client { now, not_after })?;
            Ok(Authority { certificate, key })
        };
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let today = Asn1Time::from_unix(now.as_second()).map_err(Error::internal)?;
        let kept = load(&self.0.files, FILE)?.filter(|vendor| {
            vendor.certificate.not_before() <= today && vendor.certificate.not_after() > today
        });
        let vendor = kept.map_or_else(|| save(&self.0.files, FILE, make), Ok)?;
        let key = vendor.key.private_key_to_pem_pkcs8().map_err(Error::internal)?;
        Ok(Vendor {
            certificate: pem(&vendor.certificate)?,
            key: Secret::new(String::from_utf8(key).map_err(Error::internal)?),
            chain: pem(&self.0.vendor_intermediate.certificate)? + &pem(&self.0.vendor_root.certificate)?,
        })
    }
}
