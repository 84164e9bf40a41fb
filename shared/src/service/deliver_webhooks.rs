//! Delivers events to webhooks. The surveillance log is the queue, and a position in it says what was delivered: a message
//! that is lost, repeated or late changes nothing, because the next turn begins where the position stands.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::iter;
use futures_util::{FutureExt, StreamExt};

use super::call_webhook::Caller;
use super::seal_logs::seal_logs;
use crate::domain::event::{Event, EventKind};
use crate::domain::webhook::{OffReason, SwitchedOff, Webhook, body};
use crate::domain::webhook_attempt::{Attempt, DeadLetter, Outcome};
use crate::domain::webhook_position::{LONGEST, Position, Window, pause};
use crate::domain::webhook_turn::EventWork;
use crate::error::{Error, Result};
use crate::id::{TenantId, WebhookId};
use crate::scope::Scope;
use crate::state::State;
use crate::time::{SignedDuration, Timestamp};

/// Webhooks of one page of the list.
const PAGE: i32 = 100;
/// When a webhook gets its turns within the minute, in seconds.
const TURNS: [u16; 4] = [0, 15, 30, 45];
/// Entries of the log that are looked at together.
const WINDOW: usize = 400;
/// Devices whose events are delivered at the same time.
const ABREAST: usize = 8;
/// So many failures in a row, and nothing else, end a round: the server is not there.
const PATIENCE: u32 = 3;
/// Most events that a round gives up.
const DEAD: usize = 50;
/// After this no call begins.
const TURN: Duration = Duration::from_secs(40);
/// For how long a turn keeps others away, in seconds: longer than the function may run.
const LEASE: i64 = 120;
/// The longest rest that a server may ask for.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(1);

/// Begins a minute: every webhook that is switched on gets its turns.
///
/// # Errors
/// Unavailable when the queue does not answer.
pub async fn begin_deliveries(state: &State) -> Result<()> {
    list(state, None).await
}

/// Does what a message says. Repeating it changes nothing.
///
/// # Errors
/// Unavailable when the message is to come again.
pub async fn do_event_work(state: &State, work: &EventWork) -> Result<()> {
    match work {
        EventWork::Webhooks { after } => list(state, after.as_deref()).await,
        EventWork::Seals { after } => list_for_seals(state, after.as_ref()).await,
        EventWork::Seal { tenant } => seal_logs(state, tenant).await,
        EventWork::Deliver { tenant, webhook } => deliver(state, tenant, webhook).await,
    }
}

/// Begins an hour: every tenant's logs get their seals.
///
/// # Errors
/// Unavailable when the queue does not answer.
pub async fn begin_seals(state: &State) -> Result<()> {
    list_for_seals(state, None).await
}

async fn list_for_seals(state: &State, after: Option<&TenantId>) -> Result<()> {
    let found = state.store.tenant_ids(after, PAGE).await?;
    let full = found.len() == usize::try_from(PAGE).unwrap_or_default();
    let next = found.last().filter(|_| full).cloned();
    let work = found.into_iter().map(|tenant| EventWork::Seal { tenant });
    let work: Vec<EventWork> =
        work.chain(next.map(|after| EventWork::Seals { after: Some(after) })).collect();
    send(state, &work, 0).await
}

async fn list(state: &State, after: Option<&str>) -> Result<()> {
    let found = state.store.listed_webhooks(after, PAGE).await?;
    if found.len() == usize::try_from(PAGE).unwrap_or_default() {
        let last = found.last().map(|(name, ..)| name.clone());
        send(state, &[EventWork::Webhooks { after: last }], 0).await?;
    }
    let turns = found.into_iter().map(|(_, tenant, webhook)| EventWork::Deliver { tenant, webhook });
    let turns: Vec<EventWork> = turns.collect();
    for delay in TURNS {
        send(state, &turns, delay).await?;
    }
    Ok(())
}

async fn send(state: &State, work: &[EventWork], delay_seconds: u16) -> Result<()> {
    let bodies: Result<Vec<String>> =
        work.iter().map(|work| serde_json::to_string(work).map_err(Error::internal)).collect();
    state.events.send(&bodies?, delay_seconds).await
}

/// One webhook's turn.
async fn deliver(state: &State, tenant: &TenantId, id: &WebhookId) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the schedule looks at every webhook in turn")]
    let scope = &Scope::system(tenant.clone(), "webhooks");
    let (webhook, position) =
        tokio::try_join!(state.store.webhook(scope, id), state.store.webhook_position(scope, id))?;
    let (Some(webhook), Some(mut position)) = (webhook, position) else { return Ok(()) };
    if !webhook.enabled || position.is_quiet(state.clock.now()) {
        return Ok(());
    }
    let began = Instant::now();
    let mut caller = None;
    while began.elapsed() < TURN {
        let now = state.clock.now();
        let window = window(state, scope, &webhook, &position, now).await?;
        if position.due(&window, now).is_empty() && !position.is_behind(&window, now) {
            break;
        }
        let caller = match &mut caller {
            Some(caller) => &*caller,
            none => {
                let until = now.as_second() + LEASE;
                if !state.store.lease_webhook(scope, id, &mut position, until).await? {
                    return Ok(());
                }
                &*none.insert(Caller::open(state, scope, &webhook).await?)
            }
        };
        let round = Round { state, scope, webhook: &webhook, caller, window: &window, now };
        if !round.play(&mut position, began + TURN).await? {
            return Ok(());
        }
        if position.rests_until.is_some() || !window.goes_on {
            break;
        }
    }
    if caller.is_some() {
        state.store.release_webhook(scope, id, &position).await?;
    }
    Ok(())
}

async fn window(
    state: &State,
    scope: &Scope,
    webhook: &Webhook,
    position: &Position,
    now: Timestamp,
) -> Result<Window> {
    let until = Position::horizon(now);
    let (read, goes_on) = state.store.events_after(scope, &position.cursor, until, WINDOW).await?;
    let last = read.last().map(Event::place);
    let wanted = read.into_iter().filter(|event| webhook.wants(event.kind)).collect();
    Ok(Window { wanted, last, goes_on })
}

/// What is due at one moment.
struct Round<'a> {
    state: &'a State,
    scope: &'a Scope,
    webhook: &'a Webhook,
    caller: &'a Caller<'a>,
    window: &'a Window,
    now: Timestamp,
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
    async fn play(&self, position: &mut Position, until: Instant) -> Result<bool> {
        let lanes = position.due(self.window, self.now);
        // One at a time until a server that failed is known to be there again.
        let abreast = if position.failing_since.is_some() { 1 } else { ABREAST };
        let course = &Course::default();
        let before = &*position;
        let mut calls = Vec::with_capacity(lanes.len());
        for lane in lanes {
            calls.push(self.deliver_lane(before, lane, course, until).boxed());
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

    /// Delivers one device's events in their order, until one is not taken.
    async fn deliver_lane<'w>(
        &self,
        position: &Position,
        lane: Vec<&'w Event>,
        course: &Course,
        until: Instant,
    ) -> Result<Vec<(&'w Event, Attempt)>> {
        let mut made = Vec::new();
        for event in lane {
            if course.is_over() || Instant::now() >= until {
                break;
            }
            let result = self.caller.call(event.id.as_str(), body(self.scope.tenant(), event)?).await?;
            course.note(result.outcome);
            let (attempt, is_delivered) = (position.tried(event) + 1, result.outcome == Outcome::Delivered);
            let id = self.state.random.id();
            made.push((event, Attempt::new(id, self.state.clock.now(), event, attempt, result)));
            if !is_delivered {
                break;
            }
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
        let off = Webhook { enabled: false, switched_off, version, ..self.webhook.clone() };
        let event = self
            .state
            .event_of_all(self.scope, EventKind::WebhookDisabled)
            .with("webhook", &off.id)
            .with("url", &off.url)
            .with("why", why.name());
        if self.state.store.switch_webhook_off(self.scope, &off, &event).await? {
            tracing::warn!(tenant = %self.scope.tenant(), webhook = %off.id, why = why.name(), "a webhook was switched off");
        }
        Ok(())
    }
}
