//! Addresses that mails go to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::time::Timestamp;

/// An e-mail address that looks deliverable: one `@`, a host with a dot, no white space, at most 254 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "it@school.example")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        let parts = text.split_once('@').filter(|(local, host)| {
            !local.is_empty()
                && !host.contains('@')
                && host.split('.').filter(|label| !label.is_empty()).count() > 1
        });
        if plain && parts.is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::malformed("email-address", format!("{text:?} is not an e-mail address."))
                .next("Write it like it@school.example."))
        }
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> String {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why mails no longer go to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisabledReason {
    /// Its mail server refused a mail for good.
    Bounced,
    /// Its owner called a mail spam.
    Complained,
}

impl fmt::Display for DisabledReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        })
    }
}

/// Why and since when no mail goes to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Why.
    pub reason: DisabledReason,
    /// Since when.
    pub at: Timestamp,
    /// What the other mail server said, in its words.
    pub detail: String,
}

impl Disabled {
    /// What an administrator can do about it.
    pub fn next_step(&self) -> &'static str {
        match self.reason {
            DisabledReason::Bounced => {
                "Correct the address, or name another contact. If the address is right and its mailbox works again, \
                 ask the contacts to confirm: mails resume when its owner presses the button."
            }
            DisabledReason::Complained => {
                "Its owner marked a mail as spam. Speak with them, or name another contact. If it was a mistake, ask \
                 the contacts to confirm: mails resume when its owner presses the button."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_and_what_is_not_an_address() {
        assert!("it@school.example".parse::<EmailAddress>().is_ok());
        for bad in ["", "it", "@school.example", "it@school", "a b@school.example", "a@b@c.example"] {
            let error = bad.parse::<EmailAddress>().unwrap_err();
            assert_eq!(error.code(), "email-address", "{bad}");
        }
    }
}
