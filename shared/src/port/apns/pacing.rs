//! When a certificate's connection may be dialled again.

use std::time::{Duration, Instant};

/// A connection that lived this long wipes the slate clean.
const STABLE: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Spaces dials out. Apple takes rapid reconnecting for an attack, so even successful dials count when they follow
/// each other closely; one immediate redial is free, because a frozen Lambda thaws with a dead socket.
#[derive(Default)]
pub(super) struct Pacing {
    strikes: u32,
    dialled_at: Option<Instant>,
    wait_until: Option<Instant>,
}

impl Pacing {
    /// How long to wait before the next dial; zero means now.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.wait_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Notes a dial that made a connection.
    pub(super) fn succeeded(&mut self, now: Instant) {
        self.strike(now);
        self.wait_until = Some(now + delay(self.strikes.saturating_sub(1)));
    }

    /// Notes a dial that failed.
    pub(super) fn failed(&mut self, now: Instant) {
        self.strike(now);
        self.wait_until = Some(now + delay(self.strikes));
    }

    fn strike(&mut self, now: Instant) {
        let stable = self.dialled_at.is_some_and(|then| now.saturating_duration_since(then) >= STABLE);
        self.strikes = if stable { 1 } else { self.strikes.saturating_add(1) };
        self.dialled_at = Some(now);
    }
}

/// Doubles from one second to a minute; nothing for zero strikes.
fn delay(strikes: u32) -> Duration {
    match strikes.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_WAIT.saturating_mul(1 << doublings.min(6)).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_wait_longer_and_longer() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        assert_eq!(pacing.wait(start), Duration::ZERO);
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                pacing.failed(start);
                pacing.wait(start).as_secs()
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pacing.wait(start + LONGEST_WAIT), Duration::ZERO);
    }

    #[test]
    fn one_redial_is_free_and_the_next_waits() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        pacing.succeeded(start);
        assert_eq!(pacing.wait(start), Duration::ZERO);
        pacing.succeeded(start);
        assert_eq!(pacing.wait(start), FIRST_WAIT);
    }

    #[test]
    fn a_stable_connection_is_forgiven_everything() {
        let start = Instant::now();
        let mut pacing = Pacing::default();
        for _ in 0..5 {
            pacing.succeeded(start);
        }
        let later = start + STABLE;
        pacing.succeeded(later);
        assert_eq!(pacing.wait(later), Duration::ZERO);
    }
}
