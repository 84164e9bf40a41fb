//! A tenant's own certificate authority: it issues the identities of devices, and receives SCEP requests.

use openssl::asn1::Asn1Integer;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameRef};
use serde::{Deserialize, Serialize};

use super::field::{self, SHORT};
use super::{Credential, validity};
use crate::error::{Error, Result};
use crate::time::{DAY, Timestamp, from_unix};

/// Days that an authority lives: devices keep its certificates for years.
const AUTHORITY_DAYS: i64 = 3_650;
/// Seconds by which certificates are back-dated: a device with a slow clock must not see one from the future.
const BACK_DATED: i64 = 600;
/// The version number that means X.509 v3.
const VERSION_3: i32 = 2;

/// Whose authority it is. The common name is the display name of the enrollment profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthoritySubject {
    /// Common name: 1 to 64 characters.
    pub common_name: String,
    /// The organization's legal name: 1 to 64 characters.
    pub organization: String,
    /// Two letters, ISO 3166.
    #[serde(default)]
    pub country: Option<String>,
}

impl AuthoritySubject {
    /// The subject as it will stand in the certificate: trimmed, country in upper case.
    ///
    /// # Errors
    /// `subject`, with the name of the wrong field.
    pub fn checked(&self) -> Result<Self> {
        let country = field::optional_text("country", self.country.as_deref(), SHORT)?;
        Ok(Self {
            common_name: field::text("common_name", &self.common_name, SHORT)?,
            organization: field::text("organization", &self.organization, SHORT)?,
            country: country.map(|country| field::country(&country)).transpose()?,
        })
    }

    fn to_name(&self) -> Result<X509Name, ErrorStack> {
        let mut name = X509Name::builder()?;
        if let Some(country) = &self.country {
            name.append_entry_by_nid(Nid::COUNTRYNAME, country)?;
        }
        name.append_entry_by_nid(Nid::ORGANIZATIONNAME, &self.organization)?;
        name.append_entry_by_nid(Nid::COMMONNAME, &self.common_name)?;
        Ok(name.build())
    }
}

/// A self-signed authority for ten years.
///
/// It may also sign and decipher messages, because SCEP clients encrypt to it: Apple's expect separate RA
/// certificates otherwise.
///
/// # Errors
/// `subject` as [`AuthoritySubject::checked`]; Internal when OpenSSL fails.
pub fn create(
    subject: &AuthoritySubject,
    key: &PKey<Private>,
    serial: [u8; 16],
    now: Timestamp,
) -> Result<X509> {
    let subject = subject.checked()?;
    let build = || {
        let name = subject.to_name()?;
        let mut builder = begin(&name, &name, key, serial, now, later(now, AUTHORITY_DAYS))?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        let mut usage = KeyUsage::new();
        usage.critical().key_cert_sign().crl_sign().digital_signature().key_encipherment();
        builder.append_extension(usage.build()?)?;
        let key_identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(key_identifier)?;
        builder.sign(key, MessageDigest::sha256())?;
        Ok(builder.build())
    };
    build().map_err(|cause: ErrorStack| Error::internal(cause))
}

/// What an authority is asked to certify.
pub struct Identity<'a, T> {
    /// The device's public key.
    pub key: &'a PKeyRef<T>,
    /// The subject, as the service decided.
    pub subject: &'a X509NameRef,
    /// 16 random bytes.
    pub serial: [u8; 16],
    /// Days of validity; it never outlives the authority.
    pub days: u32,
}

/// A client certificate for a device, signed by `authority`.
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn issue<T: HasPublic>(
    authority: &Credential,
    identity: &Identity<'_, T>,
    now: Timestamp,
) -> Result<X509> {
    let usage = KeyUsage::new().critical().digital_signature().key_encipherment().build();
    let purpose = ExtendedKeyUsage::new().client_auth().build();
    issue_for(authority, identity, now, usage, purpose)
}

/// A certificate that signs profiles, signed by `authority`: those who check a signed message, such as
/// `openssl smime -verify`, want to see e-mail protection among its purposes (RFC 8550, 4.4.4).
///
/// # Errors
/// Internal when OpenSSL fails.
pub fn issue_profile_signer<T: HasPublic>(
    authority: &Credential,
    identity: &Identity<'_, T>,
    now: Timestamp,
) -> Result<X509> {
    let usage = KeyUsage::new().critical().digital_signature().build();
    let purpose = ExtendedKeyUsage::new().email_protection().build();
    issue_for(authority, identity, now, usage, purpose)
}

fn issue_for<T: HasPublic>(
    authority: &Credential,
    identity: &Identity<'_, T>,
    now: Timestamp,
    usage: Result<X509Extension, ErrorStack>,
    purpose: Result<X509Extension, ErrorStack>,
) -> Result<X509> {
    let build = || {
        let issuer = &authority.certificate;
        let last = validity::from_asn1(issuer.not_after())?.min(later(now, i64::from(identity.days)));
        let mut builder =
            begin(identity.subject, issuer.subject_name(), identity.key, identity.serial, now, last)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(usage?)?;
        builder.append_extension(purpose?)?;
        let context = builder.x509v3_context(Some(issuer), None);
        let key_identifier = SubjectKeyIdentifier::new().build(&context)?;
        let authority_identifier = AuthorityKeyIdentifier::new().keyid(false).build(&context)?;
        builder.append_extension(key_identifier)?;
        builder.append_extension(authority_identifier)?;
        builder.sign(&authority.key, MessageDigest::sha256())?;
        Ok(builder.build())
    };
    build().map_err(|cause: ErrorStack| Error::internal(cause))
}

fn begin<T: HasPublic>(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<T>,
    serial: [u8; 16],
    now: Timestamp,
    last: Timestamp,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509Builder::new()?;
    builder.set_version(VERSION_3)?;
    builder.set_serial_number(&*positive(serial)?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*validity::to_asn1(from_unix(now.as_second() - BACK_DATED))?)?;
    builder.set_not_after(&*validity::to_asn1(last)?)?;
    Ok(builder)
}

/// A serial number must be positive (RFC 5280, 4.1.2.2): the top bit is cleared and the next one set.
fn positive(mut serial: [u8; 16]) -> Result<Asn1Integer, ErrorStack> {
    serial[0] = serial[0] & 0x3f | 0x40;
    Asn1Integer::from_bn(&*BigNum::from_slice(&serial)?)
}

fn later(now: Timestamp, days: i64) -> Timestamp {
    from_unix(now.as_second() + days * DAY)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, NOW, day};
    use super::super::{certificate, trust};
    use super::*;

    fn subject() -> AuthoritySubject {
        let country = Some("de".to_owned());
        AuthoritySubject { common_name: "School MDM".to_owned(), organization: "School".to_owned(), country }
    }

    fn text(certificate: &X509) -> String {
        String::from_utf8(certificate.to_text().unwrap()).unwrap()
    }

    fn issue_for(authority: &X509, days: u32) -> X509 {
        let name = fixture::name(&[(Nid::COMMONNAME, "Device 1")]);
        let identity = Identity { key: fixture::key(1), subject: &name, serial: [0xff; 16], days };
        issue(&fixture::credential(authority.clone(), 0), &identity, *NOW).unwrap()
    }

    #[test]
    fn an_authority_may_issue_sign_and_decipher_for_ten_years() {
        let authority = create(&subject(), fixture::key(0), [0; 16], *NOW).unwrap();
        assert!(certificate::is_authority(&authority) && certificate::is_issued_by(&authority, &authority));
        let text = text(&authority);
        assert!(text.contains("Digital Signature, Key Encipherment, Certificate Sign, CRL Sign"), "{text}");
        assert!(authority.subject_key_id().is_some());
        assert_eq!(validity::from_asn1(authority.not_after()).unwrap(), day(3_650));
        assert_eq!(
            certificate::name_value(authority.subject_name(), Nid::COUNTRYNAME).as_deref(),
            Some("DE")
        );
    }

    #[test]
    fn the_wrong_field_of_an_authoritys_subject_is_named() {
        let wrong = AuthoritySubject { country: Some("DEU".to_owned()), ..subject() };
        let error = create(&wrong, fixture::key(0), [0; 16], *NOW).err().unwrap();
        assert_eq!((error.code(), error.field()), ("subject", Some("country")));
    }

    #[test]
    fn an_identity_is_a_back_dated_client_certificate_of_its_authority() {
        let authority = create(&subject(), fixture::key(0), [1; 16], *NOW).unwrap();
        let identity = issue_for(&authority, 365);
        assert_eq!(trust::chains_to(&identity, std::slice::from_ref(&authority)), Some(0));
        assert_eq!(validity::from_asn1(identity.not_before()).unwrap(), from_unix(NOW.as_second() - 600));
        assert_eq!(validity::from_asn1(identity.not_after()).unwrap(), day(365));
        let text = text(&identity);
        assert!(text.contains("TLS Web Client Authentication") && text.contains("CA:FALSE"), "{text}");
        assert_eq!(
            identity.authority_key_id().unwrap().as_slice(),
            authority.subject_key_id().unwrap().as_slice()
        );
    }

    #[test]
    fn a_profile_signer_signs_messages_and_opens_no_connections() {
        let authority = create(&subject(), fixture::key(0), [1; 16], *NOW).unwrap();
        let name = fixture::name(&[(Nid::COMMONNAME, "School profiles")]);
        let identity = Identity { key: fixture::key(1), subject: &name, serial: [3; 16], days: 3_650 };
        let signer = issue_profile_signer(&fixture::credential(authority, 0), &identity, *NOW).unwrap();
        let text = text(&signer);
        assert!(text.contains("E-mail Protection") && !text.contains("Client Authentication"), "{text}");
        assert!(certificate::may_sign(&signer));
    }

    #[test]
    fn serials_are_positive_and_an_identity_never_outlives_its_authority() {
        let authority = create(&subject(), fixture::key(0), [0; 16], *NOW).unwrap();
        let identity = issue_for(&authority, 100_000);
        assert_eq!(validity::from_asn1(identity.not_after()).unwrap(), day(3_650));
        for certificate in [authority, identity] {
            let serial = certificate.serial_number().to_bn().unwrap();
            assert!(!serial.is_negative() && serial.num_bytes() == 16);
        }
    }
}
