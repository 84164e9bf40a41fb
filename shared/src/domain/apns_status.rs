//! Whether Apple's push service works with a push certificate, as real pushes and probes found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::push_verdict::Verdict;
use crate::time::Timestamp;

/// How often the same finding is written down again, in seconds: thousands of pushes must not become as many writes.
pub const NOTED_EVERY: i64 = 300;
/// Seconds after the last success during which an unanswered push is a hiccup and no loss of the connection.
const GRACE: i64 = 900;

/// What is known of a push certificate's connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApnsStatus {
    /// Whether Apple takes pushes of this certificate.
    pub connected: bool,
    /// Since when that is so.
    pub since: Timestamp,
    /// When Apple last accepted certificate and topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// What last went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<ApnsError>,
    /// When this was written, in unix seconds.
    pub noted: i64,
}

/// What went wrong with a push, for a reason that is not the device's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApnsError {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Apple's reason, or what kept it from answering.
    pub reason: String,
    /// The same in words.
    pub meaning: String,
}

impl ApnsStatus {
    /// The status after `verdict`; none while there is nothing worth writing down.
    pub fn after(before: Option<&Self>, verdict: &Verdict, now: Timestamp) -> Option<Self> {
        let last_success = before.and_then(|before| before.last_success);
        let former_error = before.and_then(|before| before.last_error.clone());
        let error =
            |reason: &String| ApnsError { at: now, reason: reason.clone(), meaning: verdict.meaning() };
        let is_recent = |at: Timestamp, seconds: i64| now.as_second() - at.as_second() < seconds;
        let (connected, last_success, new_error) = match verdict {
            Verdict::Good => (true, Some(now), None),
            Verdict::Refused(reason) => (false, last_success, Some(error(reason))),
            Verdict::Unclear(reason) => {
                let was = before.is_some_and(|before| before.connected);
                (
                    was && last_success.is_some_and(|at| is_recent(at, GRACE)),
                    last_success,
                    Some(error(reason)),
                )
            }
        };
        let changed = before.is_none_or(|before| before.connected != connected);
        let stale = before.is_none_or(|before| now.as_second() - before.noted >= NOTED_EVERY);
        let news = new_error.is_some()
            && former_error.as_ref().is_none_or(|former| !is_recent(former.at, NOTED_EVERY));
        (changed || stale || news).then(|| Self {
            connected,
            since: before.filter(|_| !changed).map_or(now, |before| before.since),
            last_success,
            last_error: new_error.or(former_error),
            noted: now.as_second(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    /// What is kept after these verdicts at these seconds, and how often it was written.
    fn story(verdicts: &[(i64, Verdict)]) -> (ApnsStatus, usize) {
        let (mut status, mut writes) = (None, 0);
        for (at, verdict) in verdicts {
            if let Some(next) = ApnsStatus::after(status.as_ref(), verdict, from_unix(*at)) {
                (status, writes) = (Some(next), writes + 1);
            }
        }
        (status.unwrap(), writes)
    }

    fn unclear() -> Verdict {
        Verdict::Unclear("no answer in time".into())
    }

    fn refused() -> Verdict {
        Verdict::Refused("BadCertificate".into())
    }

    #[test]
    fn thousands_of_good_pushes_are_written_down_every_five_minutes() {
        let verdicts: Vec<_> = (0..=600).map(|second| (second, Verdict::Good)).collect();
        let (status, writes) = story(&verdicts);
        assert_eq!(writes, 3);
        assert_eq!((status.connected, status.since), (true, from_unix(0)));
        assert_eq!(status.last_success, Some(from_unix(600)));
    }

    #[test]
    fn a_refusal_and_its_end_are_written_down_at_once() {
        let (status, writes) = story(&[(0, Verdict::Good), (1, refused()), (2, refused())]);
        assert_eq!((status.connected, status.since, writes), (false, from_unix(1), 2));
        assert_eq!(status.last_error.as_ref().unwrap().reason, "BadCertificate");
        let (status, writes) = story(&[(0, refused()), (1, Verdict::Good)]);
        assert_eq!((status.connected, status.since, writes), (true, from_unix(1), 2));
        assert_eq!(status.last_error.unwrap().at, from_unix(0), "the error stays to be read");
    }

    #[test]
    fn silence_is_a_hiccup_at_first_and_a_loss_later() {
        let (status, writes) = story(&[(0, Verdict::Good), (10, unclear()), (20, unclear())]);
        assert_eq!((status.connected, writes), (true, 2));
        assert_eq!(status.last_error.unwrap().at, from_unix(10));
        let (status, _) = story(&[(0, Verdict::Good), (899, unclear()), (900, unclear())]);
        assert_eq!((status.connected, status.since), (false, from_unix(900)));
        assert!(!story(&[(0, unclear())]).0.connected);
    }
}
