//! Giving up the request that waits for Apple's certificate.

use super::push_key::delete_unless_needed;
use crate::domain::audit::AuditAction;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::state::State;

/// Gives the pending request up. Its key goes with it, unless an upload under review needs it.
///
/// # Errors
/// NotFound when no request is pending; Conflict when somebody changed it at the same time.
pub async fn cancel_push_request(state: &State, scope: &Scope) -> Result<()> {
    let all = state.store.push_certificates(scope).await?;
    let former = all.give_up().ok_or_else(|| Error::not_found("pending request"))?;
    let audit = state.audit(scope, AuditAction::PushRequestCancelled).with("key", &former.request.key);
    state.store.delete_push_request(scope, former, &audit).await?;
    delete_unless_needed(state, scope, &former.request.key).await;
    Ok(())
}
