//! A command's life on one enrollment: waiting until a final answer for its own UUID.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{CommandUuid, EnrollmentId};
use crate::time::Timestamp;

/// Where a command stands on one enrollment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum CommandStatus {
    /// The device has not answered yet.
    Pending,
    /// The device cannot do it now; it is offered again.
    NotNow,
    /// Done.
    Acknowledged,
    /// The device tried and failed.
    Error,
    /// The device could not read the command.
    CommandFormatError,
    /// The device enrolled again or left before it answered; it is never served.
    Dropped,
    /// An administrator took it back.
    Cancelled,
    /// A later command about the same took its place.
    Superseded,
    /// Its time was over before the device answered.
    Expired,
    /// It was handed out again and again without an answer, and set aside. It can be tried again.
    Stuck,
}

impl CommandStatus {
    /// Whether it waits for the device's answer. Everything else stays as it is, but for an answer that comes after a
    /// withdrawal, and for another try of what is stuck.
    pub fn is_waiting(self) -> bool {
        match self {
            Self::Pending | Self::NotNow => true,
            Self::Acknowledged
            | Self::Error
            | Self::CommandFormatError
            | Self::Dropped
            | Self::Cancelled
            | Self::Superseded
            | Self::Expired
            | Self::Stuck => false,
        }
    }
}

/// Where a result's bytes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredResult {
    /// In the record itself.
    Inline(Bytes),
    /// In the result bucket, under this key, because an item holds 400 KB at most.
    Blob(String),
}

/// The priority of a command of which none was said, also of those stored before it was kept with them.
pub fn usual_priority() -> u8 {
    5
}

/// A command on one enrollment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedCommand {
    /// The same UUID on every target of one call.
    pub uuid: CommandUuid,
    /// Which channel it is for.
    pub enrollment: EnrollmentId,
    /// The enrollment's generation it was queued for.
    pub generation: u64,
    /// Apple's RequestType.
    pub request_type: String,
    /// The inner command as an XML property list.
    pub plist: Bytes,
    /// Whether `plist` is sealed with the tenant's data key, because it may hold a secret.
    #[serde(default)]
    pub sealed: bool,
    /// 0 to 9; the higher is handed out first.
    #[serde(default = "usual_priority")]
    pub priority: u8,
    /// What it is about, so that a later one about the same takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether it asks for a part of what there is.
    #[serde(default)]
    pub partial: bool,
    /// When its time is over, unless it was answered before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// Where it stands.
    pub status: CommandStatus,
    /// When it was queued.
    pub created_at: Timestamp,
    /// How often the device said NotNow.
    #[serde(default)]
    pub not_now_tally: u64,
    /// When it first said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_not_now_at: Option<Timestamp>,
    /// In which session (see `Enrollment::session`) it last said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_now_session: Option<u64>,
    /// When the final answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Whether the answer came after it was withdrawn: the device had fetched it before.
    #[serde(default)]
    pub after_cancel: bool,
    /// The device's whole final report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<StoredResult>,
    /// Seconds that it is kept longer than others, because somebody may need its PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_longer: Option<i64>,
    /// When its record is over, in unix seconds; none while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl QueuedCommand {
    /// Whether the device may be offered this in `session`: after a NotNow, not before its next Idle (else the two would
    /// loop for ever).
    pub fn may_be_offered_in(&self, session: u64) -> bool {
        self.status.is_waiting() && self.not_now_session != Some(session)
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.not_after.is_some_and(|end| end <= now)
    }

    /// The status as of now and an enrollment of this generation: what an earlier one left unanswered was dropped, and
    /// what is over has expired, written down or not yet.
    pub fn status_in(&self, generation: u64, now: Timestamp) -> CommandStatus {
        if !self.status.is_waiting() && self.status != CommandStatus::Stuck {
            self.status
        } else if self.generation != generation {
            CommandStatus::Dropped
        } else if self.status.is_waiting() && self.is_over(now) {
            CommandStatus::Expired
        } else {
            self.status
        }
    }
}

/// One call's command and everything it was sent to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandBatch {
    /// The command's UUID.
    pub uuid: CommandUuid,
    /// Apple's RequestType.
    pub request_type: String,
    /// What it was sent to.
    pub targets: Vec<EnrollmentId>,
    /// Who sent it, as the audit log names them; records from before this was kept do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_by: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When an administrator took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// What a second administrator is asked to approve, where the tenant wants that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
    /// What a job queues, where there are too many targets to name them here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobOrder>,
    /// When this record is over, in unix seconds; none while a job is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl CommandBatch {
    /// Whether it waits for a second administrator.
    pub fn awaits_approval(&self) -> bool {
        self.approval.is_some() && self.approved_by.is_none() && self.cancelled_at.is_none()
    }
}

/// What a job queues on each of its targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobOrder {
    /// The command's property list, sealed.
    pub plist: Bytes,
    /// 0 to 9.
    pub priority: u8,
    /// When its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// Whether each Mac gets a random PIN of its own.
    #[serde(default)]
    pub random_pin: bool,
}

/// A command that is held back until a second administrator approves it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Who asked for the command: somebody else must approve it.
    pub asked_by: String,
    /// The command's property list, sealed; empty where it is a job's.
    pub plist: Bytes,
    /// 0 to 9.
    pub priority: u8,
    /// When its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// Whether each Mac gets a random PIN of its own.
    #[serde(default)]
    pub random_pin: bool,
}

#[cfg(test)]
impl QueuedCommand {
    /// A command that has just been queued.
    pub(crate) fn fixture(enrollment: EnrollmentId) -> Self {
        Self {
            uuid: uuid::Uuid::from_u128(7).into(),
            enrollment,
            generation: 1,
            request_type: "DeviceLock".into(),
            plist: Bytes::new(),
            sealed: false,
            priority: 5,
            subject: None,
            partial: false,
            not_after: None,
            status: CommandStatus::Pending,
            created_at: Timestamp::UNIX_EPOCH,
            not_now_tally: 0,
            first_not_now_at: None,
            not_now_session: None,
            completed_at: None,
            after_cancel: false,
            result: None,
            kept_longer: None,
            expires_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> QueuedCommand {
        QueuedCommand { generation: 2, ..QueuedCommand::fixture(EnrollmentId::device("A").unwrap()) }
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_command_stored_before_its_priority_was_kept_still_reads() {
        let mut record = serde_json::to_value(command()).unwrap();
        record.as_object_mut().unwrap().remove("priority");
        assert_eq!(serde_json::from_value::<QueuedCommand>(record).unwrap(), command());
    }

    #[test]
    fn not_now_rests_until_the_next_session() {
        let refused = QueuedCommand { status: CommandStatus::NotNow, not_now_session: Some(4), ..command() };
        assert!(!refused.may_be_offered_in(4));
        assert!(refused.may_be_offered_in(5));
    }

    #[test]
    fn a_final_command_is_never_offered() {
        let done = QueuedCommand { status: CommandStatus::Acknowledged, ..command() };
        assert!(!done.may_be_offered_in(1));
    }

    #[test]
    fn an_earlier_enrollments_command_was_dropped_unless_it_was_answered() {
        assert_eq!(command().status_in(2, NOW), CommandStatus::Pending);
        assert_eq!(command().status_in(3, NOW), CommandStatus::Dropped);
        let stuck = QueuedCommand { status: CommandStatus::Stuck, ..command() };
        assert_eq!(
            (stuck.status_in(2, NOW), stuck.status_in(3, NOW)),
            (CommandStatus::Stuck, CommandStatus::Dropped)
        );
        let done = QueuedCommand { status: CommandStatus::Error, ..command() };
        assert_eq!(done.status_in(3, NOW), CommandStatus::Error);
    }

    #[test]
    fn a_waiting_command_whose_time_is_over_has_expired_written_or_not() {
        let limited = QueuedCommand { not_after: Some(NOW), ..command() };
        assert_eq!(limited.status_in(2, NOW), CommandStatus::Expired);
        let later = QueuedCommand { not_after: Some(Timestamp::MAX), ..command() };
        assert_eq!(later.status_in(2, NOW), CommandStatus::Pending);
        let done = QueuedCommand { status: CommandStatus::Acknowledged, ..limited };
        assert_eq!(done.status_in(2, NOW), CommandStatus::Acknowledged);
    }
}
