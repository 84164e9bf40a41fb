//! Mails about one credential, put off by somebody who says so.

use serde::{Deserialize, Serialize};

use crate::domain::tenant::display_name;
use crate::error::{Error, Result};
use crate::time::{DAY, Timestamp};

/// How long mails may be put off, in days.
pub const LONGEST_DAYS: i64 = 14;

/// Who answers for the silence about a credential, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// Which credential; a renewed one has another name.
    pub credential: String,
    /// Until when no mail goes out.
    pub until: Timestamp,
    /// Who said so.
    pub by: String,
    /// When.
    pub set_at: Timestamp,
}

impl Snooze {
    /// A snooze of at most [`LONGEST_DAYS`] by somebody with a name.
    ///
    /// # Errors
    /// Malformed, naming `until` or `by`.
    pub fn new(credential: String, until: Timestamp, by: &str, now: Timestamp) -> Result<Self> {
        let seconds = until.as_second() - now.as_second();
        if !(1..=LONGEST_DAYS * DAY).contains(&seconds) {
            let message = format!("Mails can be put off for up to {LONGEST_DAYS} days from now.");
            return Err(Error::malformed("snooze-until", message)
                .at("until")
                .next("Choose an earlier day, and renew the credential before it."));
        }
        let by = display_name(by).map_err(|error| error.at("by"))?;
        Ok(Self { credential, until, by, set_at: now })
    }

    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn a_snooze_is_short_and_has_a_name() {
        let until =
            |seconds: i64, by: &str| Snooze::new("api-token.a".into(), from_unix(seconds), by, from_unix(0));
        let snooze = until(14 * DAY, " Jo ").unwrap();
        assert_eq!(snooze.by, "Jo");
        assert!(snooze.holds(from_unix(14 * DAY - 1)) && !snooze.holds(from_unix(14 * DAY)));
        for seconds in [-1, 0, 14 * DAY + 1] {
            let error = until(seconds, "Jo").unwrap_err();
            assert_eq!((error.code(), error.field()), ("snooze-until", Some("until")));
        }
        assert_eq!(until(DAY, " ").unwrap_err().field(), Some("by"));
    }
}
