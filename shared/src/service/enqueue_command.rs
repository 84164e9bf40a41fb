//! Sending a command to enrollments: into the store first, then a hint to wake them.

use std::collections::{BTreeSet, HashMap};

use futures_util::{TryStreamExt, stream};

use crate::domain::audit::AuditAction;
use crate::domain::command::{CommandBatch, CommandStatus, QueuedCommand};
use crate::domain::enrollment::Enrollment;
use crate::domain::wake::Wake;
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId};
use crate::pki::pem;
use crate::protocol::command::Command;
use crate::scope::Scope;
use crate::state::State;

/// Most targets of one call.
const TARGETS: usize = 100;
/// Largest command, in bytes of its property list: an item of the store holds 400 KB, with the result.
const COMMAND_BYTES: usize = 300 * 1024;
/// Writes under way at a time.
const CONCURRENT: usize = 10;

/// What to send to whom.
#[derive(Clone, Debug)]
pub struct NewCommand {
    /// The command.
    pub command: Command,
    /// The enrollments.
    pub targets: Vec<EnrollmentId>,
    /// 0 to 9; the higher is handed out first.
    pub priority: u8,
    /// A UUID chosen by the caller, so that a repeated call queues nothing twice.
    pub uuid: Option<CommandUuid>,
}

/// Queues a command on every target and hints that they should be woken. All targets are checked before anything is
/// written.
///
/// # Errors
/// Malformed, naming the field; NotFound for a target that is not enrolled; Conflict when a target's push certificate
/// has expired, or when the UUID was used for something else.
pub async fn enqueue_command(state: &State, scope: &Scope, new: NewCommand) -> Result<CommandBatch> {
    let plist = new.command.to_plist()?;
    check(&new, plist.len())?;
    let targets: BTreeSet<EnrollmentId> = new.targets.into_iter().collect();
    let targets: Vec<EnrollmentId> = targets.into_iter().collect();
    let enrollments = enrolled(state, scope, &targets).await?;
    check_push_certificates(state, scope, &enrollments).await?;
    let now = state.clock.now();
    let batch = CommandBatch {
        uuid: new.uuid.unwrap_or_else(|| state.random.command_uuid()),
        request_type: new.command.request_type().to_owned(),
        targets: targets.clone(),
        created_at: now,
    };
    let audit = state
        .audit(scope, AuditAction::CommandSent)
        .with("command_uuid", &batch.uuid)
        .with("request_type", &batch.request_type)
        .with("targets", batch.targets.len());
    if !state.store.create_batch(scope, &batch, &audit).await? {
        refuse_another(state, scope, &batch).await?;
    }
    let commands = enrollments.iter().map(|enrollment| QueuedCommand {
        uuid: batch.uuid.clone(),
        enrollment: enrollment.id.clone(),
        generation: enrollment.generation,
        request_type: batch.request_type.clone(),
        plist: plist.clone().into(),
        status: CommandStatus::Pending,
        created_at: now,
        not_now_tally: 0,
        first_not_now_at: None,
        not_now_session: None,
        completed_at: None,
        result: None,
    });
    stream::iter(commands.map(Result::Ok))
        .try_for_each_concurrent(CONCURRENT, |command| async move {
            state.store.enqueue(scope, &command, new.priority).await
        })
        .await?;
    send_wakes(state, scope, &targets, 0).await;
    Ok(batch)
}

/// Hints that devices have something waiting, after `delay_seconds`. A lost hint loses nothing: the commands are in the
/// store, and the device's next poll, or the next sweep, finds them. So this never fails the caller.
pub(super) async fn send_wakes(state: &State, scope: &Scope, ids: &[EnrollmentId], delay_seconds: u16) {
    let hint = |id: &EnrollmentId| Wake {
        tenant: scope.tenant().clone(),
        enrollment: id.clone(),
        unless_seen_after: None,
    };
    let hints: Vec<Wake> = ids.iter().map(hint).collect();
    send_hints(state, scope, &hints, delay_seconds).await;
}

/// The same for hints that are made already.
pub(super) async fn send_hints(state: &State, scope: &Scope, hints: &[Wake], delay_seconds: u16) {
    let bodies: Result<Vec<String>> =
        hints.iter().map(|hint| serde_json::to_string(hint).map_err(Error::internal)).collect();
    let sent = match bodies {
        Ok(bodies) => state.wakes.send(&bodies, delay_seconds).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        tracing::error!(tenant = %scope.tenant(), error = %error.chain(), "wake-up hints were not sent");
    }
}

/// An expired certificate stops management: a command that could not be woken for is refused, not kept for later.
async fn check_push_certificates(state: &State, scope: &Scope, enrollments: &[Enrollment]) -> Result<()> {
    let certificates = state.store.push_certificates(scope).await?;
    let topics: BTreeSet<&str> =
        enrollments.iter().filter_map(|enrollment| Some(enrollment.push.as_ref()?.topic.as_str())).collect();
    for topic in topics {
        certificates.usable_for(topic, state.clock.now())?;
    }
    Ok(())
}

fn check(new: &NewCommand, bytes: usize) -> Result<()> {
    if !(1..=TARGETS).contains(&new.targets.len()) {
        return Err(Error::malformed(
            "command-targets",
            format!("A command goes to 1 to {TARGETS} targets."),
        )
        .at("targets")
        .next("Split a longer list over several calls."));
    }
    if new.priority > 9 {
        return Err(Error::malformed(
            "command-priority",
            "A priority is 0 to 9; the higher is handed out first.",
        )
        .at("priority"));
    }
    if bytes > COMMAND_BYTES {
        return Err(Error::malformed(
            "command-too-large",
            format!("The command has {bytes} bytes as a property list; at most {COMMAND_BYTES} fit."),
        )
        .at("command"));
    }
    Ok(())
}

async fn enrolled(state: &State, scope: &Scope, targets: &[EnrollmentId]) -> Result<Vec<Enrollment>> {
    let found = state.store.enrollments(scope, targets).await?;
    let by_id: HashMap<_, _> =
        found.into_iter().map(|enrollment| (enrollment.id.clone(), enrollment)).collect();
    targets
        .iter()
        .map(|id| match by_id.get(id) {
            Some(enrollment) if enrollment.is_managed() => Ok(enrollment.clone()),
            Some(_) => {
                Err(Error::conflict("not-enrolled", format!("The device {id} is not enrolled (any more)."))
                    .at("targets"))
            }
            None => Err(Error::not_found(&format!("enrollment {id}")).at("targets")),
        })
        .collect()
}

/// A UUID that was used before must have been used for this very call.
async fn refuse_another(state: &State, scope: &Scope, batch: &CommandBatch) -> Result<()> {
    let former = state.store.batch(scope, &batch.uuid).await?;
    let same =
        |former: &CommandBatch| former.targets == batch.targets && former.request_type == batch.request_type;
    if former.as_ref().is_some_and(same) {
        return Ok(());
    }
    Err(Error::conflict("command-uuid-used", "This command UUID was used for another command.")
        .at("command_uuid")
        .next("Leave it out, or choose a new one for each command."))
}

/// The command of an order: JSON, or a raw property list.
///
/// # Errors
/// Malformed, naming the field; also when there is none, or both.
pub fn command_from(json: Option<&serde_json::Value>, plist: Option<&str>) -> Result<Command> {
    match (json, plist) {
        (Some(json), None) => Command::from_json(json),
        (None, Some(text)) => {
            let bytes = pem::decode_base64(text).unwrap_or_else(|| text.as_bytes().to_vec());
            Command::from_plist(&bytes).map_err(|error| error.at("command_plist"))
        }
        (Some(_), Some(_)) | (None, None) => {
            Err(Error::malformed("command-missing", "An order has either \"command\" or \"command_plist\".")
                .at("command"))
        }
    }
}
