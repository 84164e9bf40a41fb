//! How often something may be done, by whom, within what time.

use std::fmt;
use std::net::IpAddr;

use crate::error::Error;
use crate::id::TenantId;
use crate::scope::Actor;
use crate::time::Timestamp;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Calls of a token, or forms of a person, that change something.
    Changes,
    /// Tokens of no worth from one address.
    RefusedTokens,
    /// Attempts to sign in that are begun from one address: each may cost a mail, or a call to a provider.
    SignIns,
    /// Codes that are entered from one address.
    Codes,
    /// Calls to servers that a tenant names, while somebody waits for them.
    OutsideCalls,
    /// Questions to Apple about a tenant's push certificate.
    AppleChecks,
    /// Invitations of a tenant.
    Invitations,
    /// Commands of a tenant to many devices.
    Jobs,
    /// Pages of a tenant's logs that are exported.
    Exports,
}

/// The longest time that a limit is about, in seconds.
pub const LONGEST: i64 = 3_600;

impl Limit {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Changes,
        Self::RefusedTokens,
        Self::SignIns,
        Self::Codes,
        Self::OutsideCalls,
        Self::AppleChecks,
        Self::Invitations,
        Self::Jobs,
        Self::Exports,
    ];

    /// Its name in keys and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::RefusedTokens => "refused-tokens",
            Self::SignIns => "sign-ins",
            Self::Codes => "codes",
            Self::OutsideCalls => "outside-calls",
            Self::AppleChecks => "apple-checks",
            Self::Invitations => "invitations",
            Self::Jobs => "jobs",
            Self::Exports => "exports",
        }
    }

    /// How many there may be within [`Self::seconds`].
    pub fn most(self) -> u32 {
        match self {
            Self::Changes | Self::Invitations => 1_000,
            Self::RefusedTokens | Self::SignIns | Self::Codes | Self::OutsideCalls => 60,
            Self::AppleChecks | Self::Jobs => 120,
            Self::Exports => 600,
        }
    }

    /// The time in which they are counted; it begins at a multiple of itself.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Changes | Self::RefusedTokens | Self::OutsideCalls => 60,
            Self::SignIns | Self::Codes => 600,
            Self::AppleChecks | Self::Invitations | Self::Jobs | Self::Exports => LONGEST,
        }
    }

    /// The number of the stretch of time that a moment is in.
    pub fn window(self, now: Timestamp) -> i64 {
        now.as_second().div_euclid(self.seconds())
    }

    /// When that stretch is over, in unix seconds.
    pub fn ends(self, now: Timestamp) -> i64 {
        (self.window(now) + 1) * self.seconds()
    }

    /// What is said when there were too many.
    pub fn exceeded(self, now: Timestamp) -> Error {
        let wait = u32::try_from(self.ends(now) - now.as_second()).unwrap_or(u32::MAX);
        let within = match self.seconds() {
            60 => "minute".to_owned(),
            LONGEST => "hour".to_owned(),
            seconds => format!("{} minutes", seconds / 60),
        };
        let message = match self {
            Self::Changes => "This caller made",
            Self::RefusedTokens => "From this address there came",
            Self::SignIns | Self::Codes => "From this address there were",
            Self::OutsideCalls | Self::AppleChecks | Self::Invitations | Self::Jobs | Self::Exports => {
                "This tenant had"
            }
        };
        let what = match self {
            Self::Changes => "changes",
            Self::RefusedTokens => "tokens that are not valid",
            Self::SignIns => "attempts to sign in",
            Self::Codes => "tries of a code",
            Self::OutsideCalls => "calls to servers of its own",
            Self::AppleChecks => "questions to Apple's push service",
            Self::Invitations => "invitations",
            Self::Jobs => "commands to many devices",
            Self::Exports => "pages of logs exported",
        };
        let message = format!("{message} {} {what} within the {within}, and no more are taken.", self.most());
        Error::rate_limited("rate-limited", message, wait)
            .next(format!("Wait {wait} seconds, then repeat what you did."))
    }
}

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counted(String);

impl Counted {
    /// Whoever has proven who they are.
    pub fn actor(actor: &Actor) -> Self {
        Self(actor.to_string())
    }

    /// All of a tenant together.
    pub fn tenant(tenant: &TenantId) -> Self {
        Self(format!("tenant:{tenant}"))
    }

    /// An address, or the network of one: whoever has an IPv6 address has 2^64 of them.
    pub fn address(address: Option<IpAddr>) -> Self {
        Self(match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => format!("address:{address}"),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            None => "address:unknown".to_owned(),
        })
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::error::Kind;
    use crate::time::from_unix;

    #[test]
    fn a_stretch_ends_where_the_next_begins() {
        for limit in Limit::ALL {
            let start = 1_000 * limit.seconds();
            assert_eq!(limit.window(from_unix(start)), 1_000);
            assert_eq!(limit.window(from_unix(start + limit.seconds() - 1)), 1_000);
            assert_eq!(limit.ends(from_unix(start)), start + limit.seconds());
            assert_eq!(limit.window(from_unix(limit.ends(from_unix(start)))), 1_001);
            assert!(limit.seconds() <= LONGEST && limit.most() > 0);
        }
        let names: BTreeSet<&str> = Limit::ALL.into_iter().map(Limit::name).collect();
        assert_eq!(names.len(), Limit::ALL.len());
    }

    #[test]
    fn a_refusal_says_for_how_long() {
        let refused = Limit::Changes.exceeded(from_unix(6_000 + 48));
        assert_eq!(refused.kind(), Kind::RateLimited { retry_after: 12 });
        assert_eq!(
            refused.to_string(),
            "This caller made 1000 changes within the minute, and no more are taken."
        );
        assert_eq!(refused.next_step(), Some("Wait 12 seconds, then repeat what you did."));
        let said = Limit::Codes.exceeded(from_unix(0)).to_string();
        assert_eq!(
            said,
            "From this address there were 60 tries of a code within the 10 minutes, and no more are taken."
        );
    }

    #[test]
    fn an_address_stands_for_its_network() {
        let counted = |text: &str| Counted::address(Some(text.parse().unwrap())).to_string();
        assert_eq!(counted("192.0.2.7"), "address:192.0.2.7");
        assert_eq!(counted("::ffff:192.0.2.7"), "address:192.0.2.7");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "address:2001:db8:1:2::/64");
        assert_eq!(counted("2001:db8:1:2:ffff::"), counted("2001:db8:1:2::1"));
        assert_ne!(counted("2001:db8:1:3::1"), counted("2001:db8:1:2::1"));
        assert_eq!(Counted::address(None).to_string(), "address:unknown");
    }
}
