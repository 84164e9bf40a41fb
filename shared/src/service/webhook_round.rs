//! What is due to a webhook at one moment: delivered, and what follows from what became of it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use futures_util::stream::iter;
use futures_util::{FutureExt, StreamExt};

use super::call_webhook::Caller;
use crate::domain::event::{Event, EventKind};
use crate::domain::webhook::{Message, OffReason, SwitchedOff, Webhook};
use crate::domain::webhook_attempt::{Attempt, DeadLetter, Outcome};
use crate::domain::webhook_position::{LONGEST, Position, Window, pause};
use crate::error::Result;
use crate::scope::Scope;
use crate::state::State;
use crate::time::{SignedDuration, Timestamp};

/// Calls to one webhook at the same time.
const ABREAST: usize = 8;
/// So many failures in a row, and nothing else, end a round: the server is not there.
const PATIENCE: u32 = 3;
/// Most events that a round gives up.
const DEAD: usize = 50;
/// The longest rest that a server may ask for.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(1);

/// What is due at one moment.
pub(super) struct Round<'a> {
    pub(super) state: &'a State,
    pub(super) scope: &'a Scope,
    pub(super) webhook: &'a Webhook,
    pub(super) caller: &'a Caller<'a>,
    pub(super) window: &'a Window,
    pub(super) now: Timestamp,
}

/// What has happened so far in a round, seen by those who deliver at the same time.
#[derive(Default)]
struct Course {
    delivered: AtomicBool,
    missed: AtomicU32,
    gone: AtomicBool,
}

impl Course {
    fn note(&self, outcome: Outcome) {
        match outcome {
            Outcome::Delivered => self.delivered.store(true, Ordering::Relaxed),
            Outcome::Refused | Outcome::Unreachable => drop(self.missed.fetch_add(1, Ordering::Relaxed)),
            Outcome::Gone => self.gone.store(true, Ordering::Relaxed),
        }
    }

    /// Whether to call no more: nobody is there.
    fn is_over(&self) -> bool {
        let is_alive = self.delivered.load(Ordering::Relaxed);
        self.gone.load(Ordering::Relaxed) || (!is_alive && self.missed.load(Ordering::Relaxed) >= PATIENCE)
    }
}

impl Round<'_> {
    /// Delivers, and writes down what became of it. Returns whether to go on.
    pub(super) async fn play(&self, position: &mut Position, until: Instant) -> Result<bool> {
        let lanes = position.due(self.window, self.now);
        // One at a time until a server that failed is known to be there again.
        let abreast = if position.failing_since.is_some() { 1 } else { ABREAST };
        let course = &Course::default();
        let before = &*position;
        let mut calls = Vec::with_capacity(lanes.len());
        for together in lanes.chunks(self.caller.at_once()) {
            calls.push(self.deliver_lanes(before, together, course, until).boxed());
        }
        let made: Vec<_> = iter(calls).buffer_unordered(abreast).collect().await;
        let made: Result<Vec<_>> = made.into_iter().collect();
        let made: Vec<(&Event, Attempt)> = made?.into_iter().flatten().collect();
        let off = self.conclude(position, &made);
        let attempts: Vec<Attempt> = self.with_next(position, made);
        let mut dead = Vec::new();
        // Of more than that, the rest is given up in the next round.
        while dead.len() < DEAD
            && let Some(event) = position.given_up(self.window, self.now)
        {
            dead.push(DeadLetter::new(event, self.now, position.tried(event)));
            position.done(event);
        }
        position.advance(self.window, self.now);
        position.version += 1;
        let (store, id) = (&self.state.store, &self.webhook.id);
        if !store.note_deliveries(self.scope, id, position, &attempts, &dead).await? {
            return Ok(false);
        }
        if let Some(why) = off {
            self.switch_off(why).await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Delivers some devices' events, the next one of each together, until one is not taken: then its device's later ones wait.
    async fn deliver_lanes<'w>(
        &self,
        position: &Position,
        lanes: &[Vec<&'w Event>],
        course: &Course,
        until: Instant,
    ) -> Result<Vec<(&'w Event, Attempt)>> {
        let mut made = Vec::new();
        let mut lanes: Vec<_> = lanes.iter().map(|lane| lane.iter().copied()).collect();
        while !course.is_over() && Instant::now() < until {
            lanes.retain(|lane| lane.len() > 0);
            let events: Vec<&Event> = lanes.iter_mut().filter_map(Iterator::next).collect();
            if events.is_empty() {
                break;
            }
            let messages: Result<Vec<Message>> =
                events.iter().map(|event| Message::of(self.scope.tenant(), event)).collect();
            let results = self.caller.tell(&messages?).await?;
            let mut taken = Vec::with_capacity(results.len());
            for (event, result) in events.into_iter().zip(results) {
                course.note(result.outcome);
                taken.push(result.outcome == Outcome::Delivered);
                let (id, attempt) = (self.state.random.id(), position.tried(event) + 1);
                made.push((event, Attempt::new(id, self.state.clock.now(), event, attempt, result)));
            }
            let mut taken = taken.into_iter();
            lanes.retain(|_| taken.next() == Some(true));
        }
        Ok(made)
    }

    /// What follows from the calls. Returns why the webhook is to be switched off, if it is.
    fn conclude(&self, position: &mut Position, made: &[(&Event, Attempt)]) -> Option<OffReason> {
        let with = |outcome| made.iter().filter(move |(_, attempt)| attempt.result.outcome == outcome);
        if with(Outcome::Gone).next().is_some() {
            return Some(OffReason::Gone);
        }
        let is_alive = with(Outcome::Delivered).next().is_some();
        for (event, _) in with(Outcome::Delivered) {
            position.done(event);
        }
        if is_alive {
            position.delivered_at = Some(self.now);
            (position.failing_since, position.failures, position.rests_until) = (None, 0, None);
        } else if !made.is_empty() {
            position.failures += 1;
            if let Some((_, attempt)) = with(Outcome::Unreachable).next() {
                position.rests_until = Some(self.now + self.rest(position.failures, attempt));
            }
            let since = *position.failing_since.get_or_insert(self.now);
            if self.now.duration_since(since) >= LONGEST {
                return Some(OffReason::Failing);
            }
        }
        // A server that is there and does not take an event holds up its device; one that is not there rests as a whole.
        for (event, attempt) in made {
            let holds = match attempt.result.outcome {
                Outcome::Refused => true,
                Outcome::Unreachable => is_alive,
                Outcome::Delivered | Outcome::Gone => false,
            };
            if holds {
                position.hold(event, self.now, self.now + self.rest(attempt.attempt, attempt));
            }
        }
        None
    }

    /// The pause after an attempt; longer where the server asks for it.
    fn rest(&self, attempts: u32, attempt: &Attempt) -> SignedDuration {
        let [chance] = self.state.random.bytes();
        let asked = SignedDuration::from_secs(attempt.result.retry_after.unwrap_or_default().into());
        pause(attempts, chance).max(asked.min(LONGEST_REST))
    }

    /// The attempts, with when each is repeated.
    fn with_next(&self, position: &Position, made: Vec<(&Event, Attempt)>) -> Vec<Attempt> {
        let next = |event: &Event| {
            let held = position.held.values().find(|held| held.place == event.place());
            held.map(|held| held.next).max(position.rests_until)
        };
        let attempt = |(event, attempt): (&Event, Attempt)| match attempt.result.outcome {
            Outcome::Delivered | Outcome::Gone => attempt,
            Outcome::Refused | Outcome::Unreachable => Attempt { next_attempt_at: next(event), ..attempt },
        };
        made.into_iter().map(attempt).collect()
    }

    async fn switch_off(&self, why: OffReason) -> Result<()> {
        let switched_off = Some(SwitchedOff { at: self.now, why });
        let version = self.webhook.version + 1;
        let off = Webhook { enabled: false, untold: true, switched_off, version, ..self.webhook.clone() };
        let (fact, at) = off.target.fact();
        let event = self
            .state
            .event_of_all(self.scope, EventKind::WebhookDisabled)
            .with("webhook", &off.id)
            .with(fact, at)
            .with("why", why.name());
        if self.state.store.switch_webhook_off(self.scope, &off, &event).await? {
            tracing::warn!(tenant = %self.scope.tenant(), webhook = %off.id, why = why.name(), "a webhook was switched off");
        }
        Ok(())
    }
}
