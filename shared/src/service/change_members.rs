//! Who is in a group.

use std::collections::{BTreeSet, HashMap};

use crate::domain::audit::AuditAction;
use crate::domain::enrollment::Enrollment;
use crate::domain::group::{Group, MOST_GROUPS, joined};
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, GroupId};
use crate::scope::Scope;
use crate::state::State;
use crate::store::MEMBERS_AT_ONCE;

/// The most enrollments of one call.
const MOST_CHANGES: usize = 500;

/// What a call changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MembersChanged {
    /// Enrollments that joined.
    pub added: usize,
    /// Enrollments that left.
    pub removed: usize,
}

/// Lets enrollments join and leave a group. All of them are checked before anything is written; who is in, or is not, already
/// stays so. A call that was cut short may be repeated.
///
/// # Errors
/// NotFound for the group, and for an enrollment, named; Malformed when there are too many, or one is in both lists;
/// Conflict when an enrollment is in as many groups as it may.
pub async fn change_members(
    state: &State,
    scope: &Scope,
    id: &GroupId,
    add: &BTreeSet<EnrollmentId>,
    remove: &BTreeSet<EnrollmentId>,
) -> Result<MembersChanged> {
    if !(1..=MOST_CHANGES).contains(&(add.len() + remove.len())) || !add.is_disjoint(remove) {
        let message =
            format!("A call changes 1 to {MOST_CHANGES} members, and none of them joins and leaves at once.");
        return Err(Error::malformed("group-members", message)
            .at("add")
            .next("Split a longer list over several calls."));
    }
    let group = group(state, scope, id).await?;
    let named: Vec<EnrollmentId> = add.union(remove).cloned().collect();
    let known = state.store.enrollments(scope, &named).await?;
    let known: HashMap<&EnrollmentId, &Enrollment> =
        known.iter().map(|enrollment| (&enrollment.id, enrollment)).collect();
    for (field, ids) in [("add", add), ("remove", remove)] {
        if let Some(unknown) = ids.iter().find(|id| !known.contains_key(id)) {
            return Err(Error::not_found(&format!("enrollment {unknown}")).at(field));
        }
    }
    let is_in = |id: &&EnrollmentId| known.get(*id).is_some_and(|device| device.groups.contains(&group.name));
    let joining: Vec<EnrollmentId> = add.iter().filter(|id| !is_in(id)).cloned().collect();
    let leaving: Vec<EnrollmentId> = remove.iter().filter(|id| is_in(id)).cloned().collect();
    let is_full = |id: &&EnrollmentId| {
        known.get(*id).is_some_and(|device| joined(&device.groups, &group.name).is_none())
    };
    if let Some(full) = joining.iter().find(is_full) {
        let message =
            format!("The enrollment {full} is in {MOST_GROUPS} groups, the most that one may be in.");
        return Err(Error::conflict("group-limit", message)
            .at("add")
            .next("Take it out of another group first."));
    }
    for (ids, leave) in [(&joining, false), (&leaving, true)] {
        for some in ids.chunks(MEMBERS_AT_ONCE) {
            let audit = state
                .audit(scope, AuditAction::GroupMembersChanged)
                .with("group", &group.id)
                .with("name", &group.name)
                .with(if leave { "removed" } else { "added" }, some.len());
            state.store.change_members(scope, &group, some, leave, &audit).await?;
        }
    }
    Ok(MembersChanged { added: joining.len(), removed: leaving.len() })
}

/// A group that is not being deleted.
///
/// # Errors
/// NotFound.
pub async fn group(state: &State, scope: &Scope, id: &GroupId) -> Result<Group> {
    let found = state.store.group(scope, id).await?;
    found.filter(|group| group.deleted_at.is_none()).ok_or_else(|| Error::not_found("group"))
}
