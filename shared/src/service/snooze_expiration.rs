//! Putting off the mails about one credential.

use super::list_expirations::{operator_expirations, tenant_expirations};
use crate::domain::audit::AuditAction;
use crate::domain::snooze::Snooze;
use crate::error::{Error, Result};
use crate::scope::Realm;
use crate::state::State;
use crate::time::Timestamp;

/// Stops the mails about a credential until a time, in somebody's name. A renewal ends it.
///
/// # Errors
/// Malformed when the time is too far or the name is none; NotFound when there is no such credential.
pub async fn snooze_expiration(
    state: &State,
    realm: Realm<'_>,
    credential: &str,
    until: Timestamp,
    by: &str,
) -> Result<Snooze> {
    let known = match realm {
        Realm::Tenant(scope) => tenant_expirations(state, scope).await?,
        Realm::Operator(operator) => operator_expirations(state, operator).await?.0,
    };
    if !known.iter().any(|expiration| expiration.credential.id() == credential) {
        return Err(Error::not_found("credential"));
    }
    let snooze = Snooze::new(credential.to_owned(), until, by, state.clock.now())?;
    let audit = state
        .audit(realm, AuditAction::ExpirySnoozed)
        .with("credential", credential)
        .with("until", until)
        .with("by", &snooze.by);
    state.store.snooze(realm, &snooze, &audit).await?;
    tracing::info!(actor = %realm.actor(), credential, by = snooze.by, %until, "expiry mails were put off");
    Ok(snooze)
}
