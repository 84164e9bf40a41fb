//! Sending a command to enrollments: into the store first, then a hint to wake them.

use std::collections::{BTreeSet, HashMap};

use futures_util::{TryStreamExt, stream};

use super::queue_on_target::{Order, queue_on_target};
use super::retention::commands_kept;
use super::sealed;
use crate::domain::applicability::doubts;
use crate::domain::audit::AuditAction;
use crate::domain::command::{Approval, CommandBatch};
use crate::domain::enrollment::Enrollment;
use crate::domain::retention::REPEATABLE;
use crate::domain::rights::{self, Right};
use crate::domain::wake::Wake;
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId};
use crate::pki::pem;
use crate::protocol::command::Command;
use crate::scope::Scope;
use crate::state::State;
use crate::time::{SignedDuration, Timestamp};

/// Most targets of one call that is done at once.
pub(super) const TARGETS: usize = 100;
/// Largest command, in bytes of its property list: an item of the store holds 400 KB, with the result.
const COMMAND_BYTES: usize = 300 * 1024;
/// Writes under way at a time.
const CONCURRENT: usize = 10;
/// How long a command may wait at least and at most, in seconds: a minute, a year.
const LIFE: std::ops::RangeInclusive<u64> = 60..=31_536_000;

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
    /// How many seconds it waits; the tenant's setting when it is not said.
    pub expires_in: Option<u64>,
    /// Whether each Mac gets a random PIN of its own.
    pub random_pin: bool,
}

/// Why a command that was accepted will probably not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// On which target; none when it is about the command itself.
    pub enrollment: Option<EnrollmentId>,
    /// A stable name, such as `os-version`.
    pub code: &'static str,
    /// In a sentence.
    pub message: String,
}

/// A command that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What was sent to whom, or waits for approval.
    pub batch: CommandBatch,
    /// What speaks against it.
    pub warnings: Vec<Warning>,
}

/// Queues a command on every target and hints that they should be woken. All targets are checked before anything is
/// written. Where the tenant wants a second approval for it, the command is kept and nothing is queued.
///
/// # Errors
/// Forbidden for whoever may not send this; Malformed, naming the field; NotFound for a target that is not enrolled; Conflict when a target's push certificate
/// has expired, when a device deposited no unlock token, or when the UUID was used for something else.
pub async fn enqueue_command(state: &State, scope: &Scope, new: NewCommand) -> Result<Accepted> {
    rights::check(scope.actor(), Right::to_send(new.command.request_type(), new.targets.len()))?;
    let plist = new.command.to_plist()?;
    check(&new, plist.len())?;
    let as_sent = with_pins(&new.command, new.random_pin)?;
    let targets: BTreeSet<EnrollmentId> = new.targets.iter().cloned().collect();
    let targets: Vec<EnrollmentId> = targets.into_iter().collect();
    let enrollments = enrolled(state, scope, &targets).await?;
    check_push_certificates(state, scope, &enrollments).await?;
    check_unlock_tokens(&new.command, &enrollments)?;
    let tenant = state.store.tenant(scope).await?;
    let now = state.clock.now();
    let order = Order {
        uuid: new.uuid.clone().unwrap_or_else(|| state.random.command_uuid()),
        not_after: not_after(now, new.expires_in.unwrap_or(tenant.command_expires_in)),
        priority: new.priority,
        created_at: now,
        command: new.command,
        random_pin: new.random_pin,
        asked: None,
    };
    let needs_approval = tenant.erase_needs_approval && order.command.request_type() == "EraseDevice";
    let approval = if needs_approval {
        Some(Approval {
            asked_by: scope.actor().to_string(),
            plist: sealed::seal_command(state, scope, None, &order.uuid, &plist).await?,
            priority: order.priority,
            not_after: order.not_after,
            random_pin: order.random_pin,
        })
    } else {
        None
    };
    let batch = CommandBatch {
        uuid: order.uuid.clone(),
        request_type: order.command.request_type().to_owned(),
        targets: targets.clone(),
        sent_by: Some(scope.actor().to_string()),
        created_at: now,
        cancelled_at: None,
        approval,
        approved_by: None,
        approved_at: None,
        job: None,
        expires_at: Some(commands_kept(state, scope).await?.call_until(now, order.not_after)),
    };
    let action = if needs_approval { AuditAction::CommandApprovalAsked } else { AuditAction::CommandSent };
    let audit = state
        .audit(scope, action)
        .with("command_uuid", &batch.uuid)
        .with("request_type", &batch.request_type)
        .with("targets", batch.targets.len());
    if !state.store.create_batch(scope, &batch, &audit).await? {
        refuse_another(state, scope, &batch).await?;
    }
    if !needs_approval {
        queue_on_all(state, scope, &enrollments, &order).await?;
    }
    Ok(Accepted { warnings: warnings(&as_sent, &enrollments), batch })
}

/// Queues a command on enrollments that were checked, and hints that they should be woken. Repeating it changes nothing.
pub(super) async fn queue_on_all(
    state: &State,
    scope: &Scope,
    enrollments: &[Enrollment],
    order: &Order,
) -> Result<()> {
    stream::iter(enrollments.iter().map(Result::Ok))
        .try_for_each_concurrent(CONCURRENT, |enrollment| queue_on_target(state, scope, enrollment, order))
        .await?;
    let targets: Vec<EnrollmentId> = enrollments.iter().map(|enrollment| enrollment.id.clone()).collect();
    send_wakes(state, scope, &targets, 0).await;
    Ok(())
}

fn warnings(command: &Command, enrollments: &[Enrollment]) -> Vec<Warning> {
    let unknown = command.unknown_keys().into_iter().map(|key| Warning {
        enrollment: None,
        code: "unknown-key",
        message: format!(
            "Apple documents no key {key} of {}; it is sent all the same.",
            command.request_type()
        ),
    });
    let doubted = enrollments.iter().flat_map(|enrollment| {
        doubts(command, enrollment).into_iter().map(|doubt| Warning {
            enrollment: Some(enrollment.id.clone()),
            code: doubt.code,
            message: doubt.message,
        })
    });
    unknown.chain(doubted).collect()
}

pub(super) fn not_after(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    now.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// How long a command may wait, in seconds.
///
/// # Errors
/// Malformed `command-expires-in`.
pub(super) fn check_life(seconds: u64) -> Result<()> {
    if LIFE.contains(&seconds) {
        return Ok(());
    }
    Err(Error::malformed(
        "command-expires-in",
        "A command waits for a minute at least, and for a year at most.",
    )
    .at("expires_in")
    .next("Give 60 to 31536000 seconds."))
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
pub(super) async fn check_push_certificates(
    state: &State,
    scope: &Scope,
    enrollments: &[Enrollment],
) -> Result<()> {
    let certificates = state.store.push_certificates(scope).await?;
    let topics: BTreeSet<&str> =
        enrollments.iter().filter_map(|enrollment| Some(enrollment.push.as_ref()?.topic.as_str())).collect();
    for topic in topics {
        certificates.usable_for(topic, state.clock.now())?;
    }
    Ok(())
}

fn check_unlock_tokens(command: &Command, enrollments: &[Enrollment]) -> Result<()> {
    let without = |enrollment: &&Enrollment| enrollment.unlock_token.is_none();
    match enrollments.iter().find(without) {
        Some(enrollment) if command.needs_unlock_token() => Err(Error::conflict(
            "unlock-token-missing",
            format!("The device {} has not deposited a token to clear its passcode with.", enrollment.id),
        )
        .at("targets")
        .next("A device deposits it when it enrolls. Give one as UnlockToken, or enroll the device again.")),
        _ => Ok(()),
    }
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
    check_order(new.priority, bytes, new.expires_in)
}

/// The command as Macs get it, for whoever judges it: with some PIN where each gets a random one.
///
/// # Errors
/// Malformed for a command that takes no PIN, or sets one itself.
pub fn with_pins(command: &Command, random_pin: bool) -> Result<Command> {
    if !random_pin {
        return Ok(command.clone());
    }
    if command.takes_pin() && command.pin().is_none() {
        return Ok(command.with_pin("000000"));
    }
    Err(Error::malformed(
        "command-random-pin",
        "A random PIN is for a DeviceLock or an EraseDevice that sets none itself.",
    )
    .at("random_pin")
    .next("Leave out either random_pin or the command's PIN."))
}

/// Whether a command may be queued so, on however many targets.
pub(super) fn check_order(priority: u8, bytes: usize, expires_in: Option<u64>) -> Result<()> {
    if priority > 9 {
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
    expires_in.map_or(Ok(()), check_life)
}

/// What is said of a device that is asked for something and is not enrolled.
pub(super) fn not_enrolled(id: &EnrollmentId) -> Error {
    Error::conflict("not-enrolled", format!("The device {id} is not enrolled (any more)."))
}

/// The enrollments of these targets.
///
/// # Errors
/// NotFound for a target that is unknown, Conflict for one that is not enrolled.
pub(super) async fn enrolled(
    state: &State,
    scope: &Scope,
    targets: &[EnrollmentId],
) -> Result<Vec<Enrollment>> {
    let found = state.store.enrollments(scope, targets).await?;
    let by_id: HashMap<_, _> =
        found.into_iter().map(|enrollment| (enrollment.id.clone(), enrollment)).collect();
    targets
        .iter()
        .map(|id| match by_id.get(id) {
            Some(enrollment) if enrollment.is_managed() => Ok(enrollment.clone()),
            Some(_) => Err(not_enrolled(id).at("targets")),
            None => Err(Error::not_found(&format!("enrollment {id}")).at("targets")),
        })
        .collect()
}

/// A UUID that was used before must have been used for this very call, and not taken back since.
async fn refuse_another(state: &State, scope: &Scope, batch: &CommandBatch) -> Result<()> {
    let former = state.store.batch(scope, &batch.uuid, batch.created_at).await?;
    let same = |former: &CommandBatch| {
        former.targets == batch.targets
            && former.request_type == batch.request_type
            && former.job.is_none()
            && batch.created_at.duration_since(former.created_at) < REPEATABLE
    };
    match former {
        Some(former) if same(&former) && former.cancelled_at.is_some() => Err(cancelled()),
        Some(former) if same(&former) => Ok(()),
        Some(_) | None => {
            Err(Error::conflict("command-uuid-used", "This command UUID was used for another command.")
                .at("command_uuid")
                .next("Leave it out, or choose a new one for each command."))
        }
    }
}

/// What whoever sends or approves a command hears after it was taken back.
pub(super) fn cancelled() -> Error {
    Error::conflict("command-cancelled", "The command was cancelled.")
        .next("Send a new one, with another UUID.")
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
