//! A command poll: store the report, hand out the next command.

use super::authenticate_device::Signer;
use super::device_returned::note_return;
use super::enqueue_command::send_wakes;
use super::refuse_duplicate;
use crate::domain::command::{CommandStatus, StoredResult};
use crate::domain::enrollment::Enrollment;
use crate::error::Result;
use crate::id::CommandUuid;
use crate::protocol::command::Command;
use crate::protocol::report::{Report, Status};
use crate::state::State;
use crate::store::Recorded;

/// Results up to this many bytes stay in the command's item, which holds 400 KB together with the command.
const INLINE_RESULT: usize = 64 * 1024;
/// How long after a NotNow the device is woken again, in seconds: SQS's longest delay.
const NOT_NOW_DELAY: u16 = 900;

/// Records what the device reports and returns the next command's property list, or nothing.
///
/// `body` is the report as it was signed: it is kept as the command's result. An Idle poll with nothing waiting costs one
/// store call; any other costs two in series, or three where the report changes nothing and one command waits.
///
/// # Errors
/// Forbidden when the signer may not speak for this enrollment; Unavailable when the device should try again.
pub async fn next_command(
    state: &State,
    signer: &Signer,
    report: &Report,
    body: &[u8],
) -> Result<Option<Vec<u8>>> {
    let now = state.clock.now();
    let idle = report.status == Status::Idle;
    let seen = state.store.seen(&signer.scope, &report.enrollment, signer.fingerprint, now, idle).await;
    let enrollment = refuse_duplicate::told(state, signer, &report.enrollment, seen).await?;
    note_return(state, &signer.scope, &enrollment).await;
    // A UUID that is not one cannot be ours; like any unknown one it is ignored.
    let reported: Option<CommandUuid> =
        report.command_uuid.as_deref().filter(|_| !idle).and_then(|text| text.parse().ok());
    let record = async {
        match &reported {
            Some(uuid) => record(state, signer, &enrollment, uuid, report.status, body).await,
            None => Ok(Recorded::Ignored),
        }
    };
    let search = async {
        if enrollment.waiting == 0 {
            return Ok(None);
        }
        state.store.next_waiting(&signer.scope, &enrollment, reported.as_ref()).await
    };
    let (recorded, found) = if enrollment.waiting == 1 && reported.is_some() {
        // A report that was written was on the one command there is: nothing is left to look for.
        match record.await? {
            Recorded::Written => (Recorded::Written, None),
            Recorded::Ignored => (Recorded::Ignored, search.await?),
        }
    } else {
        let (recorded, found) = tokio::join!(record, search);
        (recorded?, found?)
    };
    if let Some(next) = found {
        return Command::from_stored(&next.plist)?.envelope(&next.uuid).map(Some);
    }
    let answered = u64::from(recorded == Recorded::Written && report.status != Status::NotNow);
    if enrollment.waiting > answered {
        // What is left said NotNow. The device asks again by itself only if that was its last word.
        send_wakes(state, &signer.scope, std::slice::from_ref(&enrollment.id), NOT_NOW_DELAY).await;
    }
    Ok(None)
}

async fn record(
    state: &State,
    signer: &Signer,
    enrollment: &Enrollment,
    uuid: &CommandUuid,
    status: Status,
    body: &[u8],
) -> Result<Recorded> {
    let now = state.clock.now();
    let final_status = match status {
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
    state.store.record_final(&signer.scope, enrollment, uuid, final_status, &result, now).await
}
