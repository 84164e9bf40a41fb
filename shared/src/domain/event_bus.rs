//! Event buses of Amazon EventBridge, on which a tenant's events may be put.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::TenantId;

/// What the name of every bus begins with: this server may put events on no other.
const PREFIX: &str = "pomarium-";
/// The longest name of a bus.
const LONGEST: usize = 256;
/// Most entries that EventBridge takes in one call.
pub const AT_ONCE: usize = 10;

/// The name of a bus, which says its region and its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventBus {
    arn: String,
    region: String,
}

impl EventBus {
    /// The bus's ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The region whose endpoint takes its events.
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// What a tenant's entries say where they come from. A bus's policy and its rules can go by it: nobody but this tenant's
/// webhooks says so.
pub fn source(tenant: &TenantId) -> String {
    format!("pomarium.{tenant}")
}

impl FromStr for EventBus {
    type Err = Error;

    fn from_str(arn: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::malformed("event-bus", format!("{why}."))
                .at("event_bus")
                .next("Give the ARN of a bus like arn:aws:events:eu-central-1:123456789012:event-bus/pomarium-events."))
        };
        let [prefix, partition, service, region, account, rest] = arn.splitn(6, ':').collect::<Vec<_>>()[..]
        else {
            return refuse("This is not an ARN");
        };
        if prefix != "arn" || !is_word(partition, "aws") || service != "events" {
            return refuse("This is not the ARN of an event bus");
        }
        if !is_region(region) {
            return refuse("The ARN names no region");
        }
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return refuse("The ARN names no account");
        }
        let Some(name) = rest.strip_prefix("event-bus/") else {
            return refuse("This is not the ARN of an event bus");
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.len() > LONGEST || !name.bytes().all(fits) {
            return refuse("The name of the event bus has characters that no bus's name has, or too many");
        }
        if !name.starts_with(PREFIX) || name == PREFIX {
            return refuse("The name of the event bus does not begin with pomarium-");
        }
        Ok(Self { arn: arn.to_owned(), region: region.to_owned() })
    }
}

/// Whether a text begins as it must, and has nothing but small letters and hyphens.
fn is_word(text: &str, beginning: &str) -> bool {
    text.starts_with(beginning) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// A region becomes part of a host's name: `eu-central-1` and the like, nothing else.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    (2..=4).contains(&words.len())
        && words.iter().all(is_word)
        && number.len() == 1
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && text.len() <= 32
}

impl TryFrom<String> for EventBus {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<EventBus> for String {
    fn from(bus: EventBus) -> Self {
        bus.arn
    }
}

impl fmt::Display for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_the_region_and_can_lead_to_no_other_host() {
        for (region, partition) in
            [("eu-central-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("ap-southeast-2", "aws")]
        {
            let arn = format!("arn:{partition}:events:{region}:123456789012:event-bus/pomarium-help.desk_1");
            let bus: EventBus = arn.parse().unwrap();
            assert_eq!((bus.arn(), bus.region()), (arn.as_str(), region));
        }
        let at = |region: &str, account: &str, name: &str| {
            format!("arn:aws:events:{region}:{account}:event-bus/{name}")
        };
        let (region, account, name) = ("eu-central-1", "123456789012", "pomarium-a");
        for (arn, why) in [
            (at("evil.example/", account, name), "names no region"),
            (at("eu-central-1.evil", account, name), "names no region"),
            (at("eu-central", account, name), "names no region"),
            (at("", account, name), "names no region"),
            (at(region, "12345", name), "names no account"),
            (at(region, account, "default"), "does not begin with pomarium-"),
            (at(region, account, "pomarium-"), "does not begin with pomarium-"),
            (at(region, account, "aws.partner/pomarium-a"), "characters"),
            (at(region, account, &format!("pomarium-{}", "a".repeat(250))), "too many"),
            ("arn:aws:sqs:eu-central-1:123456789012:pomarium-a".into(), "not the ARN of an event bus"),
            (
                "arn:aws:events:eu-central-1:123456789012:rule/pomarium-a".into(),
                "not the ARN of an event bus",
            ),
            ("pomarium-a".into(), "not an ARN"),
        ] {
            let refused = arn.parse::<EventBus>().unwrap_err();
            assert!(refused.to_string().contains(why), "{arn}: {refused}");
        }
    }
}
