//! A command poll: store the report, hand out the next command.

use super::authenticate_device::Signer;
use super::check_in::Answer;
use super::device_heard::note_heard;
use super::enqueue_command::send_wakes;
use super::retention::commands_kept;
use super::sealed::stored_command;
use super::{external_identity, refuse_duplicate, unenroll_device};
use crate::domain::command::{CommandStatus, QueuedCommand, StoredResult};
use crate::domain::enrollment::Enrollment;
use crate::domain::event::EventKind;
use crate::domain::retention::CommandsKept;
use crate::error::Result;
use crate::id::CommandUuid;
use crate::metrics::Metric;
use crate::protocol::report::{Report, Status};
use crate::state::State;
use crate::store::{FinalAnswer, Found, Recorded, Withdrawal};

/// Results up to this many bytes stay in the command's item, which holds 400 KB together with the command.
const INLINE_RESULT: usize = 64 * 1024;
/// How long after a NotNow the device is woken again, in seconds: SQS's longest delay.
const NOT_NOW_DELAY: u16 = 900;

/// Records what the device reports and answers with the next command's property list, or with nothing.
///
/// `body` is the report as it was signed: it is kept as the command's result. An Idle poll with nothing waiting costs one
/// store call; any other costs two in series. More only where a command's time is over, one is set aside, or a report
/// changes nothing.
///
/// # Errors
/// Forbidden when the signer may not speak for this enrollment; Unavailable when the device should try again.
pub async fn next_command(state: &State, signer: &Signer, report: &Report, body: &[u8]) -> Result<Answer> {
    let mut answer = poll(state, signer, report, body).await;
    if let Err(refused) = &answer
        && external_identity::accepts_renewal(state, signer, &report.enrollment, refused).await?
    {
        answer = poll(state, signer, report, body).await;
    }
    let answer = unenroll_device::told(state, signer, &report.enrollment, answer).await;
    refuse_duplicate::told(state, signer, &report.enrollment, answer).await
}

async fn poll(state: &State, signer: &Signer, report: &Report, body: &[u8]) -> Result<Answer> {
    let now = state.clock.now();
    let idle = report.status == Status::Idle;
    // Whether it is heard comes first; for how long its answer is kept is read at the same time, where it is not known.
    let seen = state.store.seen(&signer.scope, &report.enrollment, signer.fingerprint, now, idle);
    let kept = async { if idle { Ok(None) } else { commands_kept(state, &signer.scope).await.map(Some) } };
    let (enrollment, kept) = tokio::join!(seen, kept);
    let (enrollment, kept) = (enrollment?, kept?);
    note_heard(state, signer, &enrollment).await;
    // A UUID that is not one cannot be ours; like any unknown one it is ignored.
    let reported: Option<CommandUuid> =
        report.command_uuid.as_deref().filter(|_| !idle).and_then(|text| text.parse().ok());
    let record = async {
        match reported.as_ref().zip(kept) {
            Some((uuid, kept)) => record(state, signer, &enrollment, uuid, (report, body), kept).await,
            None => Ok(Recorded::Ignored),
        }
    };
    let search = async {
        if enrollment.waiting == 0 {
            return Ok(Found::default());
        }
        state.store.next_waiting(&signer.scope, &enrollment, reported.as_ref(), now).await
    };
    let (recorded, found) = if enrollment.waiting == 1 && reported.is_some() {
        // A report that was written was on the one command there is: nothing is left to look for.
        match record.await? {
            Recorded::Written => (Recorded::Written, Found::default()),
            other @ (Recorded::Late | Recorded::Ignored) => (other, search.await?),
        }
    } else {
        let (recorded, found) = tokio::join!(record, search);
        (recorded?, found?)
    };
    let expired = found.expired.len() as u64;
    withdraw(state, signer, &found.expired, CommandStatus::Expired).await?;
    let (next, aside) = unless_stuck(state, signer, &enrollment, found.next, idle).await?;
    if let Some(next) = next {
        let command = stored_command(state, &signer.scope, &next).await?;
        return command.envelope(&next.uuid).map(Answer::PropertyList);
    }
    let answered = u64::from(recorded == Recorded::Written && report.status != Status::NotNow);
    if enrollment.waiting > answered + expired + aside {
        // What is left said NotNow. The device asks again by itself only if that was its last word.
        send_wakes(state, &signer.scope, std::slice::from_ref(&enrollment.id), NOT_NOW_DELAY).await;
    }
    Ok(Answer::Done)
}

/// The command to hand out. One that was handed out too often without an answer is set aside, and the one behind it comes
/// in its place; also returned: how many were set aside.
async fn unless_stuck(
    state: &State,
    signer: &Signer,
    enrollment: &Enrollment,
    next: Option<QueuedCommand>,
    idle: bool,
) -> Result<(Option<QueuedCommand>, u64)> {
    let Some(stuck) = next.as_ref().filter(|_| idle && enrollment.is_stuck()) else { return Ok((next, 0)) };
    tracing::warn!(
        tenant = %signer.scope.tenant(), enrollment = %enrollment.id, command = %stuck.uuid,
        "a command was handed out again and again without an answer and is set aside"
    );
    withdraw(state, signer, std::slice::from_ref(stuck), CommandStatus::Stuck).await?;
    let uuid = Some(&stuck.uuid);
    let found = state.store.next_waiting(&signer.scope, enrollment, uuid, state.clock.now()).await?;
    Ok((found.next, 1))
}

/// Takes commands out of the queue. That one of them was answered at the same moment leaves all of them in it until the
/// next poll, which does no harm.
async fn withdraw(
    state: &State,
    signer: &Signer,
    commands: &[QueuedCommand],
    to: CommandStatus,
) -> Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
    let kept = commands_kept(state, &signer.scope).await?;
    let withdrawal = Withdrawal { commands, to, now: state.clock.now(), kept, audit: None };
    state.store.withdraw(&signer.scope, &withdrawal).await.map(drop)
}

async fn record(
    state: &State,
    signer: &Signer,
    enrollment: &Enrollment,
    uuid: &CommandUuid,
    (report, body): (&Report, &[u8]),
    kept: CommandsKept,
) -> Result<Recorded> {
    let now = state.clock.now();
    let status = match report.status {
        Status::Idle => return Ok(Recorded::Ignored),
        Status::NotNow => return state.store.record_not_now(&signer.scope, enrollment, uuid, now).await,
        Status::Acknowledged => CommandStatus::Acknowledged,
        Status::Error => CommandStatus::Error,
        Status::CommandFormatError => CommandStatus::CommandFormatError,
    };
    let result = if body.len() <= INLINE_RESULT {
        StoredResult::Inline(bytes::Bytes::copy_from_slice(body))
    } else {
        // Before the record that names it, under a name that a repeated report writes again.
        let key = format!("{}/{}/{uuid}", signer.scope.tenant(), hex::encode(enrollment.id.to_string()));
        state.results.put(&key, body.to_vec()).await?;
        StoredResult::Blob(key)
    };
    let event = state
        .event(&signer.scope, EventKind::CommandCompleted, &enrollment.id)
        .with("command_uuid", uuid)
        .with("status", format!("{status:?}"));
    let inventory = report.inventory.as_ref();
    // With the former identity still: with the renewed one it did not fail.
    let renewing = enrollment.renewal.as_ref().is_some_and(|renewal| renewal.command.as_ref() == Some(uuid));
    let former = enrollment.identity.as_ref().is_some_and(|former| former.fingerprint == signer.fingerprint);
    let fails_renewal = renewing && former && status != CommandStatus::Acknowledged;
    let answer = FinalAnswer { uuid, status, result: &result, inventory, fails_renewal, kept, event: &event };
    let recorded = state.store.record_final(&signer.scope, enrollment, &answer).await?;
    match recorded {
        Recorded::Written | Recorded::Late => state.count(Metric::CommandsAnswered),
        Recorded::Ignored => {}
    }
    Ok(recorded)
}
