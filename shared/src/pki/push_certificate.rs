//! The certificate that Apple's portal issues: what it says, and whether it may be used.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKeyRef};
use openssl::x509::{X509, X509NameRef, X509Ref};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::certificate::{display_name, name_value};
use super::trust::{self, TrustRoots};
use super::validity;
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::time::{DAY, Timestamp};

/// Every MDM topic starts so. The certificates of ordinary apps carry the app's bundle identifier instead.
const TOPIC_PREFIX: &str = "com.apple.mgmt.";

/// Seconds by which a new certificate may lie in our future: Apple's clocks and ours may differ.
const CLOCK_SKEW: i64 = DAY;

/// A push certificate, as it is shown and stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushCertificate {
    /// The certificate itself, in DER (base64 where it is serialized).
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub der: Vec<u8>,
    /// SHA-256 over the DER.
    pub fingerprint: Fingerprint,
    /// The subject's UID: what Apple keeps when the certificate is renewed, and what devices enroll with.
    pub topic: String,
    /// The subject's CN, `APSP:` and a UUID.
    pub common_name: Option<String>,
    /// The serial number, in upper-case hex.
    pub serial: String,
    /// The first moment of validity.
    pub not_before: Timestamp,
    /// The last moment of validity, one year later.
    pub not_after: Timestamp,
    /// The issuer's common name.
    pub issuer: String,
    /// The subject's e-mail address, if it has one.
    pub email: Option<String>,
    /// The subject's country, if it has one.
    pub country: Option<String>,
}

impl PushCertificate {
    /// A record as tests of other layers need it: real enough but for the certificate itself.
    #[cfg(test)]
    pub(crate) fn sample(topic: &str, serial: &str, not_after: Timestamp) -> Self {
        let der = format!("{topic}/{serial}").into_bytes();
        Self {
            fingerprint: Fingerprint::of(&der),
            der,
            topic: topic.to_owned(),
            common_name: topic.rsplit('.').next().map(|uuid| format!("APSP:{uuid}")),
            serial: serial.to_owned(),
            not_before: Timestamp::UNIX_EPOCH,
            not_after,
            issuer: "Test".to_owned(),
            email: None,
            country: None,
        }
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// `push-certificate-not-a-certificate`, `push-certificate-no-topic`, `push-certificate-wrong-topic`.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let unreadable = |cause: ErrorStack| not_a_certificate().because(cause);
        let certificate = X509::from_der(der).map_err(unreadable)?;
        let topic = topic(certificate.subject_name())?;
        Self::record(&certificate, topic).map_err(unreadable)
    }

    fn record(certificate: &X509Ref, topic: String) -> Result<Self, ErrorStack> {
        let subject = certificate.subject_name();
        let der = certificate.to_der()?;
        Ok(Self {
            fingerprint: Fingerprint::of(&der),
            der,
            topic,
            common_name: name_value(subject, Nid::COMMONNAME),
            serial: certificate.serial_number().to_bn()?.to_hex_str()?.to_string(),
            not_before: validity::from_asn1(certificate.not_before())?,
            not_after: validity::from_asn1(certificate.not_after())?,
            issuer: display_name(certificate.issuer_name()),
            email: name_value(subject, Nid::PKCS9_EMAILADDRESS),
            country: name_value(subject, Nid::COUNTRYNAME),
        })
    }

    /// The parsed certificate, for TLS.
    ///
    /// # Errors
    /// Internal when a stored record is damaged.
    pub fn x509(&self) -> Result<X509> {
        X509::from_der(&self.der).map_err(Error::internal)
    }

    /// Refuses a certificate that cannot be used at this moment.
    ///
    /// # Errors
    /// `push-certificate-expired`, `push-certificate-not-yet-valid`.
    pub fn check_validity(&self, now: Timestamp) -> Result<()> {
        if now >= self.not_after {
            let message = format!("The push certificate expired on {}.", validity::day(self.not_after));
            return Err(refuse("push-certificate-expired", message)
                .next("Renew it at identity.apple.com/pushcert and upload the renewed one."));
        }
        if now.as_second() + CLOCK_SKEW < self.not_before.as_second() {
            let message =
                format!("The push certificate is not valid before {}.", validity::day(self.not_before));
            return Err(refuse("push-certificate-not-yet-valid", message)
                .next("Check that it is the right file, or wait until that day."));
        }
        Ok(())
    }

    /// Refuses a certificate that was not made for this key.
    ///
    /// # Errors
    /// `push-certificate-wrong-key`.
    pub fn check_key<T: HasPublic>(&self, key: &PKeyRef<T>) -> Result<()> {
        let public = self.x509()?.public_key().map_err(|cause| not_a_certificate().because(cause))?;
        if public.public_eq(key) {
            return Ok(());
        }
        let message = "The push certificate belongs to another private key.";
        Err(refuse("push-certificate-wrong-key", message).next(
            "Upload the certificate that Apple made from your latest request, or upload its private key along.",
        ))
    }

    /// Refuses a certificate that no allowed authority issued.
    ///
    /// The dates of the chain do not count: Apple's intermediates expire before what they issued is out of use, and
    /// the certificate's own dates are checked by [`Self::check_validity`].
    ///
    /// # Errors
    /// `push-certificate-wrong-issuer`.
    pub fn check_issuer(&self, intermediates: &[X509], roots: &TrustRoots) -> Result<()> {
        let certificate = self.x509()?;
        if trust::verify(&certificate, intermediates, roots.certificates(), None).map_err(Error::internal)? {
            return Ok(());
        }
        let message = format!("The push certificate was issued by \"{}\", which is not Apple.", self.issuer);
        Err(refuse("push-certificate-wrong-issuer", message)
            .next("Upload the file that you downloaded from identity.apple.com/pushcert."))
    }
}

/// The one topic in a subject.
fn topic(subject: &X509NameRef) -> Result<String> {
    let mut values = subject.entries_by_nid(Nid::USERID).map(|entry| entry.data().to_string());
    let (Some(Ok(topic)), None) = (values.next(), values.next()) else {
        let message =
            "The certificate is not for push messages: its subject does not have exactly one user ID (UID).";
        return Err(refuse("push-certificate-no-topic", message)
            .next("Upload the file that you downloaded from identity.apple.com/pushcert."));
    };
    if topic.strip_prefix(TOPIC_PREFIX).is_some_and(is_topic_tail) {
        return Ok(topic);
    }
    let message = format!("The certificate is for \"{}\", not for device management.", topic.escape_debug());
    Err(refuse("push-certificate-wrong-topic", message)
        .next("Certificates of apps do not work here. Make one for MDM at identity.apple.com/pushcert."))
}

/// The topic goes into HTTP headers and profiles.
fn is_topic_tail(tail: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=128).contains(&tail.len()) && tail.bytes().all(allowed)
}

pub(crate) fn not_a_certificate() -> Error {
    refuse("push-certificate-not-a-certificate", "The file is not a certificate.")
        .next("Upload the .pem file that you downloaded from identity.apple.com/pushcert.")
}

pub(crate) fn refuse(code: &'static str, message: impl Into<String>) -> Error {
    Error::malformed(code, message).at("certificate")
}

fn to_base64<S: Serializer>(der: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(der))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Chain, day};
    use super::*;

    fn read(certificate: &X509) -> Result<PushCertificate> {
        PushCertificate::from_der(&certificate.to_der().unwrap())
    }

    fn sample() -> PushCertificate {
        read(&Chain::new().leaf("com.apple.mgmt.External.1", 0)).unwrap()
    }

    #[test]
    fn the_record_says_what_the_certificate_says_and_survives_json() {
        let record = sample();
        assert_eq!(record.topic, "com.apple.mgmt.External.1");
        assert_eq!(record.common_name.as_deref(), Some("APSP:1"));
        assert_eq!((record.serial.as_str(), record.issuer.as_str()), ("1267", "Test Intermediate"));
        assert_eq!((record.not_before, record.not_after), (day(-1), day(365)));
        assert_eq!((record.email.as_deref(), record.country.as_deref()), (None, Some("DE")));
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<PushCertificate>(&json).unwrap(), record);
    }

    #[test]
    fn exactly_one_uid_is_needed() {
        let chain = Chain::new();
        let one = (Nid::USERID, "com.apple.mgmt.External.1");
        for entries in [vec![(Nid::COMMONNAME, "APSP:1")], vec![one, one]] {
            let certificate = chain.issue(&fixture::name(&entries), 0, (-1, 365));
            assert_eq!(read(&certificate).unwrap_err().code(), "push-certificate-no-topic");
        }
    }

    #[test]
    fn the_topic_of_an_app_or_with_hidden_characters_is_refused() {
        for uid in ["com.example.app", "com.apple.developer.x", "com.apple.mgmt.", "com.apple.mgmt.x\r\ny: z"]
        {
            let error = read(&Chain::new().leaf(uid, 0)).unwrap_err();
            assert_eq!(error.code(), "push-certificate-wrong-topic");
            assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        assert_eq!(PushCertificate::from_der(b"0").unwrap_err().code(), "push-certificate-not-a-certificate");
    }

    #[test]
    fn validity_ends_sharply_and_begins_with_a_day_of_patience() {
        let record = sample();
        let code = |days| record.check_validity(day(days)).map_err(|error| error.code());
        assert_eq!(code(0), Ok(()));
        assert_eq!(code(-2), Ok(()));
        assert_eq!(code(-3), Err("push-certificate-not-yet-valid"));
        assert_eq!(code(365), Err("push-certificate-expired"));
    }

    #[test]
    fn the_key_must_match() {
        let record = sample();
        record.check_key(fixture::key(0)).unwrap();
        assert_eq!(record.check_key(fixture::key(1)).unwrap_err().code(), "push-certificate-wrong-key");
    }

    #[test]
    fn the_issuer_must_be_allowed() {
        let chain = Chain::new();
        let record = sample();
        let root = TrustRoots::from(chain.root.clone());
        record.check_issuer(std::slice::from_ref(&chain.intermediate), &root).unwrap();
        record.check_issuer(&[], &TrustRoots::from(chain.intermediate)).unwrap();
        let error = record.check_issuer(&[], &TrustRoots::apple().unwrap()).unwrap_err();
        assert_eq!(error.code(), "push-certificate-wrong-issuer");
        assert!(error.to_string().contains("Test Intermediate"));
    }
}
