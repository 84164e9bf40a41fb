//! Enrollment links: one token, one challenge, one identity.

use bytes::Bytes;
use openssl::memcmp;
use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

use crate::id::LinkId;
use crate::secret::Secret;
use crate::time::Timestamp;

/// What the store keeps of an enrollment link.
///
/// Fetching the profile does not use the link up, because messengers fetch links to preview them. Issuing the identity
/// does: the challenge inside the profile is good for one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnrollmentLink {
    /// The public half of token and challenge.
    pub id: LinkId,
    /// SHA-256 of the token's secret half, in hex.
    pub token_hash: String,
    /// SHA-256 of the challenge's secret half, in hex.
    pub challenge_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, in unix seconds (DynamoDB's TTL reads it; readers compare it themselves).
    pub expires_at: i64,
    /// What it was used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<IssuedByLink>,
}

/// The one identity that a link's challenge obtained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssuedByLink {
    /// SHA-256 of the requested public key, in hex: the same key may ask again, after a lost answer.
    pub key_hash: String,
    /// The certificate, so that the same key gets the same answer.
    pub certificate: Bytes,
}

impl EnrollmentLink {
    /// A link, and the secret half of its token, from 32 random bytes.
    pub fn create(id: LinkId, secret: &Secret<String>, now: Timestamp, lifetime_seconds: i64) -> Self {
        Self {
            id,
            token_hash: hash(secret.expose()),
            challenge_hash: hash(challenge_secret(secret).expose()),
            created_at: now,
            expires_at: now.as_second() + lifetime_seconds,
            issued: None,
        }
    }

    /// Whether the link's time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.as_second() >= self.expires_at
    }

    /// Whether `token` opens this link.
    pub fn admits(&self, token: &LinkToken) -> bool {
        same(&self.token_hash, &hash(token.secret.expose()))
    }

    /// Whether a SCEP challenge with this secret half is this link's.
    pub fn accepts_challenge(&self, challenge: &LinkToken) -> bool {
        same(&self.challenge_hash, &hash(challenge.secret.expose()))
    }
}

/// `<link>.<secret>`: what stands in a link's URL, and, with another secret, in the SCEP challenge.
#[derive(Clone, Debug)]
pub struct LinkToken {
    /// Which link.
    pub id: LinkId,
    /// The secret half.
    pub secret: Secret<String>,
}

impl LinkToken {
    /// The token of a link.
    pub fn new(id: LinkId, secret: Secret<String>) -> Self {
        Self { id, secret }
    }

    /// Reads `<link>.<secret>`; `None` when it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once('.')?;
        Some(Self { id: id.parse().ok()?, secret: Secret::new(secret.to_owned()) })
    }

    /// The text for a URL or a profile.
    pub fn reveal(&self) -> Secret<String> {
        Secret::new(format!("{}.{}", self.id, self.secret.expose()))
    }

    /// The SCEP challenge that belongs to this link token: derived, so that a link served twice gives one profile.
    pub fn challenge(&self) -> Self {
        Self { id: self.id.clone(), secret: challenge_secret(&self.secret) }
    }
}

/// Hex of the SHA-256 of a public key's DER, as [`IssuedByLink::key_hash`] holds it.
pub fn key_hash(public_key_der: &[u8]) -> String {
    hex::encode(sha256(public_key_der))
}

fn challenge_secret(secret: &Secret<String>) -> Secret<String> {
    Secret::new(hash(&format!("scep-challenge:{}", secret.expose())))
}

fn hash(text: &str) -> String {
    hex::encode(sha256(text.as_bytes()))
}

fn same(left: &str, right: &str) -> bool {
    left.len() == right.len() && memcmp::eq(left.as_bytes(), right.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> (EnrollmentLink, LinkToken) {
        let token = LinkToken::new(LinkId::from([3; 10]), Secret::new("s3cret".into()));
        (EnrollmentLink::create(token.id.clone(), &token.secret, Timestamp::UNIX_EPOCH, 60), token)
    }

    #[test]
    fn token_and_challenge_open_different_doors() {
        let (link, token) = link();
        let token = LinkToken::parse(token.reveal().expose()).unwrap();
        assert!(link.admits(&token));
        assert!(!link.accepts_challenge(&token));
        assert!(link.accepts_challenge(&token.challenge()));
        assert!(!link.admits(&token.challenge()));
    }

    #[test]
    fn a_link_ends_at_its_time() {
        let (link, _) = link();
        assert!(!link.is_expired(crate::time::from_unix(59)));
        assert!(link.is_expired(crate::time::from_unix(60)));
    }
}
