//! Who can renew a tenant's push certificate: recorded, and confirmed from time to time.

use crate::domain::audit::AuditAction;
use crate::domain::contact::EmailAddress;
use crate::domain::ownership::{Ownership, ownership_text};
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::state::State;

/// What a person says about it.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The Apple account.
    pub apple_account: EmailAddress,
    /// Who holds its second factor.
    pub second_factor_holder: String,
    /// Anything else.
    pub note: Option<String>,
}

/// Records who can renew, in place of what was recorded before.
///
/// # Errors
/// Malformed, naming the field; Conflict when somebody else changed the record at the same time.
pub async fn record_ownership(state: &State, scope: &Scope, owner: Owner) -> Result<Ownership> {
    let before = state.store.ownership(scope).await?;
    let record = Ownership {
        apple_account: owner.apple_account,
        second_factor_holder: ownership_text("second_factor_holder", &owner.second_factor_holder)?,
        note: owner.note.map(|note| ownership_text("note", &note)).transpose()?,
        confirmed_at: state.clock.now(),
        confirmed_by: scope.actor().to_string(),
        version: before.map_or(0, |before| before.version) + 1,
    };
    keep(state, scope, record).await
}

/// Confirms that the record is still true.
///
/// # Errors
/// NotFound when nothing is recorded; Conflict when somebody else changed the record at the same time.
pub async fn confirm_ownership(state: &State, scope: &Scope) -> Result<Ownership> {
    let before = ownership(state, scope).await?;
    let record = Ownership {
        confirmed_at: state.clock.now(),
        confirmed_by: scope.actor().to_string(),
        version: before.version + 1,
        ..before
    };
    keep(state, scope, record).await
}

/// The record.
///
/// # Errors
/// NotFound when nothing is recorded.
pub async fn ownership(state: &State, scope: &Scope) -> Result<Ownership> {
    state.store.ownership(scope).await?.ok_or_else(|| {
        Error::not_found("record of who can renew").next("Make it with PUT .../push-certificate/ownership.")
    })
}

async fn keep(state: &State, scope: &Scope, record: Ownership) -> Result<Ownership> {
    let audit = state
        .audit(scope, AuditAction::PushCertificateOwnershipConfirmed)
        .with("apple_account", &record.apple_account);
    state.store.put_ownership(scope, &record, &audit).await?;
    Ok(record)
}
