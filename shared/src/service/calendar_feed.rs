//! The calendar that a tenant's people subscribe to, behind an address that nobody can guess.

use super::list_expirations::tenant_expirations;
use crate::domain::audit::AuditAction;
use crate::domain::calendar::{Entry, calendar};
use crate::domain::token::hash;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::scope::{Actor, Scope};
use crate::secret::{Secret, is_same};
use crate::state::State;
use crate::store::CalendarFeed;

/// Makes a new address and returns it, this once. The one before stops working.
pub async fn create_calendar_feed(state: &State, scope: &Scope) -> Result<Secret<String>> {
    let secret = state.random.token();
    let feed = CalendarFeed { token_hash: hash(&secret), created_at: state.clock.now() };
    let audit = state.audit(scope, AuditAction::CalendarAddressCreated);
    state.store.put_calendar_feed(scope, &feed, &audit).await?;
    tracing::info!(tenant = %scope.tenant(), actor = %scope.actor(), "a calendar address was made");
    let base = &state.config.base_url;
    Ok(Secret::new(format!("{base}/console/{}/calendar/{}.ics", scope.tenant(), secret.expose())))
}

/// The calendar, for whoever holds its address.
///
/// # Errors
/// NotFound when the address is wrong or was replaced.
pub async fn read_calendar_feed(state: &State, tenant: TenantId, secret: &Secret<String>) -> Result<String> {
    let scope = Scope::authenticated(tenant, Actor::Address("calendar"));
    let given = hash(secret);
    state
        .store
        .calendar_feed(&scope)
        .await?
        .filter(|feed| is_same(&feed.token_hash, &given))
        .ok_or_else(|| Error::not_found("calendar"))?;
    let tenant = state.store.tenant(&scope).await?;
    let expirations = tenant_expirations(state, &scope).await?.into_iter();
    let entries: Vec<Entry> = expirations
        .map(|expiration| Entry { credential: expiration.credential, page: expiration.page })
        .collect();
    Ok(calendar(&tenant.name, state.config.host(), &entries, state.clock.now()))
}
