//! What members, tokens and the operator's support may do within a tenant. It is decided here and nowhere else; `docs/API.md`
//! shows it as a table, which a test compares.

use crate::error::{Error, Result};
use crate::protocol::inventory::Section;
use crate::scope::{Actor, Role};

/// What the help desk sends to a device, besides questions about what is on it.
const DAILY: [&str; 8] = [
    "DeviceLock",
    "EnableLostMode",
    "DisableLostMode",
    "DeviceLocation",
    "PlayLostModeSound",
    "ClearPasscode",
    "RestartDevice",
    "ShutDownDevice",
];

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See everything except secrets.
    Look,
    /// The daily work on one device at a time.
    Help,
    /// Change the tenant's things.
    Manage,
    /// What the tenant's own people do, and never its support: hand out or destroy secrets, let others in, delete what
    /// nothing brings back, vouch for a colleague.
    Own,
}

impl Right {
    /// All, from the least.
    pub const ALL: [Self; 4] = [Self::Look, Self::Help, Self::Manage, Self::Own];

    /// What it is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Look => "see everything except secrets",
            Self::Help => {
                "on one device at a time: ask what is on it, lock it, clear its passcode, restart it, shut it down, lost mode; \
                 take back what they sent themselves; try again what was set aside; unlock its access"
            }
            Self::Manage => "everything else",
            Self::Own => {
                "hand out or destroy keys and secrets, PINs, members, tokens, webhooks, how long logs are kept, support access, \
                 approving a colleague's command"
            }
        }
    }

    /// What sending a command takes.
    pub fn to_send(request_type: &str, targets: usize) -> Self {
        if targets == 1 && daily().any(|daily| daily == request_type) { Self::Help } else { Self::Manage }
    }

    /// Whether a role of the tenant's own has it.
    pub fn is_of(self, role: Role) -> bool {
        match role {
            Role::Operator | Role::Admin => true,
            Role::HelpDesk => matches!(self, Self::Look | Self::Help),
            Role::Viewer => self == Self::Look,
        }
    }

    /// Whether support has it, of this level.
    pub fn is_of_support(self, level: Role) -> bool {
        self != Self::Own && self.is_of(level)
    }
}

/// The commands of the daily work, by their RequestType.
pub fn daily() -> impl Iterator<Item = &'static str> {
    DAILY.into_iter().chain(Section::ALL.map(Section::query))
}

/// Whether the actor may do this.
///
/// # Errors
/// Forbidden, naming who may.
pub fn check(actor: &Actor, right: Right) -> Result<()> {
    match actor {
        Actor::Token(_, role) if !right.is_of(*role) => Err(token_may_not(*role, right)),
        Actor::Member(_, role) if !right.is_of(*role) => Err(member_may_not(*role, right)),
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

fn token_may_not(role: Role, right: Right) -> Error {
    let next = match right {
        Right::Help => "Use a token of the help desk, or an admin's.",
        Right::Look | Right::Manage | Right::Own => "Use an admin's token.",
    };
    match role {
        Role::HelpDesk => {
            Error::forbidden("help-desk-may-not", "The help desk may not do this: it takes the role admin.")
        }
        Role::Operator | Role::Admin | Role::Viewer => {
            Error::forbidden("viewer-may-only-read", "A viewer's token may read, not change.")
        }
    }
    .next(next)
}

fn member_may_not(role: Role, right: Right) -> Error {
    let next = match right {
        Right::Help => "Ask the help desk of your organization, or an administrator.",
        Right::Look | Right::Manage | Right::Own => "Ask an administrator of your organization.",
    };
    match role {
        Role::HelpDesk => Error::forbidden(
            "help-desk-may-not",
            "The help desk may not do this: it takes the role of an administrator.",
        ),
        Role::Operator | Role::Admin | Role::Viewer => {
            Error::forbidden("member-may-only-read", "You may look at this, not change it.")
        }
    }
    .next(next)
}

fn support_may_not(right: Right) -> Error {
    match right {
        Right::Own => {
            Error::forbidden("support-not-this", "Support does not do this, whatever it was allowed.")
                .next("Ask an administrator of the organization to do it.")
        }
        Right::Look | Right::Help | Right::Manage => Error::forbidden(
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
    #[test]
    fn each_role_has_what_the_lesser_ones_have() {
        let of = |role| Right::ALL.map(|right| right.is_of(role));
        assert_eq!(of(Role::Viewer), [true, false, false, false]);
        assert_eq!(of(Role::HelpDesk), [true, true, false, false]);
        assert_eq!(of(Role::Admin), [true; 4]);
    }

    #[test]
    fn the_help_desk_sends_the_daily_commands_to_one_device() {
        assert_eq!(Right::to_send("DeviceLock", 1), Right::Help);
        assert_eq!(Right::to_send("SecurityInfo", 1), Right::Help);
        for (command, targets) in
            [("DeviceLock", 2), ("EraseDevice", 1), ("InstallProfile", 1), ("Settings", 1)]
        {
            assert_eq!(Right::to_send(command, targets), Right::Manage, "{command}");
        }
    }
}
