//! Signatures of OpenID providers (JWS, <https://www.rfc-editor.org/rfc/rfc7515>) and the keys they publish for them (JWK,
//! <https://www.rfc-editor.org/rfc/rfc7517>): RS256 and ES256, and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use openssl::sign::Verifier;
use serde::Deserialize;

/// The fewest bits of an RSA key (<https://www.rfc-editor.org/rfc/rfc7518#section-3.3>).
const RSA_BITS: u32 = 2_048;
/// The longest token that is read, in bytes.
const LONGEST: usize = 64 * 1_024;
/// Bytes of each of the two numbers of an ES256 signature.
const P256_BYTES: usize = 32;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
}

/// The keys of a provider that its tokens may be signed with.
#[derive(Clone, Debug)]
pub struct KeySet(Vec<Known>);

#[derive(Clone, Debug)]
struct Known {
    id: Option<String>,
    algorithm: Algorithm,
    key: PKey<Public>,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// This is no signed token.
    NoToken,
    /// It is signed in another way than with RS256 or ES256, or wants to be understood in a way that nobody here knows.
    Algorithm,
    /// None of the keys is meant: the provider may have changed them.
    UnknownKey,
    /// The signature is not that of the key that it names.
    Signature,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

impl KeySet {
    /// The usable keys of a provider's document; what else stands there is left out. None when it is no such document, or
    /// has no usable key.
    pub fn read(document: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(document).ok()?;
        let keys: Vec<Known> = document.keys.into_iter().filter_map(usable).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// What a token says, once one of these keys has signed it.
    ///
    /// # Errors
    /// The reason why it does not count.
    pub fn verify(&self, token: &str) -> Result<Vec<u8>, Unverified> {
        let mut parts = token.split('.');
        let (Some(head), Some(body), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Unverified::NoToken);
        };
        if token.len() > LONGEST {
            return Err(Unverified::NoToken);
        }
        let read = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unverified::NoToken);
        let header: Header = serde_json::from_slice(&read(head)?).map_err(|_| Unverified::NoToken)?;
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            _ => return Err(Unverified::Algorithm),
        };
        if header.crit.is_some() {
            return Err(Unverified::Algorithm);
        }
        let (payload, signature) = (read(body)?, read(signature)?);
        let signed = &token.as_bytes()[..head.len() + 1 + body.len()];
        // The key says what it is good for; the token has no say in it.
        let mut meant = self
            .0
            .iter()
            .filter(|known| known.algorithm == algorithm && (header.kid.is_none() || known.id == header.kid))
            .peekable();
        if meant.peek().is_none() {
            return Err(Unverified::UnknownKey);
        }
        if meant.any(|known| known.has_signed(signed, &signature).unwrap_or(false)) {
            return Ok(payload);
        }
        // A token that names no key may be signed with one that is new.
        Err(if header.kid.is_none() { Unverified::UnknownKey } else { Unverified::Signature })
    }
}

impl Known {
    fn has_signed(&self, signed: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
        match self.algorithm {
            Algorithm::Rs256 => {
                let mut verifier = Verifier::new(MessageDigest::sha256(), &self.key)?;
                verifier.verify_oneshot(signature, signed)
            }
            Algorithm::Es256 => {
                if signature.len() != 2 * P256_BYTES {
                    return Ok(false);
                }
                let (r, s) = signature.split_at(P256_BYTES);
                let signature =
                    EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
                let key = self.key.ec_key()?;
                signature.verify(&sha256(signed), &key)
            }
        }
    }
}

/// A key that can be used; none where it is of another kind, too short, or for something else.
fn usable(value: serde_json::Value) -> Option<Known> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let number = |text: &Option<String>| {
        BigNum::from_slice(&URL_SAFE_NO_PAD.decode(text.as_deref()?.trim_end_matches('=')).ok()?).ok()
    };
    let (algorithm, name, key) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let rsa = Rsa::from_public_components(number(&jwk.n)?, number(&jwk.e)?).ok()?;
            let key = PKey::from_rsa(rsa).ok()?;
            if key.bits() < RSA_BITS {
                return None;
            }
            (Algorithm::Rs256, "RS256", key)
        }
        ("EC", Some("P-256")) => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).ok()?;
            let key = EcKey::from_public_key_affine_coordinates(
                &group,
                number(&jwk.x)?.as_ref(),
                number(&jwk.y)?.as_ref(),
            )
            .ok()?;
            key.check_key().ok()?;
            (Algorithm::Es256, "ES256", PKey::from_ec_key(key).ok()?)
        }
        _ => return None,
    };
    if jwk.alg.is_some_and(|alg| alg != name) {
        return None;
    }
    Some(Known { id: jwk.kid, algorithm, key })
}

/// A provider's key with its private half, for tests.
#[cfg(test)]
pub(crate) mod signing {
    use openssl::pkey::Private;
    use openssl::sign::Signer;
    use serde_json::{Value, json};

    use super::*;

    /// A key that signs tokens.
    pub(crate) struct SigningKey {
        id: String,
        key: PKey<Private>,
    }

    impl SigningKey {
        /// A new RSA key.
        pub(crate) fn rsa(id: &str, bits: u32) -> Self {
            Self { id: id.into(), key: PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap() }
        }

        /// A new key on P-256.
        pub(crate) fn p256(id: &str) -> Self {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            let key = EcKey::generate(&group).unwrap();
            Self { id: id.into(), key: PKey::from_ec_key(key).unwrap() }
        }

        /// As the provider publishes it.
        pub(crate) fn public(&self) -> Value {
            let text = |number: &openssl::bn::BigNumRef| URL_SAFE_NO_PAD.encode(number.to_vec());
            if let Ok(rsa) = self.key.rsa() {
                return json!({"kty": "RSA", "use": "sig", "kid": self.id, "n": text(rsa.n()), "e": text(rsa.e())});
            }
            let key = self.key.ec_key().unwrap();
            let mut context = openssl::bn::BigNumContext::new().unwrap();
            let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
            key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context).unwrap();
            let whole = |number: &BigNum| URL_SAFE_NO_PAD.encode(number.to_vec_padded(32).unwrap());
            json!({"kty": "EC", "crv": "P-256", "kid": self.id, "alg": "ES256", "x": whole(&x), "y": whole(&y)})
        }

        /// A token with this header and these claims.
        pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = match self.key.ec_key() {
                Ok(key) => {
                    let made = EcdsaSig::sign(&sha256(signed.as_bytes()), &key).unwrap();
                    let numbers =
                        [made.r(), made.s()].map(|number| number.to_vec_padded(P256_BYTES as i32).unwrap());
                    numbers.concat()
                }
                Err(_) => {
                    let mut signer = Signer::new(MessageDigest::sha256(), &self.key).unwrap();
                    signer.sign_oneshot_to_vec(signed.as_bytes()).unwrap()
                }
            };
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }

        /// A token with these claims.
        pub(crate) fn sign(&self, claims: &Value) -> String {
            let alg = if self.key.ec_key().is_ok() { "ES256" } else { "RS256" };
            self.sign_with(&json!({"alg": alg, "kid": self.id, "typ": "JWT"}), claims)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::signing::SigningKey;
    use super::*;

    fn set(keys: &[Value]) -> Option<KeySet> {
        KeySet::read(json!({"keys": keys}).to_string().as_bytes())
    }

    #[test]
    fn tokens_of_both_kinds_are_told_from_forged_ones() {
        let (rsa, p256, foreign) =
            (SigningKey::rsa("a", 2_048), SigningKey::p256("b"), SigningKey::p256("b"));
        let keys =
            set(&[rsa.public(), json!({"kty": "oct", "k": "c2VjcmV0"}), json!(3), p256.public()]).unwrap();
        let claims = json!({"sub": "jo"});
        for key in [&rsa, &p256] {
            let token = key.sign(&claims);
            assert_eq!(keys.verify(&token).unwrap(), claims.to_string().as_bytes());
            let (rest, signature) = token.rsplit_once('.').unwrap();
            let (head, _) = rest.split_once('.').unwrap();
            let other = URL_SAFE_NO_PAD.encode(json!({"sub": "eve"}).to_string());
            assert_eq!(keys.verify(&format!("{head}.{other}.{signature}")), Err(Unverified::Signature));
            assert_eq!(keys.verify(&format!("{rest}.")), Err(Unverified::Signature));
        }
        assert_eq!(keys.verify(&foreign.sign(&claims)), Err(Unverified::Signature));
        // A key that the provider does not publish.
        assert_eq!(keys.verify(&SigningKey::p256("c").sign(&claims)), Err(Unverified::UnknownKey));
    }

    #[test]
    fn a_token_does_not_choose_how_it_is_checked() {
        let (rsa, p256) = (SigningKey::rsa("a", 2_048), SigningKey::p256("b"));
        let keys = set(&[rsa.public(), p256.public()]).unwrap();
        let claims = json!({"sub": "jo"});
        for header in [json!({"alg": "none"}), json!({"alg": "HS256", "kid": "a"}), json!({"alg": "RS512"})] {
            assert_eq!(keys.verify(&rsa.sign_with(&header, &claims)), Err(Unverified::Algorithm));
        }
        let critical = json!({"alg": "RS256", "kid": "a", "crit": ["b64"]});
        assert_eq!(keys.verify(&rsa.sign_with(&critical, &claims)), Err(Unverified::Algorithm));
        // A key of one kind is not taken for the other.
        let confused = p256.sign_with(&json!({"alg": "RS256", "kid": "b"}), &claims);
        assert_eq!(keys.verify(&confused), Err(Unverified::UnknownKey));
        for nothing in ["", "a.b", "a.b.c", "a.b.c.d", "!.!.!", &format!("{}.e30.e30", "a".repeat(LONGEST))] {
            assert_eq!(keys.verify(nothing), Err(Unverified::NoToken), "{nothing:.20}");
        }
    }

    #[test]
    fn a_token_without_a_keys_name_is_tried_with_all() {
        let (first, second) = (SigningKey::rsa("a", 2_048), SigningKey::rsa("b", 2_048));
        let token = second.sign_with(&json!({"alg": "RS256"}), &json!({}));
        let keys = set(&[first.public(), second.public()]).unwrap();
        assert!(keys.verify(&token).is_ok());
        assert_eq!(set(&[first.public()]).unwrap().verify(&token), Err(Unverified::UnknownKey));
    }

    #[test]
    fn keys_for_something_else_are_left_out() {
        let good = SigningKey::rsa("a", 2_048).public();
        let with = |name: &str, value: &str| {
            let mut key = good.clone();
            key[name] = value.into();
            key
        };
        assert!(set(&[with("alg", "RS256")]).is_some());
        let short = SigningKey::rsa("short", 1_024).public();
        let mut off_the_curve = SigningKey::p256("b").public();
        off_the_curve["y"] = off_the_curve["x"].clone();
        for bad in [
            with("use", "enc"),
            with("alg", "RSA-OAEP"),
            with("n", "!"),
            with("kty", "XY"),
            short,
            off_the_curve,
        ] {
            assert!(set(std::slice::from_ref(&bad)).is_none(), "{bad}");
        }
        assert!(set(&[]).is_none() && KeySet::read(b"<html>").is_none() && KeySet::read(b"{}").is_none());
    }
}
