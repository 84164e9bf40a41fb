//! A customer.

use serde::{Deserialize, Serialize};

use crate::domain::contact::EmailAddress;
use crate::domain::support::{SupportAccess, SupportQuestion};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::time::Timestamp;

/// A customer of the operator, with its own push certificate, devices and tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Stands in device URLs for ever.
    pub id: TenantId,
    /// Shown to people.
    pub name: String,
    /// Who hears of what expires.
    pub contacts: Vec<EmailAddress>,
    /// Whether the contacts opted in to expiry mails.
    pub expiry_mails: bool,
    /// How many seconds a command waits for its device unless it says otherwise; 0 is for ever.
    #[serde(default)]
    pub command_expires_in: u64,
    /// Whether a second administrator must approve that a device is erased.
    #[serde(default)]
    pub erase_needs_approval: bool,
    /// What the operator's support was allowed last; it may be over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<SupportAccess>,
    /// The operator's latest question whether support may look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_asked: Option<SupportQuestion>,
    /// When the tenant was created.
    pub created_at: Timestamp,
}

impl Tenant {
    /// What support is allowed at this moment.
    pub fn open_support(&self, now: Timestamp) -> Option<&SupportAccess> {
        self.support.as_ref().filter(|access| access.is_open(now))
    }
}

/// A name fit to be shown to people: 1 to 100 characters, none of them control characters.
///
/// # Errors
/// Malformed, naming the field `name`.
pub fn display_name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::malformed("name", "A name has 1 to 100 printable characters.").at("name"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(display_name(" Green School ").unwrap(), "Green School");
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(101)] {
            assert_eq!(display_name(bad).unwrap_err().field(), Some("name"));
        }
    }
}
