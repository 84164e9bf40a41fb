//! The SCEP challenge by which one device renews its identity: good for one key, in this tenant, for this enrollment, under this
//! subject.

use serde::{Deserialize, Serialize};

use super::link::{IssuedByLink, hash};
use super::renewal::WAITS;
use crate::id::{EnrollmentId, Fingerprint, RenewalId};
use crate::secret::{Secret, is_same};
use crate::time::{DAY, Timestamp};

/// What such a challenge begins with, so that it is not taken for a link's.
const PREFIX: &str = "renewal.";

/// What stands in the profile.
#[derive(Clone, Debug)]
pub struct RenewalToken {
    /// Which challenge.
    pub id: RenewalId,
    /// The secret half.
    pub secret: Secret<String>,
}

impl RenewalToken {
    /// Reads `renewal.<id>.<secret>`; `None` when it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('.')?;
        Some(Self { id: id.parse().ok()?, secret: Secret::new(secret.to_owned()) })
    }

    /// The text for a profile.
    pub fn reveal(&self) -> Secret<String> {
        Secret::new(format!("{PREFIX}{}.{}", self.id, self.secret.expose()))
    }
}

/// What the store keeps of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenewalChallenge {
    /// The public half.
    pub id: RenewalId,
    /// SHA-256 of the secret half, in hex.
    pub challenge_hash: String,
    /// Whose identity it renews.
    pub enrollment: EnrollmentId,
    /// The identity that the new one renews.
    pub renews: Fingerprint,
    /// Whether an authority from elsewhere issues: then the name in the certificate is the proof, and no challenge of ours.
    #[serde(default)]
    pub external: bool,
    /// The subject of the new one, outermost first: attribute and value.
    pub subject: Vec<(String, String)>,
    /// When it ends, in unix seconds: a day after its command, which may be fetched in the last moment.
    pub expires_at: i64,
    /// What it was used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<IssuedByLink>,
}

impl RenewalChallenge {
    /// The record of a token's challenge.
    pub fn create(
        token: &RenewalToken,
        enrollment: EnrollmentId,
        renews: Fingerprint,
        subject: Vec<(String, String)>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: token.id.clone(),
            challenge_hash: hash(token.secret.expose()),
            enrollment,
            renews,
            external: false,
            subject,
            expires_at: now.as_second() + WAITS + DAY,
            issued: None,
        }
    }

    /// Whether its time is not over.
    pub fn lasts(&self, now: Timestamp) -> bool {
        now.as_second() < self.expires_at
    }

    /// Whether the token is this one's, and its time is not over.
    pub fn accepts(&self, token: &RenewalToken, now: Timestamp) -> bool {
        !self.external && self.lasts(now) && is_same(&self.challenge_hash, hash(token.secret.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::link::LinkToken;
    use crate::time::from_unix;

    fn token() -> RenewalToken {
        RenewalToken { id: RenewalId::from([3; 10]), secret: Secret::new("s3cret".to_owned()) }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_never_taken_for_a_links() {
        let text = token().reveal();
        let read = RenewalToken::parse(text.expose()).unwrap();
        assert_eq!((read.id, read.secret.expose().as_str()), (token().id, "s3cret"));
        assert!(LinkToken::parse(text.expose()).is_none());
        for other in ["", "renewal.", "renewal.x.y", "aaaaaaaaaaaaaaaa.s3cret"] {
            assert!(RenewalToken::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn it_outlives_its_command_by_a_day() {
        let id: EnrollmentId = "D-1".parse().unwrap();
        let kept = RenewalChallenge::create(&token(), id, Fingerprint::of(b"1"), Vec::new(), from_unix(0));
        assert!(kept.accepts(&token(), from_unix(31 * DAY - 1)));
        assert!(!kept.accepts(&token(), from_unix(31 * DAY)));
        let other = RenewalToken { secret: Secret::new("other".to_owned()), ..token() };
        assert!(!kept.accepts(&other, from_unix(0)));
    }
}
