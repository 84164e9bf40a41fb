//! Messages that were tried so often that they were set aside: what they are about, without what they say.

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::domain::command_job::JobHint;
use crate::domain::sweep::Sweep;
use crate::domain::wake::Wake;
use crate::domain::webhook_turn::EventWork;
use crate::id::TenantId;
use crate::time::Timestamp;

/// So much of an error is shown.
const ERROR: usize = 300;

/// A queue of dead letters, by the name of what set them aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeadLetterQueue {
    /// Hints to wake devices.
    Wake,
    /// Pages of commands to many devices.
    Jobs,
    /// Pages of the hourly sweep.
    Sweep,
    /// Turns of webhooks, and seals of logs.
    Events,
    /// Daily runs of the expiry mails.
    ExpiryNotifier,
}

impl DeadLetterQueue {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Wake, Self::Jobs, Self::Sweep, Self::Events, Self::ExpiryNotifier];

    /// Its name in addresses and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Jobs => "jobs",
            Self::Sweep => "sweep",
            Self::Events => "events",
            Self::ExpiryNotifier => "expiry-notifier",
        }
    }

    /// The queue of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }

    /// Whether its messages came from a queue, to which they can go back.
    pub fn goes_back(self) -> bool {
        match self {
            Self::Wake | Self::Jobs | Self::Sweep | Self::Events => true,
            Self::ExpiryNotifier => false,
        }
    }
}

/// A message that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue's name for it.
    pub id: String,
    /// What it asked for.
    pub about: About,
    /// When it was sent first.
    pub sent_at: Timestamp,
    /// Why it failed, where the message itself knows.
    pub error: Option<String>,
}

/// What a message asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// In words.
    pub what: &'static str,
    /// Whose.
    pub tenant: Option<TenantId>,
    /// Of which device, command or webhook.
    pub subject: Option<String>,
}

impl About {
    fn all(what: &'static str) -> Self {
        Self { what, tenant: None, subject: None }
    }

    fn of(what: &'static str, tenant: TenantId, subject: Option<String>) -> Self {
        Self { what, tenant: Some(tenant), subject }
    }

    /// Reads a message's body. What is not read is not shown.
    pub fn read(queue: DeadLetterQueue, body: &str) -> Self {
        let read = match queue {
            DeadLetterQueue::Wake => parsed(body).map(wake),
            DeadLetterQueue::Jobs => parsed(body).map(job),
            DeadLetterQueue::Sweep => parsed(body).map(sweep),
            DeadLetterQueue::Events => parsed(body).map(event),
            DeadLetterQueue::ExpiryNotifier => Some(Self::all("the daily run of the expiry mails")),
        };
        read.unwrap_or_else(|| Self::all("a message that cannot be read"))
    }
}

fn parsed<T: DeserializeOwned>(body: &str) -> Option<T> {
    serde_json::from_str(body).ok()
}

fn wake(wake: Wake) -> About {
    About::of("wake a device", wake.tenant, Some(wake.enrollment.to_string()))
}

fn job(hint: JobHint) -> About {
    About::of("send a command to many devices", hint.tenant, Some(hint.command.to_string()))
}

fn sweep(page: Sweep) -> About {
    match page {
        Sweep::Tenants { .. } => About::all("begin a sweep of more tenants"),
        Sweep::Devices(page) => About::of("look at a page of devices", page.tenant, None),
        Sweep::Renewal(one) => {
            About::of("renew a device's identity", one.tenant, Some(one.enrollment.to_string()))
        }
        Sweep::Dropped(one) => {
            About::of("end a former enrollment's commands", one.tenant, Some(one.device.to_string()))
        }
    }
}

fn event(work: EventWork) -> About {
    match work {
        EventWork::Webhooks { .. } => About::all("give more webhooks their turns"),
        EventWork::Seals { .. } => About::all("seal more tenants' logs"),
        EventWork::Seal { tenant } => About::of("seal a tenant's logs", tenant, None),
        EventWork::SealOperators => About::all("seal the operator's log"),
        EventWork::Deliver { tenant, webhook } => {
            About::of("deliver to a webhook", tenant, Some(webhook.to_string()))
        }
    }
}

/// The report that Lambda makes of a run that failed to the end
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    response_payload: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    error_message: Option<String>,
}

/// Why it failed, as the one who set it aside wrote it into the message: `attribute` or the body.
pub fn error(queue: DeadLetterQueue, body: &str, attribute: Option<&str>) -> Option<String> {
    let reported = || {
        let payload = parsed::<Report>(body).and_then(|report| report.response_payload)?;
        payload.error_message
    };
    let text = match queue {
        DeadLetterQueue::ExpiryNotifier => attribute.map(str::to_owned).or_else(reported)?,
        DeadLetterQueue::Wake | DeadLetterQueue::Jobs | DeadLetterQueue::Sweep | DeadLetterQueue::Events => {
            return None;
        }
    };
    Some(text.chars().take(ERROR).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "aaaaaaaaaaaaaaaa";

    fn read(queue: DeadLetterQueue, body: &str) -> (&'static str, bool, Option<String>) {
        let about = About::read(queue, &body.replace("TENANT", TENANT));
        (about.what, about.tenant.is_some(), about.subject)
    }

    #[test]
    fn every_message_says_what_it_asked_for_and_of_whom() {
        use DeadLetterQueue::{Events, ExpiryNotifier, Jobs, Sweep, Wake};
        let some = |text: &str| Some(text.to_owned());
        for (queue, body, what, tenant, subject) in [
            (Wake, r#"{"tenant":"TENANT","enrollment":"D-1"}"#, "wake a device", true, some("D-1")),
            (
                Jobs,
                r#"{"tenant":"TENANT","command":"7C9E6679-7425-40DE-944B-E07FC1F90AE7"}"#,
                "send a command to many devices",
                true,
                some("7C9E6679-7425-40DE-944B-E07FC1F90AE7"),
            ),
            (Sweep, r#"{"tenants":{}}"#, "begin a sweep of more tenants", false, None),
            (Sweep, r#"{"devices":{"tenant":"TENANT"}}"#, "look at a page of devices", true, None),
            (
                Sweep,
                r#"{"renewal":{"tenant":"TENANT","enrollment":"D-1"}}"#,
                "renew a device's identity",
                true,
                some("D-1"),
            ),
            (
                Sweep,
                r#"{"dropped":{"tenant":"TENANT","device":"D-1"}}"#,
                "end a former enrollment's commands",
                true,
                some("D-1"),
            ),
            (Events, r#"{"webhooks":{}}"#, "give more webhooks their turns", false, None),
            (Events, r#"{"seals":{}}"#, "seal more tenants' logs", false, None),
            (Events, r#"{"seal":{"tenant":"TENANT"}}"#, "seal a tenant's logs", true, None),
            (Events, r#""seal-operators""#, "seal the operator's log", false, None),
            (ExpiryNotifier, "{}", "the daily run of the expiry mails", false, None),
            (Wake, "secret nonsense", "a message that cannot be read", false, None),
        ] {
            assert_eq!(read(queue, body), (what, tenant, subject), "{body}");
        }
    }

    #[test]
    fn only_what_set_a_run_aside_knows_why() {
        let report = r#"{"requestPayload":{},"responsePayload":{"errorMessage":"The service is busy."}}"#;
        let why = |queue, attribute| error(queue, report, attribute);
        assert_eq!(why(DeadLetterQueue::ExpiryNotifier, None).as_deref(), Some("The service is busy."));
        assert_eq!(why(DeadLetterQueue::ExpiryNotifier, Some("No role")).as_deref(), Some("No role"));
        assert_eq!(error(DeadLetterQueue::ExpiryNotifier, "{}", None), None);
        assert_eq!(why(DeadLetterQueue::Wake, Some("No role")), None);
        let long = "ä".repeat(1_000);
        assert_eq!(
            error(DeadLetterQueue::ExpiryNotifier, "{}", Some(&long)).map(|text| text.chars().count()),
            Some(ERROR)
        );
    }

    #[test]
    fn a_queue_is_found_by_its_name() {
        for queue in DeadLetterQueue::ALL {
            assert_eq!(DeadLetterQueue::named(queue.name()), Some(queue));
            assert_eq!(serde_json::to_value(queue).unwrap(), queue.name());
        }
        assert_eq!(DeadLetterQueue::named("mail"), None);
    }
}
