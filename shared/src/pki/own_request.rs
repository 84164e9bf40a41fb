//! A certificate request that a customer made elsewhere, and what any request says.

use openssl::nid::Nid;
use openssl::x509::{X509Req, X509ReqRef};
use serde::{Deserialize, Serialize};

use super::certificate::name_value;
use super::csr::Subject;
use super::{key, pem};
use crate::error::{Error, Result};
use crate::id::Fingerprint;

/// The subject of a request. A request made elsewhere may leave out anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestSubject {
    /// Common name.
    pub common_name: Option<String>,
    /// Organization.
    pub organization: Option<String>,
    /// Organizational unit.
    pub organizational_unit: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// State or province.
    pub state: Option<String>,
    /// City.
    pub locality: Option<String>,
}

impl RequestSubject {
    /// What stands in a request.
    pub fn of(request: &X509ReqRef) -> Self {
        let value = |attribute| name_value(request.subject_name(), attribute);
        Self {
            common_name: value(Nid::COMMONNAME),
            organization: value(Nid::ORGANIZATIONNAME),
            organizational_unit: value(Nid::ORGANIZATIONALUNITNAME),
            email: value(Nid::PKCS9_EMAILADDRESS),
            country: value(Nid::COUNTRYNAME),
            state: value(Nid::STATEORPROVINCENAME),
            locality: value(Nid::LOCALITYNAME),
        }
    }
}

impl From<Subject> for RequestSubject {
    fn from(subject: Subject) -> Self {
        Self {
            common_name: Some(subject.common_name),
            organization: Some(subject.organization),
            organizational_unit: subject.organizational_unit,
            email: Some(subject.email),
            country: Some(subject.country),
            state: subject.state,
            locality: subject.locality,
        }
    }
}

/// The key that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Its size.
    pub bits: u32,
    /// SHA-256 of the public key (SubjectPublicKeyInfo).
    pub fingerprint: Fingerprint,
}

impl RequestKey {
    /// The key of a request.
    ///
    /// # Errors
    /// `certificate-request-unreadable` when it is of a kind that nobody knows.
    pub fn of(request: &X509ReqRef) -> Result<Self> {
        let key = request.public_key().map_err(|cause| unreadable().because(cause))?;
        Ok(Self { bits: key.bits(), fingerprint: key::fingerprint(&key)? })
    }
}

/// Reads the one request of a PEM, DER or base64 file. Whether it is good is for [`super::csr::check`] to say.
///
/// # Errors
/// `certificate-request-unreadable`.
pub fn read(file: &[u8]) -> Result<X509Req> {
    let text = String::from_utf8_lossy(file);
    let blocks = pem::blocks(&text);
    let mut requests = blocks.iter().filter(|block| block.label.ends_with("CERTIFICATE REQUEST"));
    let der = match (requests.next(), requests.next()) {
        (Some(block), None) => block.der(),
        (Some(_), Some(_)) => None,
        (None, _) => Some(pem::decode_base64(&text).unwrap_or_else(|| file.to_vec())),
    };
    X509Req::from_der(&der.ok_or_else(unreadable)?).map_err(|cause| unreadable().because(cause))
}

fn unreadable() -> Error {
    Error::malformed("certificate-request-unreadable", "The file is not a certificate request (PKCS#10).")
        .at("csr")
        .next("Give one request as PEM, DER or base64, as \"openssl req -new\" or Keychain Access makes it.")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::{csr, fixture};
    use super::*;

    fn subject() -> Subject {
        Subject {
            common_name: "Schule Süd".to_owned(),
            organization: "Schule".to_owned(),
            organizational_unit: None,
            email: "mdm@schule.example".to_owned(),
            country: "DE".to_owned(),
            state: None,
            locality: Some("Köln".to_owned()),
        }
    }

    #[test]
    fn a_request_is_read_from_every_form_and_says_what_was_put_in() {
        let request = csr::build(&subject(), fixture::key(0)).unwrap();
        let der = request.to_der().unwrap();
        let forms = [der.clone(), request.to_pem().unwrap(), STANDARD.encode(&der).into_bytes()];
        for form in forms {
            let found = read(&form).unwrap();
            assert_eq!(RequestSubject::of(&found), subject().into());
            let key = RequestKey::of(&found).unwrap();
            assert_eq!(key.bits, 2_048);
            assert_eq!(key.fingerprint, key::fingerprint(fixture::key(0)).unwrap());
            assert_ne!(key.fingerprint, key::fingerprint(fixture::key(1)).unwrap());
        }
    }

    #[test]
    fn other_files_are_no_requests() {
        let pem = csr::build(&subject(), fixture::key(0)).unwrap().to_pem().unwrap();
        let twice = [pem.clone(), pem].concat();
        let key = fixture::key(0).private_key_to_pem_pkcs8().unwrap();
        for file in [&b""[..], b"words", &twice, &key] {
            let error = read(file).err().unwrap();
            assert_eq!((error.code(), error.field()), ("certificate-request-unreadable", Some("csr")));
        }
    }
}
