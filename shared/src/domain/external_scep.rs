//! A SCEP server of the tenant's own: its devices get their identities there, from the tenant's own authority.

use bytes::Bytes;
use openssl::hash::{MessageDigest, hash};
use openssl::sha::sha1;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::id::{Fingerprint, KeyId};
use crate::time::Timestamp;

/// For how long a fetched challenge is counted on, in seconds: NDES lets go of it after an hour.
pub const FETCHED_LASTS: i64 = 50 * 60;
/// The longest URL, and the longest of the other texts, in characters.
const LONGEST_URL: usize = 2_000;
const LONGEST_TEXT: usize = 256;

/// Such a server, as profiles name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalScep {
    /// Where devices ask.
    pub url: String,
    /// Which of the server's authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-1 or MD5 of the authority's certificate: devices compare it with what the server answers.
    pub ca_fingerprint: Bytes,
    /// Who issues.
    pub authorities: Vec<ExternalAuthority>,
    /// Where the challenge in each profile comes from.
    pub challenge: ChallengeSource,
}

impl ExternalScep {
    /// The fingerprint in hex.
    pub fn ca_fingerprint_hex(&self) -> String {
        hex::encode(&self.ca_fingerprint)
    }
}

/// An authority of the tenant's own, as the settings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExternalAuthority {
    /// Its common name.
    pub common_name: String,
    /// SHA-256 of its certificate.
    #[schema(value_type = String)]
    pub fingerprint: Fingerprint,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
}

/// Where challenges come from. Secrets are in the secret store, under these names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChallengeSource {
    /// The same in every profile.
    Static {
        /// Names it.
        secret: KeyId,
    },
    /// A new one for each profile, from NDES's page for administrators.
    Fetched {
        /// The page.
        url: String,
        /// Who asks for it.
        user: String,
        /// Names the user's password.
        secret: KeyId,
    },
}

impl ChallengeSource {
    /// Names its secret.
    pub fn secret(&self) -> &KeyId {
        match self {
            Self::Static { secret } | Self::Fetched { secret, .. } => secret,
        }
    }

    /// Whether a challenge lasts for an hour only.
    pub fn is_fetched(&self) -> bool {
        match self {
            Self::Static { .. } => false,
            Self::Fetched { .. } => true,
        }
    }
}

/// The refusal of a field of `external_scep`.
pub fn wrong(field: &'static str, message: impl Into<String>) -> Error {
    Error::malformed("external-scep", message).at(format!("external_scep.{field}"))
}

/// Checks where devices ask. They may reach what this server cannot, and SCEP enciphers by itself for the authority whose
/// fingerprint the profile tells: so http is as good, which is what NDES has.
///
/// # Errors
/// Malformed, with the reason.
pub fn check_url(text: &str) -> Result<()> {
    let refuse = |why: &str| Err(wrong("url", format!("The SCEP server's URL {why}.")));
    if text.len() > LONGEST_URL {
        return refuse("is longer than 2,000 characters");
    }
    let Ok(url) = Url::parse(text) else { return refuse("cannot be read") };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return refuse("does not begin with http:// or https:// and a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a user or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("has a query or a fragment: devices add their own query");
    }
    Ok(())
}

/// Checks a text that is sent on: not empty, not too long, on one line.
///
/// # Errors
/// Malformed, naming the field.
pub fn check_text(field: &'static str, text: &str) -> Result<()> {
    let length = text.chars().count();
    if (1..=LONGEST_TEXT).contains(&length) && !text.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(wrong(field, format!("It has 1 to {LONGEST_TEXT} characters, on one line.")))
    }
}

/// The fingerprint for profiles: as it was given, if it is that of one of these certificates (DER), else SHA-1 of the first.
///
/// # Errors
/// Malformed when it is neither SHA-1 nor MD5, or of none of them.
pub fn fingerprint(given: Option<&str>, certificates: &[Vec<u8>]) -> Result<Bytes> {
    let refuse = |message: &str| wrong("ca_fingerprint", message);
    let Some(given) = given else {
        let first = certificates.first().ok_or_else(|| Error::internal("no certificate"))?;
        return Ok(Bytes::copy_from_slice(&sha1(first)));
    };
    let digits: String = given.chars().filter(|sign| !sign.is_whitespace() && *sign != ':').collect();
    let given = hex::decode(&digits).map_err(|_| refuse("It is not written in hexadecimal digits."))?;
    let digest = match given.len() {
        20 => MessageDigest::sha1(),
        16 => MessageDigest::md5(),
        _ => return Err(refuse("Devices compare SHA-1 (40 digits) or MD5 (32 digits), nothing else.")),
    };
    let mut matches = false;
    for certificate in certificates {
        matches |= *hash(digest, certificate).map_err(Error::internal)? == *given;
    }
    if matches {
        Ok(given.into())
    } else {
        Err(refuse("It is the fingerprint of none of the certificates in \"authority\"."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_may_ask_where_this_server_cannot() {
        for good in ["http://ndes.school.lan/certsrv/mscep/mscep.dll", "https://10.0.0.7/scep"] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        let long = format!("https://ca.example/{}", "x".repeat(2_000));
        for bad in [
            "",
            "ftp://ca.example",
            "file:///etc/passwd",
            "https://u:p@ca.example/",
            "http://ca.example/?a=b",
            "https://ca.example/#a",
            &long,
        ] {
            let error = check_url(bad).unwrap_err();
            assert_eq!((error.code(), error.field()), ("external-scep", Some("external_scep.url")), "{bad}");
        }
    }

    #[test]
    fn a_fingerprint_is_one_of_the_authoritys() {
        let certificates = [b"first".to_vec(), b"second".to_vec()];
        assert_eq!(fingerprint(None, &certificates).unwrap(), sha1(b"first").to_vec());
        let sha = hex::encode(sha1(b"second"));
        let spaced = sha.as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(":");
        for text in [&sha, &sha.to_uppercase(), &spaced] {
            assert_eq!(fingerprint(Some(text), &certificates).unwrap(), sha1(b"second").to_vec());
        }
        // MD5 of "first".
        assert_eq!(fingerprint(Some("8b04d5e3775d298e78455efc5ca404d5"), &certificates).unwrap().len(), 16);
        for bad in ["", "xy", &sha[2..], &hex::encode(sha1(b"third")), "8b04d5e3775d298e78455efc5ca404d6"] {
            let error = fingerprint(Some(bad), &certificates).unwrap_err();
            assert_eq!(error.field(), Some("external_scep.ca_fingerprint"), "{bad}");
        }
    }

    #[test]
    fn texts_are_on_one_line() {
        assert!(check_text("name", "NDES").is_ok());
        for bad in ["", "a\nb", &"x".repeat(257)] {
            assert_eq!(check_text("name", bad).unwrap_err().field(), Some("external_scep.name"));
        }
    }
}
