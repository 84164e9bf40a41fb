//! Groups begin: made by name, or by a link that names one.

use crate::domain::audit::AuditAction;
use crate::domain::group::Group;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::state::State;

/// Makes a group.
///
/// # Errors
/// Malformed `group-name`; Conflict when there is one of this name, or it is still being deleted.
pub async fn create_group(state: &State, scope: &Scope, name: &str) -> Result<Group> {
    let group = Group::create(name, state.clock.now())?;
    if made(state, scope, &group).await? {
        return Ok(group);
    }
    Err(Error::conflict("group-exists", "There is a group of this name, or it is still being deleted.")
        .at("name")
        .next("Choose another name, or repeat the deletion first."))
}

/// Makes the group that a link names, unless there is one.
pub(super) async fn ensure_group(state: &State, scope: &Scope, name: &str) -> Result<()> {
    let group = Group::create(name, state.clock.now())?;
    if state.store.group(scope, &group.id).await?.is_none() {
        made(state, scope, &group).await?;
    }
    Ok(())
}

async fn made(state: &State, scope: &Scope, group: &Group) -> Result<bool> {
    let audit =
        state.audit(scope, AuditAction::GroupCreated).with("group", &group.id).with("name", &group.name);
    state.store.create_group(scope, group, &audit).await
}
