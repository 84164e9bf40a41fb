//! Seals the logs: once an hour, what is old enough of each tenant's and of the operator's; and deletes what is over.

use super::retention::forget;
use crate::domain::log::moment;
use crate::domain::seal::{Log, Seal};
use crate::error::Result;
use crate::id::TenantId;
use crate::scope::{Operator, Realm, Scope};
use crate::state::State;
use crate::time::{SignedDuration, from_unix};

/// Most entries under one seal.
const MOST: usize = 1_000;
/// Most seals of one run: a tenant with more to seal goes on in the next hour.
const SEALS: usize = 50;
/// A log's first entry may be so much older than its tenant's item.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// No installation is older than this, the beginning of 2026 in unix seconds: so far back the operator's first entry is looked for.
const FIRST: i64 = 1_767_225_600;

/// Seals what is old enough of a tenant's logs, and deletes what its tenant does not want to keep any longer. Whoever does the same at the same moment adds no second seal.
///
/// # Errors
/// Unavailable when the store does not answer; what is sealed stays.
pub async fn seal_logs(state: &State, tenant: &TenantId) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the schedule looks at every tenant in turn")]
    let scope = Scope::system(tenant.clone(), "seals");
    for log in Log::ALL {
        seal(state, (&scope).into(), log).await?;
        forget(state, &scope, log).await?;
    }
    Ok(())
}

/// Seals what is old enough of the operator's own audit log, which never ends.
///
/// # Errors
/// As [`seal_logs`].
pub async fn seal_operators_log(state: &State) -> Result<()> {
    seal(state, (&Operator::system("seals")).into(), Log::Audit).await
}

async fn seal(state: &State, realm: Realm<'_>, log: Log) -> Result<()> {
    let now = state.clock.now();
    let horizon = moment(Seal::horizon(now));
    let mut last = state.store.last_seal(realm, log).await?;
    let mut from = match &last {
        Some(seal) => seal.until.clone(),
        None => beginning(state, realm).await?,
    };
    for _ in 0..SEALS {
        if from >= horizon {
            break;
        }
        let (mut lines, goes_on) = state.store.log_lines(realm, log, (&from, &horizon), MOST + 1).await?;
        if lines.is_empty() {
            break;
        }
        // What does not fit any more is where the next seal begins.
        let rest = if lines.len() > MOST { lines.pop() } else { None };
        let until = rest.map_or_else(|| horizon.clone(), |(place, _)| place);
        let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        let seal = Seal::over(realm.name(), log, last.as_ref(), (from, until), &lines, now);
        if !state.store.add_seal(realm, log, &seal).await? {
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

/// Where the realm's logs begin.
pub(super) async fn beginning(state: &State, realm: Realm<'_>) -> Result<String> {
    match realm {
        Realm::Tenant(scope) => Ok(moment(state.store.tenant(scope).await?.created_at - BEFORE)),
        Realm::Operator(_) => Ok(moment(from_unix(FIRST))),
    }
}
