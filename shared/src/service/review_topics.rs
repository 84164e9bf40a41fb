//! Who depends on a topic: how many devices listen on it, and how many of those are still about.

use crate::error::Result;
use crate::scope::Scope;
use crate::state::State;
use crate::time::{DAY, Timestamp};

/// So many devices of a topic are looked at one by one; of more, the rest is assumed to be like them.
const LOOKED_AT: i32 = 500;

/// The devices that listen on one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDevices {
    /// How many are enrolled.
    pub enrolled: u64,
    /// Of those, how many said anything within a day.
    pub seen_within_a_day: u64,
    /// Within 7 days.
    pub seen_within_a_week: u64,
    /// Within 30 days.
    pub seen_within_a_month: u64,
    /// Whether the three are projected from a part of the devices.
    pub estimated: bool,
}

/// Counts a topic's devices, with bounded work: see [`LOOKED_AT`].
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn topic_devices(state: &State, scope: &Scope, topic: &str) -> Result<TopicDevices> {
    let seen = state.store.last_seen_on(scope, topic, LOOKED_AT).await?;
    let looked_at = u64::try_from(seen.len()).unwrap_or_default();
    let enrolled = state.store.count_devices_on(scope, topic).await?.max(looked_at);
    Ok(project(&seen, enrolled, state.clock.now()))
}

fn project(seen: &[Timestamp], enrolled: u64, now: Timestamp) -> TopicDevices {
    let looked_at = u64::try_from(seen.len()).unwrap_or_default();
    let within = |days: i64| {
        let recent = seen.iter().filter(|at| now.as_second() - at.as_second() < days * DAY).count();
        // Rounded to the nearest; nothing is looked at only where nothing is enrolled.
        let recent = u64::try_from(recent).unwrap_or_default();
        (recent * enrolled + looked_at / 2).checked_div(looked_at).unwrap_or_default()
    };
    TopicDevices {
        enrolled,
        seen_within_a_day: within(1),
        seen_within_a_week: within(7),
        seen_within_a_month: within(30),
        estimated: looked_at < enrolled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn a_part_of_the_devices_stands_for_all() {
        let now = from_unix(100 * DAY);
        let seen = [0, 3, 10, 60].map(|days| from_unix((100 - days) * DAY));
        let all = project(&seen, 4, now);
        assert_eq!((all.seen_within_a_day, all.seen_within_a_week, all.seen_within_a_month), (1, 2, 3));
        assert!(!all.estimated);
        let many = project(&seen, 1_000, now);
        assert_eq!(
            (many.seen_within_a_day, many.seen_within_a_week, many.seen_within_a_month),
            (250, 500, 750)
        );
        assert!(many.estimated);
        let none = project(&[], 0, now);
        assert_eq!((none.enrolled, none.seen_within_a_month, none.estimated), (0, 0, false));
    }
}
