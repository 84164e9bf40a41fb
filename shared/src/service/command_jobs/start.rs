//! A command to many devices is accepted.

use std::collections::BTreeSet;

use bytes::Bytes;
use openssl::sha::sha256;

use crate::domain::audit::AuditAction;
use crate::domain::command::{Approval, CommandBatch, JobOrder};
use crate::domain::command_job::{CommandJob, JobHint, JobState, JobTally};
use crate::domain::group::Group;
use crate::domain::limit::{Counted, Limit};
use crate::domain::rights::{self, Right};
use crate::domain::targets::{Filter, MOST_LISTED, Targets};
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId};
use crate::protocol::command::Command;
use crate::scope::Scope;
use crate::service::change_members::group;
use crate::service::enqueue_command::{TARGETS, cancelled, check_order, not_after, with_pins};
use crate::service::limits::count;
use crate::service::sealed;
use crate::state::State;

/// Whom a command is for, as a caller says it.
#[derive(Clone, Debug)]
pub enum NewTargets {
    /// These enrollments.
    Enrollments(BTreeSet<EnrollmentId>),
    /// The members of the group with this name.
    Group(String),
    /// The devices that a filter lets through.
    Filter(Box<Filter>),
    /// All enrolled devices.
    All,
}

impl NewTargets {
    /// The targets, where they are so few that the command is queued at once; otherwise all as they are.
    ///
    /// # Errors
    /// The targets themselves.
    pub fn few(self) -> Result<Vec<EnrollmentId>, Self> {
        match self {
            Self::Enrollments(ids) if ids.len() <= TARGETS => Ok(ids.into_iter().collect()),
            Self::Enrollments(_) | Self::Group(_) | Self::Filter(_) | Self::All => Err(self),
        }
    }
}

/// What to send to many devices.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The command.
    pub command: Command,
    /// Whom it is for.
    pub targets: NewTargets,
    /// 0 to 9; the higher is handed out first.
    pub priority: u8,
    /// A UUID chosen by the caller, so that a repeated call begins nothing twice.
    pub uuid: Option<CommandUuid>,
    /// How many seconds it waits; the tenant's setting when it is not said.
    pub expires_in: Option<u64>,
    /// Whether each Mac gets a random PIN of its own.
    pub random_pin: bool,
}

/// Accepts a command to many devices: writes down what to do, and hints that it be begun. Where the tenant wants a second
/// approval for it, it begins with that.
///
/// # Errors
/// Forbidden for the help desk; Malformed, naming the field; NotFound for a group; Conflict without a usable push certificate, or when the UUID was used
/// for something else; RateLimited.
pub async fn start_job(state: &State, scope: &Scope, new: NewJob) -> Result<CommandJob> {
    rights::check(scope.actor(), Right::Manage)?;
    let plist = new.command.to_plist()?;
    check_order(new.priority, plist.len(), new.expires_in)?;
    with_pins(&new.command, new.random_pin)?;
    let now = state.clock.now();
    count(state, Limit::Jobs, Counted::tenant(scope.tenant())).await?;
    state.store.push_certificates(scope).await?.usable(now)?;
    let tenant = state.store.tenant(scope).await?;
    let uuid = new.uuid.clone().unwrap_or_else(|| state.random.command_uuid());
    let targets = stored(state, scope, &uuid, new.targets).await?;
    let not_after = not_after(now, new.expires_in.unwrap_or(tenant.command_expires_in));
    let needs_approval = tenant.erase_needs_approval && new.command.request_type() == "EraseDevice";
    let approval = needs_approval.then(|| Approval {
        asked_by: scope.actor().to_string(),
        plist: Bytes::new(),
        priority: new.priority,
        not_after,
        random_pin: new.random_pin,
    });
    let order = JobOrder {
        plist: sealed::seal_command(state, scope, None, &uuid, &plist).await?,
        priority: new.priority,
        not_after,
        random_pin: new.random_pin,
    };
    let batch = CommandBatch {
        uuid: uuid.clone(),
        request_type: new.command.request_type().to_owned(),
        targets: Vec::new(),
        sent_by: Some(scope.actor().to_string()),
        created_at: now,
        cancelled_at: None,
        approval,
        approved_by: None,
        approved_at: None,
        job: Some(order),
        expires_at: None,
    };
    let job = CommandJob {
        uuid,
        request_type: batch.request_type.clone(),
        targets,
        created_at: now,
        state: if needs_approval { JobState::AwaitsApproval } else { JobState::Running },
        step: 0,
        after: None,
        tally: JobTally::default(),
        moved_at: now,
        expires_at: None,
    };
    let action = if needs_approval { AuditAction::CommandApprovalAsked } else { AuditAction::CommandSent };
    let audit = state
        .audit(scope, action)
        .with("command_uuid", &job.uuid)
        .with("request_type", &job.request_type)
        .with("targets", named(&job.targets));
    let job = if state.store.create_job(scope, &batch, &job, &audit).await? {
        job
    } else {
        same(state, scope, &job).await?
    };
    if job.state == JobState::Running {
        hint(state, scope, &job.uuid).await;
    }
    Ok(job)
}

/// The targets as they are stored: a list goes to the bucket first. Its name is made of what is in it, so that another list
/// under the same UUID does not take its place.
async fn stored(state: &State, scope: &Scope, uuid: &CommandUuid, targets: NewTargets) -> Result<Targets> {
    match targets {
        NewTargets::All => Ok(Targets::All),
        NewTargets::Filter(filter) => (*filter).checked().map(Box::new).map(Targets::Filter),
        NewTargets::Group(name) => {
            let id = Group::create(&name, state.clock.now()).map_err(|error| error.at("targets.group"))?.id;
            let group = group(state, scope, &id).await.map_err(|error| error.at("targets.group"))?;
            Ok(Targets::Group(group.name))
        }
        NewTargets::Enrollments(ids) if (1..=MOST_LISTED).contains(&ids.len()) => {
            let list = serde_json::to_vec(&ids).map_err(Error::internal)?;
            let digest = hex::encode(sha256(&list));
            let blob = format!("{}/jobs/{uuid}-{digest}", scope.tenant());
            state.results.put(&blob, list).await?;
            Ok(Targets::Listed { count: ids.len(), blob })
        }
        NewTargets::Enrollments(_) => Err(Error::malformed(
            "command-targets",
            format!("A command lists 1 to {MOST_LISTED} enrollments."),
        )
        .at("targets")
        .next("Split a longer list over several calls, or use a group.")),
    }
}

/// The targets in a word, for the log.
pub(super) fn named(targets: &Targets) -> String {
    match targets {
        Targets::Listed { count, .. } => count.to_string(),
        Targets::Group(name) => format!("group {name}"),
        Targets::Filter(_) => "filter".to_owned(),
        Targets::All => "all".to_owned(),
    }
}

/// A UUID that was used before must have been used for this very call, and not taken back since.
async fn same(state: &State, scope: &Scope, job: &CommandJob) -> Result<CommandJob> {
    let former = state.store.job(scope, &job.uuid, job.created_at).await?;
    match former.filter(|former| former.targets == job.targets && former.request_type == job.request_type) {
        Some(former) if former.state.is_taken_back() => Err(cancelled()),
        Some(former) => Ok(former),
        None => Err(Error::conflict("command-uuid-used", "This command UUID was used for another command.")
            .at("command_uuid")
            .next("Leave it out, or choose a new one for each command.")),
    }
}

/// Hints that a job's next page be done. A lost hint loses nothing: the next sweep reminds of the job.
pub(in crate::service) async fn hint(state: &State, scope: &Scope, command: &CommandUuid) {
    hint_in(state, scope, command, 0).await;
}

/// The same after some seconds.
pub(super) async fn hint_in(state: &State, scope: &Scope, command: &CommandUuid, seconds: u16) {
    let hint = JobHint { tenant: scope.tenant().clone(), command: command.clone(), if_stalled: false };
    let sent = match serde_json::to_string(&hint).map_err(Error::internal) {
        Ok(body) => state.jobs.send(&[body], seconds).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        tracing::error!(tenant = %scope.tenant(), %command, error = %error.chain(), "a job's hint was not sent");
    }
}
