//! What a command would do, before it is sent.

use std::collections::BTreeMap;

use super::installed::fitting;
use super::start::NewTargets;
use super::targets::{PAGE, UsableTopics, obstacle};
use crate::domain::applicability::doubts;
use crate::domain::command_job::SkipReason;
use crate::domain::enrollment::Enrollment;
use crate::domain::group::Group;
use crate::domain::targets::Filter;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::protocol::command::Command;
use crate::scope::Scope;
use crate::service::change_members::group;
use crate::state::State;

/// Pages that a preview looks at: 20,000 devices.
const MOST_PAGES: usize = 200;
/// The same where the inventory is read besides: 1,000 devices.
const MOST_INVENTORY_PAGES: usize = 10;
/// Devices that are shown.
const SHOWN: usize = 10;

/// What a command would do.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Enrollments that were looked at.
    pub looked_at: usize,
    /// Those it would be queued on.
    pub would_hit: usize,
    /// Those it would not be queued on, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// The first of those it would be queued on.
    pub first: Vec<Enrollment>,
    /// Warnings by their name: on how many devices, and what the first one says.
    pub warnings: BTreeMap<&'static str, (u64, String)>,
    /// Whether everybody was looked at.
    pub complete: bool,
}

/// Looks who a command would be queued on, and writes nothing.
///
/// # Errors
/// Malformed for a filter that lets everything through; NotFound for a group.
pub async fn preview_command(
    state: &State,
    scope: &Scope,
    command: &Command,
    targets: &NewTargets,
) -> Result<Preview> {
    let certificates = state.store.push_certificates(scope).await?;
    let mut preview = Preview::default();
    let mut after = None;
    let most = match targets {
        NewTargets::Filter(filter) if filter.reads_inventory() => MOST_INVENTORY_PAGES,
        NewTargets::Filter(_) | NewTargets::Enrollments(_) | NewTargets::Group(_) | NewTargets::All => {
            MOST_PAGES
        }
    };
    for _ in 0..most {
        let (found, next) = page(state, scope, targets, after.as_deref(), &mut preview).await?;
        let usable = UsableTopics::of(&found, &certificates, state.clock.now());
        for device in &found {
            preview.add(command, device, obstacle(command, device, &usable));
        }
        if next.is_none() {
            preview.complete = true;
            break;
        }
        after = next;
    }
    Ok(preview)
}

impl Preview {
    fn add(&mut self, command: &Command, device: &Enrollment, obstacle: Option<SkipReason>) {
        if let Some(reason) = obstacle {
            *self.skipped.entry(reason).or_default() += 1;
            return;
        }
        self.would_hit += 1;
        if self.first.len() < SHOWN {
            self.first.push(device.clone());
        }
        for doubt in doubts(command, device) {
            let (devices, _) = self.warnings.entry(doubt.code).or_insert((0, doubt.message));
            *devices += 1;
        }
    }
}

/// A page of those who fit, from the caller's own words: nothing is stored for a preview.
async fn page(
    state: &State,
    scope: &Scope,
    targets: &NewTargets,
    after: Option<&str>,
    preview: &mut Preview,
) -> Result<(Vec<Enrollment>, Option<String>)> {
    let limit = i32::try_from(PAGE).map_err(Error::internal)?;
    let filter = match targets {
        NewTargets::Enrollments(ids) => {
            let start: usize = after.map_or(Ok(0), str::parse).map_err(Error::internal)?;
            let some: Vec<EnrollmentId> = ids.iter().skip(start).take(PAGE).cloned().collect();
            let found = named(state, scope, &some, preview).await?;
            let end = start + some.len();
            return Ok((found, (end < ids.len()).then(|| end.to_string())));
        }
        NewTargets::Group(name) => {
            let id = Group::create(name, state.clock.now()).map_err(|error| error.at("targets.group"))?.id;
            group(state, scope, &id).await.map_err(|error| error.at("targets.group"))?;
            let (some, next) = state.store.members(scope, &id, after, limit).await?;
            return Ok((named(state, scope, &some, preview).await?, next));
        }
        NewTargets::Filter(filter) => Some(Filter::clone(filter).checked()?),
        NewTargets::All => None,
    };
    let (mut found, next) = state.store.list_enrollments(scope, after, limit).await?;
    found.retain(|enrollment| enrollment.id.user_id().is_none());
    preview.looked_at += found.len();
    let Some(filter) = filter else { return Ok((found, next)) };
    found.retain(|device| filter.admits(device));
    Ok((fitting(state, scope, &filter, found).await?, next))
}

async fn named(
    state: &State,
    scope: &Scope,
    ids: &[EnrollmentId],
    preview: &mut Preview,
) -> Result<Vec<Enrollment>> {
    let mut found = state.store.enrollments(scope, ids).await?;
    found.sort_by(|left, right| left.id.cmp(&right.id));
    preview.looked_at += ids.len();
    if found.len() < ids.len() {
        let unknown = u64::try_from(ids.len() - found.len()).unwrap_or(u64::MAX);
        *preview.skipped.entry(SkipReason::Unknown).or_default() += unknown;
    }
    Ok(found)
}
