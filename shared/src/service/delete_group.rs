//! A group ends; its devices stay as they are.

use crate::domain::audit::AuditAction;
use crate::error::{Error, Result};
use crate::id::GroupId;
use crate::scope::Scope;
use crate::state::State;
use crate::store::MEMBERS_AT_ONCE;

/// Deletes a group: from the first write on nobody joins it; then its members leave it, then it is gone. Repeating it completes
/// what was interrupted.
///
/// # Errors
/// NotFound when there is no such group.
pub async fn delete_group(state: &State, scope: &Scope, id: &GroupId) -> Result<()> {
    let group = state.store.group(scope, id).await?.ok_or_else(|| Error::not_found("group"))?;
    let audit =
        state.audit(scope, AuditAction::GroupDeleted).with("group", &group.id).with("name", &group.name);
    state.store.close_group(scope, id, state.clock.now(), &audit).await?;
    let page = i32::try_from(MEMBERS_AT_ONCE).map_err(Error::internal)?;
    loop {
        let (members, _) = state.store.members(scope, id, None, page).await?;
        if members.is_empty() {
            return state.store.remove_group(scope, id).await.map(drop);
        }
        state.store.empty_group(scope, &group, &members).await?;
    }
}
