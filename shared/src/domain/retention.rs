//! For how long a tenant's logs are kept.

use serde::{Deserialize, Serialize};

use super::log::moment;
use super::seal::Log;
use crate::error::{Error, Result};
use crate::time::{SignedDuration, Timestamp};

/// How many days the surveillance log is kept unless its tenant says otherwise.
const EVENTS: u32 = 400;
/// How many days the audit log is kept unless its tenant says otherwise: three years.
const AUDIT: u32 = 1_095;
/// The fewest and the most days that a log is kept.
const DAYS: std::ops::RangeInclusive<u32> = 30..=3_650;

/// For how long a tenant's logs are kept, and what is gone already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Days that the surveillance log is kept.
    pub events_days: u32,
    /// Days that the audit log is kept.
    pub audit_days: u32,
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
        Self { events_days: EVENTS, audit_days: AUDIT, events_gone, audit_gone, version: 0 }
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
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY, from_unix};

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
