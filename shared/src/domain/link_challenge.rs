//! SCEP challenges of enrollment links: each is good for one key.

use serde::{Deserialize, Serialize};

use super::identity_name::{IdentityKind, IdentityName};
use super::link::{IssuedByLink, LinkToken, hash, same};
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long the challenge in a profile of a link for several devices is good, in seconds. A device drops a profile that
/// is not installed within minutes; a Mac's user may be called away.
pub const CHALLENGE_SECONDS: i64 = 3_600;
/// How many such challenges a link has at most. The next one takes the oldest one's place.
pub const OUTSTANDING: u32 = 1_000;

/// What stands in a profile as SCEP challenge.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Link and secret half.
    pub token: LinkToken,
    /// Which profile of a link for several devices; `None` for a link for one.
    pub number: Option<u32>,
}

/// What the store keeps of the challenge in one profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkChallenge {
    /// Which profile of the link: 1 for the first.
    pub served: u32,
    /// SHA-256 of the secret half, in hex.
    pub challenge_hash: String,
    /// When it ends, in unix seconds.
    pub expires_at: i64,
    /// What it was used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<IssuedByLink>,
}

impl Challenge {
    /// Reads `<link>.<secret>` or `<link>.<number>.<secret>`; `None` when it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let token = LinkToken::parse(text)?;
        let Some((number, secret)) = token.secret.expose().split_once('.') else {
            return Some(Self { token, number: None });
        };
        let (number, secret) = (number.parse().ok()?, Secret::new(secret.to_owned()));
        Some(Self { token: LinkToken { secret, ..token }, number: Some(number) })
    }

    /// The text for a profile.
    pub fn reveal(&self) -> Secret<String> {
        match self.number {
            None => self.token.reveal(),
            Some(number) => Secret::new(format!("{}.{number}.{}", self.token.id, self.token.secret.expose())),
        }
    }

    /// Who asks with it, as the identity's subject names the device.
    pub fn name(&self) -> IdentityName {
        IdentityName { kind: IdentityKind::Requested, link: self.token.id.clone(), number: self.number }
    }
}

/// When the challenge in a profile served now ends, in unix seconds.
pub(super) fn challenge_ends(now: Timestamp, link_expires_at: i64) -> i64 {
    link_expires_at.min(now.as_second() + CHALLENGE_SECONDS)
}

impl LinkChallenge {
    /// The record of a profile's challenge, which ends with its link at the latest.
    pub fn create(number: u32, secret: &Secret<String>, now: Timestamp, link_expires_at: i64) -> Self {
        Self {
            served: number,
            challenge_hash: hash(secret.expose()),
            expires_at: challenge_ends(now, link_expires_at),
            issued: None,
        }
    }

    /// Whether `challenge` is this one, and its time is not over.
    pub fn accepts(&self, challenge: &Challenge, now: Timestamp) -> bool {
        challenge.number == Some(self.served)
            && now.as_second() < self.expires_at
            && same(&self.challenge_hash, &hash(challenge.token.secret.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LinkId;
    use crate::time::from_unix;

    fn challenge(number: Option<u32>) -> Challenge {
        Challenge { token: LinkToken::new(LinkId::from([3; 10]), Secret::new("s3cret".into())), number }
    }

    #[test]
    fn both_forms_are_read_as_they_were_written() {
        for number in [None, Some(7)] {
            let read = Challenge::parse(challenge(number).reveal().expose()).unwrap();
            assert_eq!((read.number, read.token.secret.expose().as_str()), (number, "s3cret"));
            assert_eq!(read.name(), challenge(number).name());
        }
        for other in ["", "x", "aaaaaaaaaaaaaaaa.x.y"] {
            assert!(Challenge::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_challenge_is_good_for_its_number_and_its_hour() {
        let secret = Secret::new("s3cret".to_owned());
        let kept = LinkChallenge::create(7, &secret, from_unix(0), 86_400);
        let last = from_unix(CHALLENGE_SECONDS - 1);
        assert!(kept.accepts(&challenge(Some(7)), last));
        assert!(!kept.accepts(&challenge(Some(7)), from_unix(CHALLENGE_SECONDS)));
        assert!(!kept.accepts(&challenge(Some(8)), last) && !kept.accepts(&challenge(None), last));
        let other = LinkChallenge::create(7, &Secret::new("other".to_owned()), from_unix(0), 86_400);
        assert!(!other.accepts(&challenge(Some(7)), last));
        assert_eq!(LinkChallenge::create(7, &secret, from_unix(0), 60).expires_at, 60);
    }
}
