//! One attempt to deliver an event, and an event that was given up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::{Event, EventKind};
use crate::id::{AuditId, EnrollmentId};
use crate::time::{DAY, Timestamp};

/// For how many days an attempt is kept.
const ATTEMPTS_KEPT: i64 = 7;
/// For how many days an event that was given up is kept.
const DEAD_KEPT: i64 = 30;

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The server answered with a status of 200 to 299, or the event bus took it.
    Delivered,
    /// The server answered, but does not take this: a redirect, or a status of 400 and more. Or the event bus does not take it.
    Refused,
    /// The server did not answer in time, or said that it cannot now: 408, 425, 429, 500 and more. Or the event bus takes nothing now.
    Unreachable,
    /// The server answered 410: nobody listens there any more.
    Gone,
}

impl Outcome {
    /// What an answer's status means.
    pub fn of(status: u16) -> Self {
        match status {
            200..300 => Self::Delivered,
            410 => Self::Gone,
            408 | 425 | 429 | 500.. => Self::Unreachable,
            _ => Self::Refused,
        }
    }

    /// What EventBridge's refusal of one entry means: only these will never be taken as they are.
    pub fn of_entry(code: &str) -> Self {
        match code {
            "InvalidAccountIdException"
            | "InvalidArgument"
            | "MalformedDetail"
            | "NotAuthorizedForDetailTypeException"
            | "NotAuthorizedForSourceException"
            | "RedactionFailure"
            | "ValidationException" => Self::Refused,
            _ => Self::Unreachable,
        }
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallResult {
    /// What became of it.
    pub outcome: Outcome,
    /// The answer's status, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// How the answer's body begins; what EventBridge calls an event that it took.
    #[serde(default)]
    pub answer: String,
    /// What went wrong, where there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// For how many seconds the server asks to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl CallResult {
    /// A result of which nothing more is known.
    pub fn new(outcome: Outcome, latency_ms: u64) -> Self {
        Self { outcome, status: None, latency_ms, answer: String::new(), trouble: None, retry_after: None }
    }
}

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Tells attempts of the same moment apart.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// The event.
    pub event: AuditId,
    /// What happened.
    pub action: EventKind,
    /// To which device, or channel of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<EnrollmentId>,
    /// The how many-th attempt it was.
    pub attempt: u32,
    /// What it came to.
    pub result: CallResult,
    /// When the next one will be, where there will be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// Until when this is kept, in unix seconds.
    pub expires_at: i64,
}

impl Attempt {
    /// An attempt to deliver `event` now.
    pub fn new(id: AuditId, at: Timestamp, event: &Event, attempt: u32, result: CallResult) -> Self {
        Self {
            id,
            at,
            event: event.id.clone(),
            action: event.kind,
            enrollment: event.enrollment.clone(),
            attempt,
            result,
            next_attempt_at: None,
            expires_at: at.as_second() + ATTEMPTS_KEPT * DAY,
        }
    }
}

/// An event that was given up: a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The event.
    pub event: AuditId,
    /// Its place in the log.
    pub place: String,
    /// What happened.
    pub action: EventKind,
    /// To which device, or channel of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<EnrollmentId>,
    /// When it was given up.
    pub given_up_at: Timestamp,
    /// After how many attempts.
    pub attempts: u32,
    /// Until when it can be sent once more, in unix seconds.
    pub expires_at: i64,
}

impl DeadLetter {
    /// `event`, given up now after so many attempts.
    pub fn new(event: &Event, now: Timestamp, attempts: u32) -> Self {
        Self {
            event: event.id.clone(),
            place: event.place(),
            action: event.kind,
            enrollment: event.enrollment.clone(),
            given_up_at: now,
            attempts,
            expires_at: now.as_second() + DEAD_KEPT * DAY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_entry_is_tried_by_itself_where_its_code_says_that_it_is_to_blame() {
        for code in ["MalformedDetail", "NotAuthorizedForSourceException", "ValidationException"] {
            assert_eq!(Outcome::of_entry(code), Outcome::Refused, "{code}");
        }
        for code in ["ThrottlingException", "InternalFailure", "AccessDeniedException", "SomethingNew"] {
            assert_eq!(Outcome::of_entry(code), Outcome::Unreachable, "{code}");
        }
    }

    #[test]
    fn a_status_says_whether_to_come_again() {
        for (status, outcome) in [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (301, Outcome::Refused),
            (404, Outcome::Refused),
            (408, Outcome::Unreachable),
            (410, Outcome::Gone),
            (425, Outcome::Unreachable),
            (429, Outcome::Unreachable),
            (500, Outcome::Unreachable),
            (599, Outcome::Unreachable),
        ] {
            assert_eq!(Outcome::of(status), outcome, "{status}");
        }
    }
}
