//! Delivers events to webhooks. The surveillance log is the queue, and a position in it says what was delivered: a message
//! that is lost, repeated or late changes nothing, because the next turn begins where the position stands.

use std::time::{Duration, Instant};

use super::call_webhook::Caller;
use super::tell_switched_off::tell_switched_off;
use super::webhook_round::Round;
use crate::domain::event::Event;
use crate::domain::webhook::Webhook;
use crate::domain::webhook_position::{Position, Window};
use crate::error::Result;
use crate::id::{TenantId, WebhookId};
use crate::scope::Scope;
use crate::state::State;
use crate::time::Timestamp;

/// Entries of the log that are looked at together.
const WINDOW: usize = 400;
/// After this no call begins.
const TURN: Duration = Duration::from_secs(40);
/// For how long a turn keeps others away, in seconds: longer than the function may run.
const LEASE: i64 = 120;

/// One webhook's turn.
pub(super) async fn deliver(state: &State, tenant: &TenantId, id: &WebhookId) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the schedule looks at every webhook in turn")]
    let scope = &Scope::system(tenant.clone(), "webhooks");
    let (webhook, position) =
        tokio::try_join!(state.store.webhook(scope, id), state.store.webhook_position(scope, id))?;
    let (Some(webhook), Some(position)) = (webhook, position) else { return Ok(()) };
    let mut position = position.not_ahead_of(state.clock.now());
    if webhook.untold {
        return tell_switched_off(state, scope, webhook).await;
    }
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
