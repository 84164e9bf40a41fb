//! What is counted for CloudWatch: one line on standard output each, in the embedded metric format, which CloudWatch turns into a
//! metric. docs/RUNBOOK.md lists the names.

use std::io::Write;

use serde_json::{Value, json};

use crate::time::Timestamp;

/// Something that happened once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A device, or a user on one, enrolled.
    Enrollments,
    /// A push was sent.
    Pushes(PushOutcome),
    /// A device answered a command for good.
    CommandsAnswered,
    /// SES took a mail.
    MailsSent,
}

/// What came of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// APNs took it.
    Accepted,
    /// APNs will not take it, for this device or this certificate.
    Refused,
    /// It may be taken later.
    Failed,
}

impl PushOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl Metric {
    /// Every name, as CloudWatch shows it.
    pub const NAMES: [&str; 4] = ["Enrollments", "Pushes", "CommandsAnswered", "MailsSent"];

    fn name(self) -> &'static str {
        let [enrollments, pushes, answered, mails] = Self::NAMES;
        match self {
            Self::Enrollments => enrollments,
            Self::Pushes(_) => pushes,
            Self::CommandsAnswered => answered,
            Self::MailsSent => mails,
        }
    }

    /// The line that counts it: a number under its name, and under its dimension's name what it is counted by.
    pub fn line(self, namespace: &str, now: Timestamp) -> Value {
        let name = self.name();
        let outcome = match self {
            Self::Pushes(outcome) => Some(outcome.name()),
            Self::Enrollments | Self::CommandsAnswered | Self::MailsSent => None,
        };
        let dimensions: &[&str] = if outcome.is_some() { &["Outcome"] } else { &[] };
        let metric = json!({
            "Namespace": namespace,
            "Dimensions": [dimensions],
            "Metrics": [{"Name": name, "Unit": "Count"}],
        });
        let head = json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [metric]});
        let mut line = json!({"_aws": head, name: 1});
        if let Some(outcome) = outcome {
            line["Outcome"] = outcome.into();
        }
        line
    }

    /// Counts it, if there is a namespace to count in.
    pub(crate) fn count(self, namespace: Option<&str>, now: Timestamp) {
        let Some(namespace) = namespace else { return };
        let line = format!("{}\n", self.line(namespace, now));
        // One write, so that lines do not mix. A number that is lost is no reason to fail.
        if let Err(error) = std::io::stdout().lock().write_all(line.as_bytes()) {
            tracing::debug!(%error, "a metric could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn a_metric_is_a_line_that_cloudwatch_understands() {
        let now = from_unix(1_800_000_000);
        let line = Metric::Pushes(PushOutcome::Refused).line("Pomarium/prod", now);
        let declared = json!([{
            "Namespace": "Pomarium/prod", "Dimensions": [["Outcome"]],
            "Metrics": [{"Name": "Pushes", "Unit": "Count"}],
        }]);
        assert_eq!(line["_aws"], json!({"Timestamp": 1_800_000_000_000_i64, "CloudWatchMetrics": declared}));
        assert_eq!((&line["Pushes"], &line["Outcome"]), (&json!(1), &json!("refused")));
        let line = Metric::Enrollments.line("Pomarium/prod", now);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
        assert_eq!(line.as_object().unwrap().keys().collect::<Vec<_>>(), ["Enrollments", "_aws"]);
    }
}
