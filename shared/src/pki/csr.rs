//! The certificate request of a customer's push certificate.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::{X509Name, X509NameRef, X509Req, X509ReqRef};
use serde::{Deserialize, Serialize};

use super::field::{self, LONG, SHORT};
use super::key::SMALLEST_RSA;
use crate::error::{Error, Result};

/// Whom the push certificate is for. Apple replaces all of it but the country; it identifies the request to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Common name: 1 to 64 characters.
    pub common_name: String,
    /// The organization's legal name: 1 to 64 characters.
    pub organization: String,
    /// A part of the organization: at most 64 characters.
    #[serde(default)]
    pub organizational_unit: Option<String>,
    /// An address that reaches the people who renew the certificate: at most 128 characters.
    pub email: String,
    /// Two letters, ISO 3166.
    pub country: String,
    /// State or province: at most 128 characters.
    #[serde(default)]
    pub state: Option<String>,
    /// City: at most 128 characters.
    #[serde(default)]
    pub locality: Option<String>,
}

impl Subject {
    /// The subject as it will stand in the request: trimmed, e-mail in lower and country in upper case.
    ///
    /// # Errors
    /// `subject`, with the name of the field that OpenSSL or Apple would refuse.
    pub fn checked(&self) -> Result<Self> {
        let unit = self.organizational_unit.as_deref();
        Ok(Self {
            common_name: field::text("common_name", &self.common_name, SHORT)?,
            organization: field::text("organization", &self.organization, SHORT)?,
            organizational_unit: field::optional_text("organizational_unit", unit, SHORT)?,
            email: field::email(&self.email)?,
            country: field::country(&self.country)?,
            state: field::optional_text("state", self.state.as_deref(), LONG)?,
            locality: field::optional_text("locality", self.locality.as_deref(), LONG)?,
        })
    }

    fn to_name(&self) -> Result<X509Name, ErrorStack> {
        let mut name = X509Name::builder()?;
        let entries = [
            (Nid::COUNTRYNAME, Some(&self.country)),
            (Nid::STATEORPROVINCENAME, self.state.as_ref()),
            (Nid::LOCALITYNAME, self.locality.as_ref()),
            (Nid::ORGANIZATIONNAME, Some(&self.organization)),
            (Nid::ORGANIZATIONALUNITNAME, self.organizational_unit.as_ref()),
            (Nid::COMMONNAME, Some(&self.common_name)),
            (Nid::PKCS9_EMAILADDRESS, Some(&self.email)),
        ];
        for (attribute, value) in entries {
            if let Some(value) = value {
                name.append_entry_by_nid(attribute, value)?;
            }
        }
        Ok(name.build())
    }
}

/// The request for `subject`, signed by its key with SHA-256.
///
/// # Errors
/// `subject` as [`Subject::checked`]; Internal when OpenSSL fails.
pub fn build(subject: &Subject, key: &PKey<Private>) -> Result<X509Req> {
    let name = subject.checked()?.to_name().map_err(Error::internal)?;
    sign(&name, key).map_err(Error::internal)
}

fn sign(name: &X509NameRef, key: &PKey<Private>) -> Result<X509Req, ErrorStack> {
    let mut request = X509Req::builder()?;
    request.set_version(0)?;
    request.set_subject_name(name)?;
    request.set_pubkey(key)?;
    request.sign(key, MessageDigest::sha256())?;
    Ok(request.build())
}

/// Checks what Apple checks of a request: an RSA key that is large enough, and that the request is signed by it.
///
/// # Errors
/// `certificate-request-key` and `certificate-request-signature`.
pub fn check(request: &X509ReqRef) -> Result<()> {
    let key = request.public_key().ok();
    let Some(key) = key.filter(|key| key.id() == Id::RSA && key.bits() >= SMALLEST_RSA) else {
        let message =
            format!("The certificate request is not for an RSA key of at least {SMALLEST_RSA} bits.");
        let error = Error::malformed("certificate-request-key", message).at("request");
        return Err(error.next("Make a new key and request."));
    };
    if request.verify(&key).unwrap_or(false) {
        return Ok(());
    }
    let message = "The certificate request is damaged: its own signature does not verify.";
    Err(Error::malformed("certificate-request-signature", message).at("request").next("Make a new request."))
}

#[cfg(test)]
mod tests {
    use openssl::rsa::Rsa;

    use super::super::{certificate, fixture};
    use super::*;

    pub(crate) fn subject() -> Subject {
        Subject {
            common_name: " Schule Süd MDM ".to_owned(),
            organization: "Schule Süd".to_owned(),
            organizational_unit: Some(String::new()),
            email: "MDM@Schule.Example".to_owned(),
            country: "de".to_owned(),
            state: None,
            locality: Some("Köln".to_owned()),
        }
    }

    #[test]
    fn a_request_carries_the_checked_subject_and_its_own_signature() {
        let request = build(&subject(), fixture::key(0)).unwrap();
        check(&request).unwrap();
        let value = |attribute| certificate::name_value(request.subject_name(), attribute);
        assert_eq!(value(Nid::COMMONNAME).as_deref(), Some("Schule Süd MDM"));
        assert_eq!(value(Nid::PKCS9_EMAILADDRESS).as_deref(), Some("mdm@schule.example"));
        assert_eq!(value(Nid::COUNTRYNAME).as_deref(), Some("DE"));
        assert_eq!(value(Nid::LOCALITYNAME).as_deref(), Some("Köln"));
        assert_eq!(value(Nid::ORGANIZATIONALUNITNAME), None);
    }

    #[test]
    fn every_field_is_named_when_it_is_wrong() {
        let long = "x".repeat(129);
        let wrong = [
            ("common_name", Subject { common_name: long.clone(), ..subject() }),
            ("organization", Subject { organization: String::new(), ..subject() }),
            ("organizational_unit", Subject { organizational_unit: Some(long.clone()), ..subject() }),
            ("email", Subject { email: "nobody".to_owned(), ..subject() }),
            ("country", Subject { country: "DEU".to_owned(), ..subject() }),
            ("state", Subject { state: Some(long.clone()), ..subject() }),
            ("locality", Subject { locality: Some(long), ..subject() }),
        ];
        for (field, subject) in wrong {
            assert_eq!(build(&subject, fixture::key(0)).err().unwrap().field(), Some(field));
        }
    }

    #[test]
    fn the_longest_subject_is_accepted_by_openssl_too() {
        let longest = Subject {
            common_name: "ü".repeat(64),
            organization: "ü".repeat(64),
            organizational_unit: Some("ü".repeat(64)),
            email: format!("{}@a.example", "m".repeat(118)),
            country: "DE".to_owned(),
            state: Some("ü".repeat(128)),
            locality: Some("ü".repeat(128)),
        };
        build(&longest, fixture::key(0)).unwrap();
    }

    #[test]
    fn weak_and_damaged_requests_are_told_apart() {
        let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        assert_eq!(check(&build(&subject(), &small).unwrap()).unwrap_err().code(), "certificate-request-key");
        let mut der = build(&subject(), fixture::key(0)).unwrap().to_der().unwrap();
        *der.last_mut().unwrap() ^= 1;
        let damaged = X509Req::from_der(&der).unwrap();
        assert_eq!(check(&damaged).unwrap_err().code(), "certificate-request-signature");
    }
}
