//! Event buses of Amazon EventBridge, in whatever account and region a tenant has them.

use aws_sdk_eventbridge::config::{Builder, Region};
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use aws_sdk_eventbridge::{Client, error::ProvideErrorMetadata};

use crate::aws::failure;
use crate::domain::event_bus::EventBus;
use crate::time::Timestamp;

/// What EventBridge calls a request with an entry that it cannot take.
const UNFIT: &str = "ValidationException";

/// Puts events on buses.
#[derive(Clone, Debug)]
pub struct EventBuses {
    client: Client,
}

/// One event for a bus.
#[derive(Clone, Debug)]
pub struct BusEntry {
    /// Where it comes from.
    pub source: String,
    /// What it is about.
    pub detail_type: String,
    /// A JSON object.
    pub detail: String,
    /// When it happened.
    pub at: Timestamp,
}

/// What became of one entry: EventBridge's name for the event, or why it was not taken.
pub type Placed = std::result::Result<String, Untaken>;

/// Why an entry was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untaken {
    /// EventBridge's code for it; empty where it did not answer.
    pub code: String,
    /// More about it.
    pub message: String,
}

impl Untaken {
    fn silent() -> Self {
        Self { code: String::new(), message: "EventBridge did not answer".to_owned() }
    }
}

impl EventBuses {
    /// Those that `client` may reach.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Puts up to ten entries on a bus with one call, and says what became of each. Where the call as a whole is refused
    /// because of one of them, each gets a call of its own.
    pub async fn put(&self, bus: &EventBus, entries: &[BusEntry]) -> Vec<Placed> {
        match self.put_together(bus, entries).await {
            Ok(placed) => placed,
            Err(why) if why.code == UNFIT && entries.len() > 1 => {
                let mut placed = Vec::with_capacity(entries.len());
                for entry in entries {
                    let alone = self.put_together(bus, std::slice::from_ref(entry)).await;
                    placed.extend(alone.unwrap_or_else(|why| vec![Err(why)]));
                }
                placed
            }
            Err(why) => vec![Err(why); entries.len()],
        }
    }

    async fn put_together(
        &self,
        bus: &EventBus,
        entries: &[BusEntry],
    ) -> std::result::Result<Vec<Placed>, Untaken> {
        let region = Builder::new().region(Region::new(bus.region().to_owned()));
        let requests = entries.iter().map(|entry| entry.request(bus)).collect();
        let call = self.client.put_events().set_entries(Some(requests)).customize().config_override(region);
        match call.send().await {
            Ok(answer) => {
                let mut all: Vec<Placed> = answer.entries().iter().map(placed).collect();
                // What the answer says nothing of is put once more.
                all.resize(entries.len(), Err(Untaken::silent()));
                Ok(all)
            }
            Err(error) => {
                let refused = error.code().map(|code| Untaken {
                    code: code.to_owned(),
                    message: "EventBridge refused the whole call".to_owned(),
                });
                tracing::warn!(%bus, error = %failure(error).chain(), "an event bus took nothing");
                Err(refused.unwrap_or_else(Untaken::silent))
            }
        }
    }
}

impl BusEntry {
    fn request(&self, bus: &EventBus) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(bus.arn())
            .source(&self.source)
            .detail_type(&self.detail_type)
            .detail(&self.detail)
            .time(DateTime::from_millis(self.at.as_millisecond()))
            .build()
    }
}

fn placed(entry: &PutEventsResultEntry) -> Placed {
    match entry.error_code() {
        None => Ok(entry.event_id().unwrap_or_default().to_owned()),
        Some(code) => Err(Untaken {
            code: code.to_owned(),
            message: entry.error_message().unwrap_or_default().to_owned(),
        }),
    }
}
