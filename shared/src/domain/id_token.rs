//! What a provider vouches for, in a token whose signature was verified before
//! (<https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::sha::sha256;
use serde::Deserialize;
use serde_json::Value;

use super::contact::EmailAddress;
use super::member::member_address;
use crate::error::{Error, Result};
use crate::secret::{Secret, is_same};
use crate::time::Timestamp;

/// By how many seconds the provider's clock may be wrong.
const LEEWAY: f64 = 60.0;
/// Google vouches for everybody, not for one organization.
const GOOGLE: &str = "https://accounts.google.com";

/// What a token must say.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// Who said it.
    pub issuer: &'a str,
    /// To whom.
    pub client_id: &'a str,
    /// What was sent with the browser.
    pub nonce: &'a str,
    /// What came along with it.
    pub access_token: Option<&'a Secret<String>>,
    /// The present moment.
    pub now: Timestamp,
}

/// Whom a token is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The provider's name for the person.
    pub id: String,
    /// The address; none where the token has none.
    pub address: Option<EmailAddress>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    nonce: Option<String>,
    at_hash: Option<String>,
    #[serde(flatten)]
    mail: Mail,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What stands in a token as well as among the provider's information about somebody.
#[derive(Deserialize)]
struct Mail {
    email: Option<String>,
    email_verified: Option<Value>,
    hd: Option<String>,
}

/// Reads a token's claims and checks them.
///
/// # Errors
/// Unauthenticated (`openid-token`) when it was not made by this issuer, for this server, for this sign-in, now; Forbidden
/// (`openid-address`) when the provider does not stand by the address.
pub fn check(payload: &[u8], expected: &Expected<'_>) -> Result<Subject> {
    let claims: Claims =
        serde_json::from_slice(payload).map_err(|cause| refused("lacks what it must say").because(cause))?;
    let now = expected.now.as_second() as f64;
    if claims.iss != expected.issuer {
        return Err(refused("was made by another issuer"));
    }
    let (is_meant, is_alone) = match &claims.aud {
        Audience::One(one) => (one == expected.client_id, true),
        Audience::Several(several) => {
            (several.iter().any(|each| each == expected.client_id), several.len() == 1)
        }
    };
    if !is_meant {
        return Err(refused("was made for another client"));
    }
    let by = claims.azp.as_deref();
    if by.is_some_and(|party| party != expected.client_id) || (by.is_none() && !is_alone) {
        return Err(refused("was made at the request of another client"));
    }
    if claims.exp + LEEWAY <= now {
        return Err(refused("has ended"));
    }
    if claims.nbf.into_iter().chain(claims.iat).any(|begin| begin - LEEWAY > now) {
        return Err(refused("is from the future"));
    }
    if !claims.nonce.is_some_and(|nonce| is_same(&nonce, expected.nonce)) {
        return Err(refused("was made for another sign-in"));
    }
    if let (Some(hash), Some(access_token)) = (&claims.at_hash, expected.access_token) {
        let half = &sha256(access_token.expose().as_bytes())[..16];
        if !is_same(hash, URL_SAFE_NO_PAD.encode(half)) {
            return Err(refused("belongs to another access token"));
        }
    }
    let address = claims.mail.address(expected.issuer)?;
    Ok(Subject { id: claims.sub, address })
}

/// The address in the provider's information about who signed in.
///
/// # Errors
/// Unauthenticated when it is about somebody else; Forbidden as [`check`].
pub fn check_information(document: &[u8], issuer: &str, subject: &Subject) -> Result<Option<EmailAddress>> {
    #[derive(Deserialize)]
    struct Information {
        sub: String,
        #[serde(flatten)]
        mail: Mail,
    }
    let found: Information = serde_json::from_slice(document)
        .map_err(|cause| refused("came with information that cannot be read").because(cause))?;
    if found.sub != subject.id {
        return Err(refused("came with information about somebody else"));
    }
    found.mail.address(issuer)
}

impl Mail {
    fn address(self, issuer: &str) -> Result<Option<EmailAddress>> {
        let Some(email) = self.email.filter(|email| !email.is_empty()) else { return Ok(None) };
        let address = member_address(&email).map_err(|cause| unsure("cannot be read").because(cause))?;
        // Some write it as a text.
        let verified = match &self.email_verified {
            Some(Value::Bool(verified)) => Some(*verified),
            Some(Value::String(text)) => Some(text == "true"),
            Some(Value::Null) | None => None,
            Some(Value::Number(_) | Value::Array(_) | Value::Object(_)) => Some(false),
        };
        if verified == Some(false) {
            return Err(unsure("is not verified"));
        }
        // <https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload>: for other addresses than its own,
        // Google knows only of those of a Workspace who reads the mails there today.
        let is_googles =
            address.as_str().ends_with("@gmail.com") || (verified.is_some() && self.hd.is_some());
        if issuer == GOOGLE && !is_googles {
            return Err(unsure("belongs to no Google Workspace"));
        }
        Ok(Some(address))
    }
}

/// The refusal of a token.
pub fn refused(why: &str) -> Error {
    Error::unauthenticated("openid-token", format!("The provider's answer does not count: its token {why}."))
        .next("Sign in again. If it happens again, tell an administrator of your organization.")
}

fn unsure(why: &str) -> Error {
    Error::forbidden("openid-address", format!("The address that the provider gave {why}."))
        .next("Ask your organization to correct it at the provider.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Kind;
    use crate::time::from_unix;

    const ISSUER: &str = "https://login.example.com";

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "sub": "248289761001", "aud": "client", "exp": 2_000, "iat": 1_000, "nonce": "n-0S6_WzA2Mj",
            "email": "Jo@School.example", "email_verified": true,
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    fn judge(claims: &Value, issuer: &str, now: i64) -> Result<Subject> {
        let access_token = Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y".to_owned());
        let expected = Expected {
            issuer,
            client_id: "client",
            nonce: "n-0S6_WzA2Mj",
            access_token: Some(&access_token),
            now: from_unix(now),
        };
        check(claims.to_string().as_bytes(), &expected)
    }

    #[test]
    fn a_token_says_who_it_is() {
        // The hash of OpenID Connect Core, appendix A.3.
        for claims in [
            claims(),
            with("aud", json!(["client"])),
            with("azp", json!("client")),
            with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")),
            with("email_verified", Value::Null),
            with("email_verified", json!("true")),
            with("exp", json!(2_000.5)),
        ] {
            let subject = judge(&claims, ISSUER, 1_500).unwrap();
            assert_eq!(subject.id, "248289761001");
            assert_eq!(subject.address.unwrap().as_str(), "jo@school.example", "{claims}");
        }
        let mut several = with("aud", json!(["client", "other"]));
        several["azp"] = json!("client");
        assert!(judge(&several, ISSUER, 1_500).is_ok());
        for nothing in [Value::Null, json!("")] {
            assert_eq!(judge(&with("email", nothing), ISSUER, 1_500).unwrap().address, None);
        }
    }

    #[test]
    fn a_minute_is_forgiven_to_each_sides_clock() {
        for now in [940, 2_059] {
            assert!(judge(&claims(), ISSUER, now).is_ok(), "{now}");
        }
        for (now, words) in [(939, "is from the future"), (2_060, "has ended")] {
            assert!(judge(&claims(), ISSUER, now).unwrap_err().to_string().contains(words), "{now}");
        }
    }

    #[test]
    fn each_claim_that_is_wrong_is_named() {
        for (name, value, words) in [
            ("iss", json!("https://login.example.com/"), "was made by another issuer"),
            ("aud", json!("other"), "was made for another client"),
            ("aud", json!(["other", "third"]), "was made for another client"),
            ("aud", json!(["client", "other"]), "at the request of another client"),
            ("azp", json!("other"), "at the request of another client"),
            ("exp", json!(1_000), "has ended"),
            ("nbf", json!(1_600), "is from the future"),
            ("iat", json!(1_600), "is from the future"),
            ("nonce", json!("n-other"), "was made for another sign-in"),
            ("nonce", Value::Null, "was made for another sign-in"),
            ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RA"), "belongs to another access token"),
            ("sub", Value::Null, "lacks what it must say"),
            ("exp", json!("soon"), "lacks what it must say"),
        ] {
            let error = judge(&with(name, value), ISSUER, 1_500).unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Unauthenticated, "openid-token"), "{name}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn the_provider_must_stand_by_the_address() {
        for (name, value, words) in [
            ("email_verified", json!(false), "is not verified"),
            ("email_verified", json!("false"), "is not verified"),
            ("email_verified", json!(1), "is not verified"),
            ("email", json!("jo"), "cannot be read"),
        ] {
            let error = judge(&with(name, value), ISSUER, 1_500).unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Forbidden, "openid-address"));
            assert!(error.to_string().contains(words), "{error}");
        }
        // Google knows accounts with anybody's address.
        let mut google = with("iss", json!(GOOGLE));
        let error = judge(&google, GOOGLE, 1_500).unwrap_err();
        assert!(error.to_string().contains("belongs to no Google Workspace"), "{error}");
        google["hd"] = json!("school.example");
        assert!(judge(&google, GOOGLE, 1_500).is_ok());
        google["email_verified"] = Value::Null;
        assert!(judge(&google, GOOGLE, 1_500).is_err());
        google["hd"] = Value::Null;
        google["email"] = json!("jo@gmail.com");
        assert!(judge(&google, GOOGLE, 1_500).is_ok());
    }

    #[test]
    fn information_is_about_the_same_person() {
        let subject = Subject { id: "1".into(), address: None };
        let read = |document: &Value| check_information(document.to_string().as_bytes(), ISSUER, &subject);
        let found = read(&json!({"sub": "1", "email": "jo@school.example"})).unwrap();
        assert_eq!(found.unwrap().as_str(), "jo@school.example");
        assert_eq!(read(&json!({"sub": "1"})).unwrap(), None);
        for (document, words) in [
            (json!({"sub": "2", "email": "jo@school.example"}), "about somebody else"),
            (json!([]), "cannot be read"),
            (json!({"sub": "1", "email": "jo@school.example", "email_verified": false}), "is not verified"),
        ] {
            assert!(read(&document).unwrap_err().to_string().contains(words), "{document}");
        }
    }
}
