//! SCEP challenges of enrollment links: each is good for one key.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::identity_name::{IdentityKind, IdentityName};
use super::link::{IssuedByLink, LinkToken, hash};
use super::link_terms::compared;
use crate::secret::{Secret, is_same};
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

/// What a challenge obtains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The identity that a device enrolls with.
    #[default]
    Identity,
    /// The second phase of an enrollment in phases.
    Attributes,
    /// The identity that the third phase is signed with.
    Phase,
}

/// A device that proved who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenDevice {
    /// Its UDID, as UDIDs are compared.
    pub udid: String,
    /// Its serial number, as serial numbers are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
}

impl ProvenDevice {
    /// The device with these names.
    pub fn new(udid: &str, serial_number: Option<&str>) -> Self {
        Self { udid: compared(udid), serial_number: serial_number.map(compared) }
    }

    /// Under what names a link may admit it.
    pub fn names(&self) -> BTreeSet<String> {
        [Some(self.udid.clone()), self.serial_number.clone()].into_iter().flatten().collect()
    }
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
    /// What it obtains.
    #[serde(default)]
    pub purpose: Purpose,
    /// The device that it is for, once one has proven who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<ProvenDevice>,
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

impl LinkChallenge {
    /// The record of a challenge in a profile of a link, which obtains an identity for any device.
    pub fn create(number: u32, secret: &Secret<String>, expires_at: i64) -> Self {
        Self {
            served: number,
            challenge_hash: hash(secret.expose()),
            expires_at,
            issued: None,
            purpose: Purpose::Identity,
            device: None,
        }
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.as_second() >= self.expires_at
    }

    /// Whether `challenge` is this one, and its time is not over.
    pub fn accepts(&self, challenge: &Challenge, now: Timestamp) -> bool {
        challenge.number == Some(self.served)
            && !self.is_expired(now)
            && is_same(&self.challenge_hash, hash(challenge.token.secret.expose()))
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
        let kept = LinkChallenge::create(7, &secret, CHALLENGE_SECONDS);
        let last = from_unix(CHALLENGE_SECONDS - 1);
        assert!(kept.accepts(&challenge(Some(7)), last));
        assert!(!kept.accepts(&challenge(Some(7)), from_unix(CHALLENGE_SECONDS)));
        assert!(!kept.accepts(&challenge(Some(8)), last) && !kept.accepts(&challenge(None), last));
        let other = LinkChallenge::create(7, &Secret::new("other".to_owned()), CHALLENGE_SECONDS);
        assert!(!other.accepts(&challenge(Some(7)), last));
    }
}
