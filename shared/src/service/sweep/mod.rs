//! The sweep: a look at every device of every tenant, a page at a time. It repairs what a lost hint delays.

mod devices;
mod dropped;
mod inactive;
mod jobs;
mod refresh;
mod renewals;

use crate::domain::sweep::{DevicePage, Sweep};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::state::State;

/// Tenants of one page.
const TENANTS: i32 = 100;

/// Begins a look at everybody, reminds of the jobs that are not over, and looks for dropped commands.
///
/// # Errors
/// Unavailable when the queue does not answer.
pub async fn begin_sweep(state: &State) -> Result<()> {
    send(state, &[Sweep::Tenants { after: None }], 0).await?;
    // The devices must not wait for what is wrong with the jobs.
    if let Err(error) = jobs::remind(state).await {
        tracing::error!(error = %error.chain(), "jobs were not reminded of");
    }
    if let Err(error) = dropped::begin(state).await {
        tracing::error!(error = %error.chain(), "dropped commands were not looked for");
    }
    Ok(())
}

/// Does one page and asks for the next. Repeating it repeats hints, which changes nothing.
///
/// # Errors
/// Unavailable when the page is to be tried again.
pub async fn sweep(state: &State, page: &Sweep) -> Result<()> {
    match page {
        Sweep::Tenants { after } => tenants(state, after.as_ref()).await,
        Sweep::Devices(page) => devices::look(state, page).await,
        Sweep::Renewal(wanted) => devices::renew(state, wanted).await,
        Sweep::Dropped(wanted) => dropped::look(state, wanted).await,
    }
}

/// Each tenant gets a message of its own, so that the pages of a large one stand in line with everybody's.
async fn tenants(state: &State, after: Option<&TenantId>) -> Result<()> {
    let found = state.store.tenant_ids(after, TENANTS).await?;
    let full = found.len() == usize::try_from(TENANTS).unwrap_or_default();
    let next = found.last().filter(|_| full).cloned();
    let pages = found.into_iter().map(|tenant| Sweep::Devices(DevicePage::first(tenant)));
    let pages: Vec<Sweep> = pages.chain(next.map(|after| Sweep::Tenants { after: Some(after) })).collect();
    send(state, &pages, 0).await
}

async fn send(state: &State, pages: &[Sweep], delay_seconds: u16) -> Result<()> {
    let bodies: Result<Vec<String>> =
        pages.iter().map(|page| serde_json::to_string(page).map_err(Error::internal)).collect();
    state.sweeps.send(&bodies?, delay_seconds).await
}
