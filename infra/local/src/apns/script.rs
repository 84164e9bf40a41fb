//! Answers that a test prescribes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// What the simulator does with one push instead of judging it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This status and reason.
    Status {
        /// The HTTP status.
        status: u16,
        /// The reason in the JSON body.
        reason: &'static str,
        /// Seconds in the Retry-After header.
        retry_after: Option<u32>,
    },
    /// Judges the push as always, then tells the client to open another connection.
    GoAway,
    /// Closes the connection without an answer.
    Drop,
    /// Never answers.
    Hang,
}

/// The answers still to come, by topic or by token in hex.
#[derive(Default)]
pub(super) struct Script(Mutex<BTreeMap<String, VecDeque<Answer>>>);

impl Script {
    pub(super) fn add(&self, key: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        script.entry(key.to_owned()).or_default().extend(answers);
    }

    /// The next answer for this token, or for this topic.
    pub(super) fn take(&self, token: &str, topic: &str) -> Option<Answer> {
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        [token, topic].iter().find_map(|key| script.get_mut(*key).and_then(VecDeque::pop_front))
    }
}
