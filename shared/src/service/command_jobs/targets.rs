//! Who a job's targets are, a page at a time.

use std::collections::{HashMap, HashSet};

use super::installed::fitting;
use crate::domain::command_job::{CommandJob, SkipReason};
use crate::domain::enrollment::Enrollment;
use crate::domain::push_certificates::PushCertificates;
use crate::domain::targets::Targets;
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, GroupId};
use crate::protocol::command::Command;
use crate::scope::Scope;
use crate::state::State;
use crate::time::{SignedDuration, Timestamp};

/// Enrollments of one page: what DynamoDB reads in one call.
pub(super) const PAGE: usize = 100;

/// For so long a list of targets is there for sure: the bucket keeps it for 90 days.
const LIST_SAFE: SignedDuration = SignedDuration::from_hours(24 * 80);

/// A page of a job's targets.
pub(super) struct TargetPage {
    /// How many enrollments were looked at.
    pub(super) looked_at: usize,
    /// Those the command is for.
    pub(super) found: Vec<Enrollment>,
    /// Those that were named and do not exist.
    pub(super) unknown: usize,
    /// The mark to continue after; none after the last page.
    pub(super) next: Option<String>,
}

/// The page after `after`.
pub(super) async fn page(
    state: &State,
    scope: &Scope,
    targets: &Targets,
    after: Option<&str>,
) -> Result<TargetPage> {
    let limit = i32::try_from(PAGE).map_err(Error::internal)?;
    let (ids, next) = match targets {
        Targets::Listed { blob, .. } => listed(state, blob, after).await?,
        Targets::Group(name) => state.store.members(scope, &GroupId::named(name), after, limit).await?,
        Targets::All => return devices(state, scope, after, limit, |_| true).await,
        Targets::Filter(filter) => {
            let admits = |device: &Enrollment| filter.admits(device);
            let mut page = devices(state, scope, after, limit, admits).await?;
            page.found = fitting(state, scope, filter, page.found).await?;
            return Ok(page);
        }
    };
    let mut found = state.store.enrollments(scope, &ids).await?;
    found.sort_by(|left, right| left.id.cmp(&right.id));
    let known: HashSet<&EnrollmentId> = found.iter().map(|enrollment| &enrollment.id).collect();
    let unknown = ids.iter().filter(|id| !known.contains(id)).count();
    Ok(TargetPage { looked_at: ids.len(), unknown, found, next })
}

/// The next page of all on whom a job's command may stand, whoever joined or left meanwhile, and the mark of the one after it. A list
/// that may be gone soon is not begun with: all the tenant's channels are gone through instead.
pub(super) async fn ever(
    state: &State,
    scope: &Scope,
    job: &CommandJob,
    now: Timestamp,
) -> Result<(Vec<EnrollmentId>, Option<String>)> {
    let after = job.after.as_deref();
    let in_list = match after {
        None => now.duration_since(job.created_at) < LIST_SAFE,
        // A mark of the list is a number; that of a channel names its topic.
        Some(mark) => mark.parse::<usize>().is_ok(),
    };
    match &job.targets {
        Targets::Listed { blob, .. } if in_list => listed(state, blob, after).await,
        Targets::Listed { .. } | Targets::Group(_) | Targets::Filter(_) | Targets::All => {
            let limit = i32::try_from(PAGE).map_err(Error::internal)?;
            let (found, next) = state.store.list_enrollments(scope, after, limit).await?;
            Ok((found.into_iter().map(|enrollment| enrollment.id).collect(), next))
        }
    }
}

/// Enrolled devices; their users' channels are not meant by a filter, or by all.
async fn devices(
    state: &State,
    scope: &Scope,
    after: Option<&str>,
    limit: i32,
    admits: impl Fn(&Enrollment) -> bool,
) -> Result<TargetPage> {
    let (mut found, next) = state.store.list_enrollments(scope, after, limit).await?;
    found.retain(|enrollment| enrollment.id.user_id().is_none());
    let looked_at = found.len();
    found.retain(admits);
    Ok(TargetPage { looked_at, found, unknown: 0, next })
}

/// A page of the list in the bucket; the mark is a place in it.
async fn listed(
    state: &State,
    blob: &str,
    after: Option<&str>,
) -> Result<(Vec<EnrollmentId>, Option<String>)> {
    let stored = state.results.get(blob).await?;
    let stored = stored.ok_or_else(|| Error::not_found("list of the job's targets"))?;
    let all: Vec<EnrollmentId> = serde_json::from_slice(&stored).map_err(Error::internal)?;
    let start: usize = after.map_or(Ok(0), str::parse).map_err(Error::internal)?;
    let end = all.len().min(start + PAGE);
    let page = all.get(start..end).unwrap_or_default().to_vec();
    Ok((page, (end < all.len()).then(|| end.to_string())))
}

/// Why a command cannot be queued on an enrollment, if so.
pub(super) fn obstacle(
    command: &Command,
    enrollment: &Enrollment,
    usable: &UsableTopics<'_>,
) -> Option<SkipReason> {
    if !enrollment.is_managed() {
        Some(SkipReason::NotEnrolled)
    } else if !usable.reach(enrollment) {
        Some(SkipReason::PushCertificate)
    } else if command.needs_unlock_token() && enrollment.unlock_token.is_none() {
        Some(SkipReason::UnlockToken)
    } else {
        None
    }
}

/// Which topics have a push certificate that can be used now; each is judged once.
pub(super) struct UsableTopics<'a>(HashMap<&'a str, bool>);

impl<'a> UsableTopics<'a> {
    /// Of these enrollments.
    pub(super) fn of(enrollments: &'a [Enrollment], certificates: &PushCertificates, now: Timestamp) -> Self {
        let mut topics = HashMap::new();
        for push in enrollments.iter().filter_map(|enrollment| enrollment.push.as_ref()) {
            let judge = || certificates.usable_for(&push.topic, now).is_ok();
            topics.entry(push.topic.as_str()).or_insert_with(judge);
        }
        Self(topics)
    }

    fn reach(&self, enrollment: &Enrollment) -> bool {
        enrollment.push.as_ref().is_some_and(|push| self.0.get(push.topic.as_str()) == Some(&true))
    }
}
