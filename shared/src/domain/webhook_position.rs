//! How far a webhook's deliveries have come in the log, and what is to be delivered next. The log itself is the queue.
//!
//! Events of one device are delivered in their order. One that its receiver refuses holds up its device's later ones and
//! nobody else's: `ahead` remembers what was delivered beyond it. An entry that became visible late, behind ones that were
//! delivered already, is found too, because the cursor stays a minute behind.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::log::{moment, moment_of, month_of};
use crate::time::{SignedDuration, Timestamp};

/// Entries this young are not looked at yet: a younger one may become visible later than an older one.
const SETTLES: SignedDuration = SignedDuration::from_secs(2);
/// So far behind stays the cursor, in case that one becomes visible later still: ten seconds is the longest that a write may take.
const BEHIND: SignedDuration = SignedDuration::from_secs(60);
/// The pauses between attempts, in seconds; the last one repeats.
const PAUSES: [i64; 6] = [5, 30, 120, 600, 1_800, 3_600];
/// After so many attempts an event is given up early, if everybody else waits for it.
const FEW: u32 = 4;
/// For how long an event is tried, and for how long a webhook may fail.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// How far a webhook's deliveries have come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Everything up to this place is dealt with.
    pub cursor: String,
    /// What is dealt with beyond it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ahead: BTreeSet<String>,
    /// Devices whose next event was refused, by device; what is about all devices stands under [`ALL_DEVICES`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<String, Held>,
    /// Since when no delivery succeeded, if the last one did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// How many rounds have failed since then.
    #[serde(default)]
    pub failures: u32,
    /// Until when nothing is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<Timestamp>,
    /// When something was last delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// Until when somebody delivers, in unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased_until: Option<i64>,
    /// Counts writes: whoever delivers goes on only from what it read.
    pub version: u64,
}

/// A device whose next event was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The event's place in the log.
    pub place: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub since: Timestamp,
    /// When it is tried next.
    pub next: Timestamp,
}

/// A stretch of the log behind the cursor.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its entries that the webhook wants, in their order.
    pub wanted: Vec<Event>,
    /// The place of its last entry, wanted or not; none where there is none.
    pub last: Option<String>,
    /// Whether there are more entries behind it.
    pub goes_on: bool,
}

/// The name under which events about all devices wait: DynamoDB has no empty names.
const ALL_DEVICES: &str = "*";

/// Who waits together: a device with all its channels, or what is about all devices.
pub fn lane(event: &Event) -> &str {
    event.enrollment.as_ref().map_or(ALL_DEVICES, |id| id.device_id())
}

/// The pause after so many attempts, a fifth longer or shorter by chance.
pub fn pause(attempts: u32, chance: u8) -> SignedDuration {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    let percent = 80 + i64::from(chance) * 40 / 255;
    SignedDuration::from_millis(PAUSES[place] * 10 * percent)
}

impl Position {
    /// One that begins at a moment.
    pub fn beginning(at: Timestamp) -> Self {
        Self { cursor: moment(at), version: 1, ..Self::default() }
    }

    /// The same place without what former failures ask for: somebody says that the webhook works again.
    pub fn fresh(self) -> Self {
        let Self { cursor, ahead, version, delivered_at, .. } = self;
        Self { cursor, ahead, version: version + 1, delivered_at, ..Self::default() }
    }

    /// Back to a moment, or forth.
    pub fn moved_to(self, at: Timestamp) -> Self {
        Self { cursor: moment(at), ahead: BTreeSet::new(), ..self.fresh() }
    }

    /// The same, unless the clock was set back behind it: then what is written from now on stands before the cursor, and it
    /// goes back as well. What was delivered between the two moments comes again.
    #[must_use]
    pub fn not_ahead_of(self, now: Timestamp) -> Self {
        if self.cursor <= moment(now) {
            return self;
        }
        Self { cursor: moment(now - BEHIND), ..self }
    }

    /// Up to which moment entries are looked at now.
    pub fn horizon(now: Timestamp) -> Timestamp {
        now - SETTLES
    }

    /// Whether nothing is to be tried now, because somebody else does, or because of former failures.
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        self.leased_until.is_some_and(|until| now.as_second() < until)
            || self.rests_until.is_some_and(|until| now < until)
    }

    /// What is to be delivered now: one list for each device, in the order of the log.
    pub fn due<'w>(&self, window: &'w Window, now: Timestamp) -> Vec<Vec<&'w Event>> {
        let mut lanes: Vec<Vec<&Event>> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for event in window.wanted.iter().filter(|event| !self.ahead.contains(&event.place())) {
            let name = lane(event);
            if self.held.get(name).is_some_and(|held| now < held.next) {
                continue;
            }
            let place = *places.entry(name).or_insert_with(|| {
                lanes.push(Vec::new());
                lanes.len() - 1
            });
            if let Some(list) = lanes.get_mut(place) {
                list.push(event);
            }
        }
        lanes
    }

    /// How often an event has been tried before.
    pub fn tried(&self, event: &Event) -> u32 {
        let held = self.held.get(lane(event)).filter(|held| held.place == event.place());
        held.map_or(self.failures, |held| held.attempts)
    }

    /// Notes that an event is dealt with: delivered, or given up.
    pub fn done(&mut self, event: &Event) {
        self.ahead.insert(event.place());
        self.held.remove(lane(event));
    }

    /// Notes that a device's event was refused, and when it is tried next.
    pub fn hold(&mut self, event: &Event, now: Timestamp, next: Timestamp) {
        let place = event.place();
        let before = self.held.remove(lane(event)).filter(|held| held.place == place);
        let (attempts, since) = before.map_or((0, now), |held| (held.attempts, held.since));
        self.held.insert(lane(event).to_owned(), Held { place, attempts: attempts + 1, since, next });
    }

    /// The first event that holds up its device and is to be given up: it was refused for a day, although others were
    /// delivered; or it was refused a few times, and so many others were delivered meanwhile that they fill the window.
    pub fn given_up<'w>(&self, window: &'w Window, now: Timestamp) -> Option<&'w Event> {
        let held = |event: &Event| self.held.get(lane(event)).filter(|held| held.place == event.place());
        let is_alive = |held: &Held| self.delivered_at.is_some_and(|at| held.since <= at);
        let is_old = |held: &Held| now.duration_since(held.since) >= LONGEST;
        let mut open = window.wanted.iter().filter(|event| !self.ahead.contains(&event.place()));
        let is_stuck = window.goes_on && self.due(window, now).is_empty();
        let first = open.clone().next().filter(|event| {
            is_stuck && held(event).is_some_and(|held| is_alive(held) && held.attempts >= FEW)
        });
        first.or_else(|| open.find(|event| held(event).is_some_and(|held| is_alive(held) && is_old(held))))
    }

    /// Whether the cursor is to be moved although nothing is due: over entries that would be read again, or into another month
    /// of the log. Where nothing happens it stays, which costs nothing.
    pub fn is_behind(&self, window: &Window, now: Timestamp) -> bool {
        let mut next = self.clone();
        next.advance(window, now);
        let passes = window.last.as_ref().is_some_and(|last| *last <= next.cursor);
        let turns = month_of(moment_of(&next.cursor)) != month_of(moment_of(&self.cursor));
        next.cursor != self.cursor && (passes || turns)
    }

    /// Moves the cursor over what is dealt with.
    pub fn advance(&mut self, window: &Window, now: Timestamp) {
        let mut reached = match &window.last {
            Some(last) if window.goes_on => last.clone(),
            Some(_) | None => moment(now - BEHIND),
        };
        let open = window.wanted.iter().map(Event::place).find(|place| !self.ahead.contains(place));
        if let Some(open) = open.filter(|open| *open <= reached) {
            // Everything before it: its own moment's other entries are in `ahead`, or open as well.
            reached = open.split('#').next().unwrap_or_default().to_owned();
        }
        if reached > self.cursor {
            self.cursor = reached;
        }
        self.ahead = self.ahead.split_off(&self.cursor);
        self.held.retain(|_, held| held.place >= self.cursor);
    }
}

#[cfg(test)]
mod tests;
