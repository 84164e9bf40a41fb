//! For how long a tenant's logs and its finished commands are kept.

use serde::{Deserialize, Serialize};

use super::log::moment;
use super::seal::Log;
use crate::error::{Error, Result};
use crate::time::{DAY, SignedDuration, Timestamp};

/// How many days the surveillance log is kept unless its tenant says otherwise.
const EVENTS: u32 = 400;
/// How many days the audit log is kept unless its tenant says otherwise: three years.
const AUDIT: u32 = 1_095;
/// How many days a finished command is kept unless its tenant says otherwise: as long as the bucket keeps large results.
const COMMANDS: u32 = 90;
/// The fewest and the most days that a log is kept.
const DAYS: std::ops::RangeInclusive<u32> = 30..=3_650;
/// The fewest and the most days that a finished command is kept: no result ends before its command.
const COMMAND_DAYS: std::ops::RangeInclusive<u32> = 30..=90;
/// For so long after a call it may be repeated with its UUID: what it queued is still there then, and is not queued again.
pub const REPEATABLE: SignedDuration = SignedDuration::from_hours(24 * 29);
/// Seconds that a command with a PIN is kept longer than others, ten years: a locked Mac may lie in a drawer.
pub const PIN_KEPT: i64 = 10 * 366 * DAY;
/// How long a command may wait of which nothing was said, as far as the record of its call goes: the longest that can be said.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24 * 365);

/// For how long a tenant's logs and its finished commands are kept, and what of the logs is gone already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Days that the surveillance log is kept.
    pub events_days: u32,
    /// Days that the audit log is kept.
    pub audit_days: u32,
    /// Days that a command is kept after its final answer, or its withdrawal.
    pub commands_days: u32,
    /// Everything before this place of the surveillance log is gone, or going.
    pub events_gone: String,
    /// Everything before this place of the audit log is gone, or going.
    pub audit_gone: String,
    /// Counts changes by people.
    pub version: u64,
}

impl Default for Retention {
    fn default() -> Self {
        let (events_gone, audit_gone) = Default::default();
        Self {
            events_days: EVENTS,
            audit_days: AUDIT,
            commands_days: COMMANDS,
            events_gone,
            audit_gone,
            version: 0,
        }
    }
}

impl Retention {
    /// Checks the numbers of days.
    ///
    /// # Errors
    /// Malformed, naming the field.
    pub fn check(&self) -> Result<()> {
        for (field, days) in [("events_days", self.events_days), ("audit_days", self.audit_days)] {
            if !DAYS.contains(&days) {
                return Err(Error::malformed("retention-days", "A log is kept for 30 to 3,650 days.")
                    .at(field)
                    .next("Correct the number of days."));
            }
        }
        if !COMMAND_DAYS.contains(&self.commands_days) {
            return Err(Error::malformed("retention-days", "A finished command is kept for 30 to 90 days.")
                .at("commands_days")
                .next("Correct the number of days. Large results end after 90 days."));
        }
        Ok(())
    }

    /// For how long finished commands are kept.
    pub fn commands(&self) -> CommandsKept {
        CommandsKept { days: self.commands_days }
    }

    /// Before which place a log is over at a moment, whether or not its entries are gone already.
    pub fn over(&self, log: Log, now: Timestamp) -> String {
        let (days, gone) = match log {
            Log::Audit => (self.audit_days, &self.audit_gone),
            Log::Events => (self.events_days, &self.events_gone),
        };
        moment(now - SignedDuration::from_hours(24 * i64::from(days))).max(gone.clone())
    }
}

/// For how long finished commands are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandsKept {
    days: u32,
}

impl CommandsKept {
    /// When a command is over that ends at `end`, in unix seconds.
    pub fn until(self, end: Timestamp) -> i64 {
        end.as_second() + i64::from(self.days) * DAY
    }

    /// When the record of a call is over whose commands begin to wait at `from`: after the last of them.
    pub fn call_until(self, from: Timestamp, not_after: Option<Timestamp>) -> i64 {
        self.until(not_after.unwrap_or(from + LONGEST_WAIT).max(from))
    }
}

/// Whether a record with this `expires_at` is over, whether or not the table has deleted it yet.
pub fn is_over(expires_at: Option<i64>, now: Timestamp) -> bool {
    expires_at.is_some_and(|end| end <= now.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn a_call_is_kept_until_its_last_command_is_over() {
        let kept = Retention { commands_days: 30, ..Retention::default() }.commands();
        let from = from_unix(0);
        assert_eq!(kept.until(from), 30 * DAY);
        assert_eq!(kept.call_until(from, Some(from_unix(5 * DAY))), 35 * DAY);
        assert_eq!(kept.call_until(from_unix(9 * DAY), Some(from_unix(5 * DAY))), 39 * DAY);
        assert_eq!(kept.call_until(from, None), 395 * DAY);
        assert_eq!([None, Some(1), Some(2)].map(|end| is_over(end, from_unix(1))), [false, true, false]);
    }

    #[test]
    fn a_log_is_over_by_its_days_and_what_is_gone_never_comes_back() {
        let now = from_unix(2_000_000_000);
        let ago = |days: i64| moment(from_unix(2_000_000_000 - days * DAY));
        let retention = Retention { events_days: 30, events_gone: ago(50), ..Retention::default() };
        assert_eq!(retention.over(Log::Events, now), ago(30));
        assert_eq!(retention.over(Log::Audit, now), ago(1_095));
        let longer = Retention { events_days: 90, ..retention };
        assert_eq!(longer.over(Log::Events, now), ago(50));
    }
}
