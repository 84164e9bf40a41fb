//! Seals the logs: once an hour, what is old enough of each tenant's; and deletes what is over.

use super::retention::forget;
use crate::domain::log::moment;
use crate::domain::seal::{Log, Seal};
use crate::error::Result;
use crate::id::TenantId;
use crate::scope::Scope;
use crate::state::State;
use crate::time::SignedDuration;

/// Most entries under one seal.
const MOST: usize = 1_000;
/// Most seals of one run: a tenant with more to seal goes on in the next hour.
const SEALS: usize = 50;
/// A log's first entry may be so much older than its tenant's item.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// Seals what is old enough of a tenant's logs, and deletes what its tenant does not want to keep any longer. Whoever does the same at the same moment adds no second seal.
///
/// # Errors
/// Unavailable when the store does not answer; what is sealed stays.
pub async fn seal_logs(state: &State, tenant: &TenantId) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the schedule looks at every tenant in turn")]
    let scope = Scope::system(tenant.clone(), "seals");
    for log in Log::ALL {
        seal(state, &scope, log).await?;
        forget(state, &scope, log).await?;
    }
    Ok(())
}

async fn seal(state: &State, scope: &Scope, log: Log) -> Result<()> {
    let now = state.clock.now();
    let horizon = moment(Seal::horizon(now));
    let mut last = state.store.last_seal(scope, log).await?;
    let mut from = match &last {
        Some(seal) => seal.until.clone(),
        None => beginning(state, scope).await?,
    };
    for _ in 0..SEALS {
        if from >= horizon {
            break;
        }
        let (mut lines, goes_on) = state.store.log_lines(scope, log, (&from, &horizon), MOST + 1).await?;
        if lines.is_empty() {
            break;
        }
        // What does not fit any more is where the next seal begins.
        let rest = if lines.len() > MOST { lines.pop() } else { None };
        let until = rest.map_or_else(|| horizon.clone(), |(place, _)| place);
        let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        let seal = Seal::over(scope.tenant(), log, last.as_ref(), (from, until), &lines, now);
        if !state.store.add_seal(scope, log, &seal).await? {
            break;
        }
        from = seal.until.clone();
        last = Some(seal);
        if !goes_on && from >= horizon {
            break;
        }
    }
    Ok(())
}

/// Where a tenant's logs begin.
pub(super) async fn beginning(state: &State, scope: &Scope) -> Result<String> {
    let tenant = state.store.tenant(scope).await?;
    Ok(moment(tenant.created_at - BEFORE))
}
