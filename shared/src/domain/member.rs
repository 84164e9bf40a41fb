//! People who use the console: each is known by an address at which they read mails.

use serde::{Deserialize, Serialize};

use crate::domain::contact::EmailAddress;
use crate::error::{Error, Result};
use crate::scope::Role;
use crate::time::Timestamp;

/// Somebody who may sign in for a tenant, or for the whole server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The address, in lower case: mail servers do not tell letters' cases apart, and people do not remember them.
    pub address: EmailAddress,
    /// What the person may do.
    pub role: Role,
    /// Since when.
    pub added_at: Timestamp,
}

/// An address as members are known by it: in lower case.
///
/// # Errors
/// Malformed when it is no address.
pub fn member_address(text: &str) -> Result<EmailAddress> {
    text.trim().to_lowercase().parse().map_err(|error: Error| error.at("address"))
}

/// What a tenant's member may be.
///
/// # Errors
/// Malformed when the role is the operator's.
pub fn tenants_role(role: Role) -> Result<Role> {
    match role {
        Role::Admin | Role::HelpDesk | Role::Viewer => Ok(role),
        Role::Operator => Err(Error::malformed(
            "member-role",
            "A tenant's member is an admin, of the help desk, or a viewer.",
        )
        .at("role")
        .next("Use \"admin\", \"help-desk\" or \"viewer\".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_whatever_its_case() {
        assert_eq!(member_address(" Jo@School.Example ").unwrap().as_str(), "jo@school.example");
        let refused = member_address("jo").unwrap_err();
        assert_eq!((refused.code(), refused.field()), ("email-address", Some("address")));
    }

    #[test]
    fn nobody_becomes_operator_through_a_tenant() {
        assert_eq!(tenants_role(Role::Viewer).unwrap(), Role::Viewer);
        assert_eq!(tenants_role(Role::Operator).unwrap_err().code(), "member-role");
    }
}
