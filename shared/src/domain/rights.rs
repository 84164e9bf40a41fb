//! What members, tokens and the operator's support may do within a tenant. It is decided here and nowhere else.

use crate::error::{Error, Result};
use crate::scope::{Actor, Role};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See everything except secrets.
    Look,
    /// Change the tenant's things.
    Manage,
    /// What the tenant's own people do, and never its support: hand out or destroy secrets, let others in, delete what
    /// nothing brings back, vouch for a colleague.
    Own,
}

impl Right {
    /// Whether a role of the tenant's own has it.
    pub fn is_of(self, role: Role) -> bool {
        match role {
            Role::Operator | Role::Admin => true,
            Role::Viewer => self == Self::Look,
        }
    }

    /// Whether support has it, of this level.
    pub fn is_of_support(self, level: Role) -> bool {
        self != Self::Own && self.is_of(level)
    }
}

/// Whether the actor may do this.
///
/// # Errors
/// Forbidden, naming who may.
pub fn check(actor: &Actor, right: Right) -> Result<()> {
    match actor {
        Actor::Token(_, role) if !right.is_of(*role) => {
            Err(Error::forbidden("viewer-may-only-read", "A viewer's token may read, not change.")
                .next("Use an admin's token."))
        }
        Actor::Member(_, role) if !right.is_of(*role) => {
            Err(Error::forbidden("member-may-only-read", "You may look at this, not change it.")
                .next("Ask an administrator of your organization."))
        }
        Actor::Support(_, level) if !right.is_of_support(*level) => Err(support_may_not(right)),
        // Who is no person comes by ways that allow one thing.
        Actor::Token(..)
        | Actor::Member(..)
        | Actor::Support(..)
        | Actor::Device(_)
        | Actor::Link(_)
        | Actor::ScepClient
        | Actor::Address(_)
        | Actor::System(_) => Ok(()),
    }
}

fn support_may_not(right: Right) -> Error {
    match right {
        Right::Own => {
            Error::forbidden("support-not-this", "Support does not do this, whatever it was allowed.")
                .next("Ask an administrator of the organization to do it.")
        }
        Right::Look | Right::Manage => Error::forbidden(
            "support-may-only-look",
            "Support was allowed to look at this, not to change it.",
        )
        .next("Ask the organization to allow support as administrator."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_has_no_more_than_its_level_and_never_what_is_the_tenants_own() {
        for level in [Role::Viewer, Role::Admin] {
            assert!(Right::Look.is_of_support(level) && !Right::Own.is_of_support(level));
            assert_eq!(Right::Manage.is_of_support(level), Right::Manage.is_of(level));
        }
        let support = |level| Actor::Support("ola@vendor.example".into(), level);
        let code = |level, right| check(&support(level), right).map_err(|error| error.code());
        assert_eq!(code(Role::Admin, Right::Manage), Ok(()));
        assert_eq!(code(Role::Admin, Right::Own), Err("support-not-this"));
        assert_eq!(code(Role::Viewer, Right::Manage), Err("support-may-only-look"));
    }
}
