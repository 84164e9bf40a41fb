//! Enrollment links: a token that people open, challenges that devices answer, the identities they obtain.

use bytes::Bytes;
use openssl::sha::sha256;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::link_challenge::CHALLENGE_SECONDS;
use super::link_terms::LinkTerms;
use crate::id::{Fingerprint, LinkId};
use crate::secret::{Secret, is_same};
use crate::time::Timestamp;

/// How long a link may live at most, in days.
pub const LONGEST_DAYS: i64 = 90;

/// What the store keeps of an enrollment link.
///
/// Fetching the profile does not use the link up, because messengers fetch links to preview them. Issuing the identity
/// does: the challenge inside a profile is good for one key. A link for one device has one challenge, derived from its
/// token; one for several gives each profile a challenge of its own ([`super::link_challenge`]).
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
    /// How often, for whom, on which devices.
    #[serde(default)]
    pub terms: LinkTerms,
    /// How many identities it obtained.
    #[serde(default)]
    pub used: u32,
    /// How many profiles with a challenge of their own were served.
    #[serde(default)]
    pub served: u32,
    /// When an administrator revoked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// What the challenge of a link for one device was used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<IssuedByLink>,
}

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LinkState {
    /// It enrolls devices.
    Open,
    /// It enrolled as many as it may.
    Used,
    /// Its time is over.
    Ended,
    /// An administrator revoked it.
    Revoked,
}

/// One device that a link enrolled, or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUse {
    /// The identity it obtained.
    pub fingerprint: Fingerprint,
    /// When.
    pub used_at: Timestamp,
    /// Ends with the link.
    pub expires_at: i64,
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
            terms: LinkTerms::default(),
            used: 0,
            served: 0,
            revoked_at: None,
            issued: None,
        }
    }

    /// Whether the link's time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.as_second() >= self.expires_at
    }

    /// When what one of its profiles promises ends, in unix seconds: with the link, and within an hour where the link makes
    /// a new promise to everyone who opens it.
    pub fn promise_ends(&self, now: Timestamp) -> i64 {
        if self.terms.is_single() { self.expires_at } else { self.hour_ends(now) }
    }

    /// An hour from now, or the link's end if that comes first, in unix seconds.
    pub fn hour_ends(&self, now: Timestamp) -> i64 {
        self.expires_at.min(now.as_second() + CHALLENGE_SECONDS)
    }

    /// Where it stands.
    pub fn state(&self, now: Timestamp) -> LinkState {
        let is_used_up = self.issued.is_some() || self.terms.uses.is_some_and(|uses| self.used >= uses);
        if self.revoked_at.is_some() {
            LinkState::Revoked
        } else if is_used_up {
            LinkState::Used
        } else if self.is_expired(now) {
            LinkState::Ended
        } else {
            LinkState::Open
        }
    }

    /// Whether `token` opens this link.
    pub fn admits(&self, token: &LinkToken) -> bool {
        is_same(&self.token_hash, hash(token.secret.expose()))
    }

    /// Whether a SCEP challenge with this secret half is this link's own: the one of a link for one device.
    pub fn accepts_challenge(&self, challenge: &LinkToken) -> bool {
        is_same(&self.challenge_hash, hash(challenge.secret.expose()))
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

pub(super) fn hash(text: &str) -> String {
    hex::encode(sha256(text.as_bytes()))
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
    fn where_a_link_stands() {
        let (link, _) = link();
        let (early, late) = (Timestamp::UNIX_EPOCH, crate::time::from_unix(60));
        let several = LinkTerms { uses: Some(3), ..LinkTerms::default() };
        let revoked = EnrollmentLink { revoked_at: Some(early), ..link.clone() };
        assert_eq!((link.state(early), link.state(late)), (LinkState::Open, LinkState::Ended));
        assert_eq!(revoked.state(late), LinkState::Revoked);
        assert_eq!(EnrollmentLink { used: 1, ..link.clone() }.state(late), LinkState::Used);
        let several = EnrollmentLink { used: 2, terms: several, ..link };
        assert_eq!(several.state(early), LinkState::Open);
        assert_eq!(EnrollmentLink { used: 3, ..several.clone() }.state(early), LinkState::Used);
        let unlimited = LinkTerms { uses: None, ..LinkTerms::default() };
        assert_eq!(EnrollmentLink { used: 99, terms: unlimited, ..several }.state(early), LinkState::Open);
    }

    #[test]
    fn a_promise_ends_within_the_hour_unless_there_is_only_one() {
        let (link, _) = link();
        let long = EnrollmentLink { expires_at: 86_400, ..link.clone() };
        let several = LinkTerms { uses: None, ..LinkTerms::default() };
        let shared = EnrollmentLink { terms: several, ..long.clone() };
        let start = Timestamp::UNIX_EPOCH;
        assert_eq!((long.promise_ends(start), shared.promise_ends(start)), (86_400, CHALLENGE_SECONDS));
        assert_eq!(link.hour_ends(start), 60);
    }

    #[test]
    fn a_link_ends_at_its_time() {
        let (link, _) = link();
        assert!(!link.is_expired(crate::time::from_unix(59)));
        assert!(link.is_expired(crate::time::from_unix(60)));
    }
}
