//! The clock every part reads, so that tests and the local runner can set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use jiff::civil::Date;
pub use jiff::{SignedDuration, Timestamp};

/// Seconds in a day of 24 hours.
pub const DAY: i64 = 86_400;

/// Where the time comes from. Clones share one setting.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The machine's clock plus an offset in seconds (0 in production).
    System(Arc<AtomicI64>),
    /// A time that stands still until it is set, in unix seconds.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System(Arc::default()))
    }

    /// A clock that stands still at `now` until [`Clock::set`].
    pub fn fixed(now: Timestamp) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(now.as_second()))))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(offset) => {
                machine_now() + SignedDuration::from_secs(offset.load(Ordering::Relaxed))
            }
            Source::Fixed(now) => from_unix(now.load(Ordering::Relaxed)),
        }
    }

    /// Moves the clock, and every clone of it, to `now`.
    pub fn set(&self, now: Timestamp) {
        match &self.0 {
            Source::System(offset) => {
                offset.store(now.as_second() - machine_now().as_second(), Ordering::Relaxed);
            }
            Source::Fixed(cell) => cell.store(now.as_second(), Ordering::Relaxed),
        }
    }
}

/// The timestamp of a unix time in seconds; a time outside jiff's range becomes the nearest one.
pub fn from_unix(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The timestamp of a unix time in milliseconds, likewise.
pub fn from_millis(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The first moment of a day in UTC.
pub fn day_begins(day: Date) -> Timestamp {
    day.to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// The first days of the present month and of those after it, `count` together, in UTC.
pub fn coming_months(now: Timestamp, count: i32) -> Vec<Date> {
    let first = now.to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month();
    (0..count).filter_map(|month| first.checked_add(jiff::Span::new().months(month)).ok()).collect()
}

/// Whole days from `now` until `then`, rounded down; negative once it has passed.
pub fn days_until(now: Timestamp, then: Timestamp) -> i64 {
    (then.as_second() - now.as_second()).div_euclid(DAY)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn machine_now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_sees_the_time_that_was_set() {
        let clock = Clock::fixed(from_unix(1_000));
        let clone = clock.clone();
        clock.set(from_unix(5_000));
        assert_eq!(clone.now(), from_unix(5_000));
    }

    #[test]
    fn days_are_whole_and_go_below_zero() {
        assert_eq!(days_until(from_unix(0), from_unix(30 * DAY)), 30);
        assert_eq!(days_until(from_unix(1), from_unix(30 * DAY)), 29);
        assert_eq!(days_until(from_unix(1), from_unix(0)), -1);
    }

    #[test]
    fn the_coming_months_go_over_the_year() {
        let now: Timestamp = "2026-11-30T23:59:59Z".parse().unwrap();
        let months: Vec<String> = coming_months(now, 4).iter().map(ToString::to_string).collect();
        assert_eq!(months, ["2026-11-01", "2026-12-01", "2027-01-01", "2027-02-01"]);
    }
}
