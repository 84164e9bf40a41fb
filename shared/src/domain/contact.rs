//! Addresses that mails go to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};

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
