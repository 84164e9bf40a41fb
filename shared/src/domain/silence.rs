//! When a device that says nothing is to be woken again.

use crate::domain::enrollment::Enrollment;
use crate::time::{SignedDuration, Timestamp};

/// How long a push that Apple took may stay without an answer before it is repeated, in hours. Apple keeps it for a
/// week, so that repeating it sooner wakes nobody earlier.
const ANSWER_HOURS: i64 = 24;
/// How long work may wait without a push under way, in minutes. Longer than the delay of the hint that follows a NotNow.
const HINT_MINUTES: i64 = 20;

impl Enrollment {
    /// When it, or a push to it, last did anything.
    fn last_stir(&self) -> Timestamp {
        self.last_push.as_ref().map_or(self.last_seen, |push| push.at.max(self.last_seen))
    }

    /// Whether Apple took a push that the device has not answered yet.
    fn owes_an_answer(&self) -> bool {
        self.last_push.as_ref().is_some_and(|push| push.is_accepted() && push.at >= self.last_seen)
    }

    /// Whether something waits for it and no hint on its way can be counted on: the last push brought no answer for a day,
    /// or there was none, because its hint was lost, its certificate had expired, or Apple was busy.
    pub fn is_to_be_woken_again(&self, now: Timestamp) -> bool {
        let patience = if self.owes_an_answer() {
            SignedDuration::from_hours(ANSWER_HOURS)
        } else {
            SignedDuration::from_mins(HINT_MINUTES)
        };
        self.to_be_woken(false, now).is_some() && self.last_stir() + patience <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enrollment::{PushAddress, PushAttempt, fixture};
    use crate::time::from_unix;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 3_600;

    /// A device with work, seen and pushed to at these times.
    fn device(seen: i64, push: Option<(i64, &str)>) -> Enrollment {
        let address = PushAddress { topic: "t".into(), token: "00".into(), magic: "m".into() };
        let attempt = |(at, outcome): (i64, &str)| PushAttempt { at: from_unix(at), outcome: outcome.into() };
        let last_push = push.map(attempt);
        Enrollment { waiting: 1, push: Some(address), last_push, ..fixture("D-1", from_unix(seen)) }
    }

    #[test]
    fn who_is_woken_again_and_when() {
        for (why, device, due) in [
            ("never pushed", device(0, None), 20 * MINUTE),
            (
                "pushed, answered, and then something new",
                device(HOUR, Some((0, "accepted"))),
                HOUR + 20 * MINUTE,
            ),
            ("pushed and not answered", device(0, Some((HOUR, "accepted"))), 25 * HOUR),
            ("Apple was busy", device(0, Some((HOUR, "TooManyRequests"))), HOUR + 20 * MINUTE),
        ] {
            assert!(!device.is_to_be_woken_again(from_unix(due - 1)), "{why}: too early");
            assert!(device.is_to_be_woken_again(from_unix(due)), "{why}");
            let idle = Enrollment { waiting: 0, ..device.clone() };
            assert!(!idle.is_to_be_woken_again(from_unix(due)), "{why}, but nothing waits");
            let unknown = Enrollment { push: None, ..device.clone() };
            assert!(!unknown.is_to_be_woken_again(from_unix(due)), "{why}, but there is no address");
            let resting = Enrollment { push_rests_until: Some(from_unix(due + 1)), ..device };
            assert!(!resting.is_to_be_woken_again(from_unix(due)), "{why}, but its address rests");
        }
    }
}
