//! What the function `events` is asked to do: schedules ask for a turn of every webhook and for seals on every log, a page of the
//! lists at a time.

use super::deliver_webhooks::deliver;
use super::seal_logs::{seal_logs, seal_operators_log};
use crate::domain::webhook_turn::EventWork;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::state::State;

/// Webhooks, or tenants, of one page of the list.
const PAGE: i32 = 100;
/// When a webhook gets its turns within the minute, in seconds.
const TURNS: [u16; 4] = [0, 15, 30, 45];

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
        EventWork::SealOperators => seal_operators_log(state).await,
        EventWork::Deliver { tenant, webhook } => deliver(state, tenant, webhook).await,
    }
}

/// Begins an hour: the operator's log and every tenant's get their seals.
///
/// # Errors
/// Unavailable when the queue does not answer.
pub async fn begin_seals(state: &State) -> Result<()> {
    send(state, &[EventWork::SealOperators], 0).await?;
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
