//! What SQS's operations take, and the limits they keep.

use std::collections::HashSet;

use serde::Deserialize;

use super::Refusal;

/// The largest message, and the largest batch, in bytes.
pub(super) const LARGEST: usize = 1024 * 1024;
/// The longest delay, in seconds.
const LONGEST_DELAY: u16 = 900;

/// A message to send.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Outgoing {
    pub(super) message_body: String,
    #[serde(default)]
    pub(super) delay_seconds: u16,
}

/// One thing for one queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Single<T> {
    pub(super) queue_url: String,
    #[serde(flatten)]
    pub(super) content: T,
}

/// Up to ten things for one queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<T> {
    pub(super) queue_url: String,
    pub(super) entries: Vec<Entry<T>>,
}

/// One thing of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry<T> {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) content: T,
}

/// What deletes a message.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receipt {
    pub(super) receipt_handle: String,
}

/// For how long to hide a received message, in seconds.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Visibility {
    pub(super) receipt_handle: String,
    pub(super) visibility_timeout: u32,
}

/// What to receive, and how long to wait for it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receiving {
    pub(super) queue_url: String,
    #[serde(default = "one")]
    pub(super) max_number_of_messages: u32,
    pub(super) visibility_timeout: Option<u32>,
    #[serde(default)]
    pub(super) wait_time_seconds: u64,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
    #[serde(default)]
    pub(super) message_system_attribute_names: Vec<String>,
}

/// A queue by its name.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedQueue {
    pub(super) queue_name: String,
}

/// What to tell about a queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) attribute_names: Vec<String>,
}

/// A queue by its address.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneQueue {
    pub(super) queue_url: String,
}

/// Messages of a dead-letter queue that are to move.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Move {
    pub(super) source_arn: String,
    pub(super) destination_arn: Option<String>,
    pub(super) max_number_of_messages_per_second: Option<u32>,
}

/// Whose moves to tell of.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Moves {
    pub(super) source_arn: String,
    #[serde(default = "one")]
    pub(super) max_results: u32,
}

pub(super) fn check(message: &Outgoing) -> Result<(), Refusal> {
    if message.message_body.is_empty() || message.message_body.len() > LARGEST {
        return Err(invalid("A message has 1 byte to 1 MiB."));
    }
    if message.delay_seconds > LONGEST_DELAY {
        return Err(invalid("DelaySeconds is 0 to 900."));
    }
    Ok(())
}

pub(super) fn check_batch<T>(entries: &[Entry<T>]) -> Result<(), Refusal> {
    let ids: HashSet<_> = entries.iter().map(|entry| &entry.id).collect();
    match entries.len() {
        0 => Err(Refusal::bad_request("EmptyBatchRequest", "The batch has no entries.")),
        11.. => Err(Refusal::bad_request("TooManyEntriesInBatchRequest", "A batch has at most 10 entries.")),
        count if ids.len() < count => {
            Err(Refusal::bad_request("BatchEntryIdsNotDistinct", "Two entries have the same id."))
        }
        _ => Ok(()),
    }
}

pub(super) fn invalid(message: &str) -> Refusal {
    Refusal::bad_request("InvalidParameterValue", message)
}

fn one() -> u32 {
    1
}
