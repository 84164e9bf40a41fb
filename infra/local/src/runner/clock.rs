//! A clock that can be moved, and stays moved over a restart.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use shared::error::{Error, Result};
use shared::time::{Clock, DAY, SignedDuration, Timestamp, from_unix};

/// The offset to the machine's clock, in seconds.
const FILE: &str = "clock-offset";
/// The simulators' own certificates are valid between these moments, 2020 and the end of 2059, in unix seconds.
const RANGE: std::ops::Range<i64> = 1_577_836_800..2_840_140_800;

/// The server's clock and where its offset is kept.
#[derive(Clone, Debug)]
pub struct MovableClock {
    clock: Clock,
    file: Option<PathBuf>,
}

impl MovableClock {
    /// Moves `clock` to where it was left in `directory`.
    ///
    /// # Errors
    /// Internal when the offset cannot be read.
    pub(super) fn restore(clock: Clock, directory: Option<PathBuf>) -> Result<Self> {
        let file = directory.map(|directory| directory.join(FILE));
        let kept = match file.as_ref().map(fs::read_to_string) {
            None => None,
            Some(Ok(kept)) => Some(kept),
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => None,
            Some(Err(error)) => return Err(Error::internal(error)),
        };
        if let Some(kept) = kept {
            let seconds = kept.trim().parse().map_err(|error| Error::internal(format!("{FILE}: {error}")))?;
            clock.set(machine() + SignedDuration::from_secs(seconds));
        }
        Ok(Self { clock, file })
    }

    /// The present moment, as the server sees it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// By how much the clock differs from the machine's, in seconds.
    pub fn offset(&self) -> i64 {
        // Rounded, because the two clocks are read one after the other.
        self.clock.now().duration_since(machine()).as_secs_f64().round() as i64
    }

    /// Moves the clock to `now`.
    ///
    /// # Errors
    /// Malformed (`clock-range`) for a time when the simulators' certificates are not valid; Internal when the offset
    /// cannot be kept.
    pub fn set(&self, now: Timestamp) -> Result<()> {
        if !RANGE.contains(&now.as_second()) {
            return Err(Error::malformed(
                "clock-range",
                "The clock goes from 2020 to 2059: so long are the simulators' certificates valid.",
            )
            .next("Set it to a moment in between."));
        }
        let before = self.clock.now();
        self.clock.set(now);
        self.keep().inspect_err(|_| self.clock.set(before))
    }

    fn keep(&self) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let half = file.with_extension("new");
        fs::write(&half, self.offset().to_string())
            .and_then(|()| fs::rename(half, file))
            .map_err(Error::internal)
    }
}

/// The moment that is `by` after `now`: `25d`, `3h`, `90m`, `10s`, or with a minus before `now`.
///
/// # Errors
/// Malformed (`clock-advance`).
pub(crate) fn advanced(now: Timestamp, by: &str) -> Result<Timestamp> {
    let refuse = || {
        Error::malformed("clock-advance", format!("\"{by}\" is not a span of time."))
            .at("advance")
            .next("Write a number and d, h, m or s: \"25d\", \"3h\", \"-90m\".")
    };
    let text = by.trim();
    let (unit, seconds) = [('d', DAY), ('h', 3_600), ('m', 60), ('s', 1)]
        .into_iter()
        .find(|(u, _)| text.ends_with(*u))
        .ok_or_else(refuse)?;
    let count: i64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| refuse())?;
    let moved = count.checked_mul(seconds).and_then(|span| now.as_second().checked_add(span));
    Ok(from_unix(moved.ok_or_else(refuse)?))
}

fn machine() -> Timestamp {
    Clock::system().now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_clock_stays_moved_over_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let start = || MovableClock::restore(Clock::system(), Some(directory.path().into())).unwrap();
        let clock = start();
        assert_eq!(clock.offset(), 0);
        clock.set(advanced(clock.now(), "25d").unwrap()).unwrap();
        assert!((25 * DAY - 1..=25 * DAY).contains(&clock.offset()));
        assert!((25 * DAY - 1..=25 * DAY).contains(&start().offset()));
    }

    #[test]
    fn what_cannot_be_a_span_or_a_time_is_refused() {
        let now = from_unix(1_800_000_000);
        for (by, seconds) in [("25d", 25 * DAY), (" 3h ", 10_800), ("-90m", -5_400), ("+10s", 10)] {
            assert_eq!(advanced(now, by).unwrap().as_second(), 1_800_000_000 + seconds, "{by}");
        }
        for by in ["", "d", "25", "2w", "1.5h", "25dd", "9223372036854775807d"] {
            assert_eq!(advanced(now, by).unwrap_err().code(), "clock-advance", "{by}");
        }
        let clock = MovableClock::restore(Clock::fixed(now), None).unwrap();
        for outside in [0, 4_000_000_000] {
            assert_eq!(clock.set(from_unix(outside)).unwrap_err().code(), "clock-range");
        }
        assert_eq!(clock.now(), now);
    }
}
