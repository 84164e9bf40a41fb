//! A command's life on one enrollment: waiting until a final answer for its own UUID.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{CommandUuid, EnrollmentId};
use crate::time::Timestamp;

/// Where a command stands on one enrollment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
}

impl CommandStatus {
    /// Whether nothing may change it any more.
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::NotNow => false,
            Self::Acknowledged | Self::Error | Self::CommandFormatError | Self::Dropped => true,
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
    /// The device's whole final report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<StoredResult>,
}

impl QueuedCommand {
    /// Whether the device may be offered this in `session`: after a NotNow, not before its next Idle (else the two would
    /// loop for ever).
    pub fn may_be_offered_in(&self, session: u64) -> bool {
        !self.status.is_final() && self.not_now_session != Some(session)
    }

    /// The status as of an enrollment of this generation: what an earlier one left unanswered was dropped.
    pub fn status_in(&self, generation: u64) -> CommandStatus {
        if !self.status.is_final() && self.generation != generation {
            CommandStatus::Dropped
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
    /// When it was queued.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> QueuedCommand {
        QueuedCommand {
            uuid: uuid::Uuid::from_u128(7).into(),
            enrollment: EnrollmentId::device("A").unwrap(),
            generation: 2,
            request_type: "DeviceLock".into(),
            plist: Bytes::new(),
            status: CommandStatus::Pending,
            created_at: Timestamp::UNIX_EPOCH,
            not_now_tally: 0,
            first_not_now_at: None,
            not_now_session: None,
            completed_at: None,
            result: None,
        }
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
        assert_eq!(command().status_in(2), CommandStatus::Pending);
        assert_eq!(command().status_in(3), CommandStatus::Dropped);
        let done = QueuedCommand { status: CommandStatus::Error, ..command() };
        assert_eq!(done.status_in(3), CommandStatus::Error);
    }
}
