//! Why a command stands where it stands, in one sentence.

use std::fmt;

use crate::domain::command::{CommandStatus, QueuedCommand};
use crate::domain::enrollment::Enrollment;
use crate::time::Timestamp;

/// A sentence whose moments stand apart, so that a page can show them as the reader's own time. As text they are in UTC,
/// with their day unless it is today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is made of, in this order.
    pub parts: Vec<Part>,
    now: Timestamp,
}

/// A piece of an [`Explanation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Words(String),
    /// A moment.
    Moment(Timestamp),
}

impl Explanation {
    /// One that is told at `now`.
    pub fn new(words: impl Into<String>, now: Timestamp) -> Self {
        Self { parts: vec![Part::Words(words.into())], now }
    }

    fn and(mut self, words: impl Into<String>) -> Self {
        self.parts.push(Part::Words(words.into()));
        self
    }

    fn at(mut self, time: Timestamp) -> Self {
        self.parts.push(Part::Moment(time));
        self
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Words(words) => f.write_str(words),
            Part::Moment(time) => f.write_str(&moment(*time, self.now)),
        })
    }
}

/// Explains a command on its enrollment as of now.
pub fn explain(command: &QueuedCommand, enrollment: &Enrollment, now: Timestamp) -> Explanation {
    let told = |words: &str| Explanation::new(words, now);
    let at = |what: &str| match command.completed_at {
        Some(time) => told(what).and(" at ").at(time).and("."),
        None => told(what).and("."),
    };
    match command.status_in(enrollment.generation, now) {
        CommandStatus::Pending | CommandStatus::NotNow => waiting(command, enrollment, now),
        CommandStatus::Acknowledged if command.after_cancel => {
            at("Done, though it had been withdrawn: answered")
        }
        CommandStatus::Acknowledged => at("Done: answered"),
        CommandStatus::Error => at("The device tried and failed: answered"),
        CommandStatus::CommandFormatError => at("The device could not read the command: answered"),
        CommandStatus::Dropped => told("Dropped: the device enrolled anew or left before it answered."),
        CommandStatus::Cancelled => at("Cancelled"),
        CommandStatus::Superseded => at("Superseded by a later command about the same"),
        CommandStatus::Expired => match command.not_after {
            Some(end) => told("Expired: its time was over at ").at(end).and("."),
            None => told("Expired."),
        },
        CommandStatus::Stuck => {
            at("Set aside, because the device fetched it again and again without an answer:")
        }
    }
}

fn waiting(command: &QueuedCommand, enrollment: &Enrollment, now: Timestamp) -> Explanation {
    let mut text = Explanation::new(format!("Waiting: last seen {}", ago(enrollment.last_seen, now)), now);
    if enrollment.push.is_none() {
        text = text.and("; it cannot be woken, because it did not say where to push to");
    } else {
        text = match &enrollment.last_push {
            Some(push) if push.at >= command.created_at && push.is_accepted() => {
                text.and("; push accepted at ").at(push.at)
            }
            Some(push) if push.at >= command.created_at => {
                text.and("; push refused at ").at(push.at).and(format!(" ({})", push.outcome))
            }
            Some(_) | None => text.and("; no push since it was queued"),
        };
        if let Some(until) = enrollment.push_rests_until.filter(|until| now < *until) {
            text = text.and("; pushes rest until ").at(until);
        }
    }
    if let Some(first) = command.first_not_now_at {
        let times = match command.not_now_tally {
            1 => "once".to_owned(),
            tally => format!("{tally} times"),
        };
        text = text.and(format!("; NotNow {times} since ")).at(first).and(" (device locked or in use)");
    }
    if let Some(end) = command.not_after {
        text = text.and("; expires at ").at(end);
    }
    text.and(".")
}

/// `12:04`, or `2026-11-20 12:04` when it is not today.
fn moment(time: Timestamp, now: Timestamp) -> String {
    let day = "%Y-%m-%d";
    let today = time.strftime(day).to_string() == now.strftime(day).to_string();
    time.strftime(if today { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// `just now`, `5 min ago`, `3 h ago`, `2 days ago`.
fn ago(time: Timestamp, now: Timestamp) -> String {
    match (now.as_second() - time.as_second()) / 60 {
        i64::MIN..1 => "just now".to_owned(),
        minutes @ 1..120 => format!("{minutes} min ago"),
        minutes @ 120..2_880 => format!("{} h ago", minutes / 60),
        minutes => format!("{} days ago", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enrollment::{PushAddress, PushAttempt, fixture};
    use crate::id::EnrollmentId;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-{text}:00Z").parse().unwrap()
    }

    fn device() -> Enrollment {
        let push = PushAddress { topic: "topic".into(), token: "00".into(), magic: "magic".into() };
        let last_push = Some(PushAttempt { at: at("21T12:04"), outcome: "accepted".into() });
        Enrollment { push: Some(push), last_push, ..fixture("D-1", at("21T09:30")) }
    }

    fn command() -> QueuedCommand {
        QueuedCommand {
            created_at: at("21T11:40"),
            ..QueuedCommand::fixture(EnrollmentId::device("D-1").unwrap())
        }
    }

    #[test]
    fn every_case_is_explained_in_a_sentence() {
        let refused_push = Some(PushAttempt { at: at("21T12:00"), outcome: "BadDeviceToken".into() });
        let early_push = Some(PushAttempt { at: at("21T11:00"), outcome: "accepted".into() });
        let with = |status| QueuedCommand { status, completed_at: Some(at("20T08:15")), ..command() };
        let not_now = |tally| QueuedCommand {
            status: CommandStatus::NotNow,
            not_now_tally: tally,
            first_not_now_at: Some(at("21T11:50")),
            ..command()
        };
        let table = [
            (command(), device(), "Waiting: last seen 3 h ago; push accepted at 12:04."),
            (
                not_now(4),
                device(),
                "Waiting: last seen 3 h ago; push accepted at 12:04; NotNow 4 times since 11:50 (device locked or in use).",
            ),
            (
                not_now(1),
                Enrollment { last_seen: at("21T12:50"), ..device() },
                "Waiting: last seen 10 min ago; push accepted at 12:04; NotNow once since 11:50 (device locked or in use).",
            ),
            (
                command(),
                Enrollment { last_push: early_push, last_seen: at("21T13:00"), ..device() },
                "Waiting: last seen just now; no push since it was queued.",
            ),
            (
                command(),
                Enrollment { last_push: None, last_seen: at("17T13:00"), ..device() },
                "Waiting: last seen 4 days ago; no push since it was queued.",
            ),
            (
                command(),
                Enrollment { last_push: refused_push, push_rests_until: Some(at("22T12:00")), ..device() },
                "Waiting: last seen 3 h ago; push refused at 12:00 (BadDeviceToken); pushes rest until 2026-11-22 12:00.",
            ),
            (
                command(),
                Enrollment { push: None, ..device() },
                "Waiting: last seen 3 h ago; it cannot be woken, because it did not say where to push to.",
            ),
            (
                QueuedCommand { not_after: Some(at("21T18:00")), ..command() },
                device(),
                "Waiting: last seen 3 h ago; push accepted at 12:04; expires at 18:00.",
            ),
            (
                QueuedCommand { not_after: Some(at("21T12:30")), ..command() },
                device(),
                "Expired: its time was over at 12:30.",
            ),
            (
                QueuedCommand { generation: 0, ..command() },
                device(),
                "Dropped: the device enrolled anew or left before it answered.",
            ),
            (with(CommandStatus::Acknowledged), device(), "Done: answered at 2026-11-20 08:15."),
            (
                QueuedCommand { after_cancel: true, ..with(CommandStatus::Acknowledged) },
                device(),
                "Done, though it had been withdrawn: answered at 2026-11-20 08:15.",
            ),
            (
                with(CommandStatus::Error),
                device(),
                "The device tried and failed: answered at 2026-11-20 08:15.",
            ),
            (
                with(CommandStatus::CommandFormatError),
                device(),
                "The device could not read the command: answered at 2026-11-20 08:15.",
            ),
            (with(CommandStatus::Cancelled), device(), "Cancelled at 2026-11-20 08:15."),
            (
                with(CommandStatus::Superseded),
                device(),
                "Superseded by a later command about the same at 2026-11-20 08:15.",
            ),
            (
                with(CommandStatus::Stuck),
                device(),
                "Set aside, because the device fetched it again and again without an answer: at 2026-11-20 08:15.",
            ),
        ];
        for (command, enrollment, expected) in table {
            assert_eq!(explain(&command, &enrollment, at("21T13:00")).to_string(), expected);
        }
    }
}
