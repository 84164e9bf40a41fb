//! Giving up the request that waits for Apple's certificate.

use super::secret_path;
use crate::domain::audit::AuditAction;
use crate::domain::push_certificates::GivenUp;
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
    forget_key(state, scope, former).await;
    Ok(())
}

/// Deletes the key of a request that was given up, unless an upload under review needs it.
pub(super) async fn forget_key(state: &State, scope: &Scope, former: GivenUp<'_>) {
    if former.key_is_needed {
        return;
    }
    let path = secret_path::push_key(scope.tenant(), &former.request.key);
    if let Err(error) = state.secrets.delete(&path).await {
        // A key that nothing names any more harms nobody; the request is gone.
        tracing::warn!(tenant = %scope.tenant(), error = %error.chain(), "the given-up request's key is left over");
    }
}
