//! SQS's wire over the queues.

use std::collections::HashSet;
use std::time::Duration;

use openssl::hash::{MessageDigest, hash};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::Refusal;
use super::queues::{Message, Queues};
use super::server::{input, nothing};

/// The largest message, and the largest batch, in bytes.
const LARGEST: usize = 1024 * 1024;
/// The longest delay, in seconds.
const LONGEST_DELAY: u16 = 900;

/// The operations of the one account's queues.
#[derive(Clone, Debug)]
pub(super) struct Sqs(pub(super) Queues);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outgoing {
    message_body: String,
    #[serde(default)]
    delay_seconds: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Single<T> {
    queue_url: String,
    #[serde(flatten)]
    content: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<T> {
    queue_url: String,
    entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<T> {
    id: String,
    #[serde(flatten)]
    content: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receipt {
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Visibility {
    receipt_handle: String,
    visibility_timeout: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receiving {
    queue_url: String,
    #[serde(default = "one")]
    max_number_of_messages: u32,
    visibility_timeout: Option<u32>,
    #[serde(default)]
    wait_time_seconds: u64,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedQueue {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

impl Sqs {
    /// Does one operation; `host` is the address the caller knows this server by.
    pub(super) async fn call(&self, operation: &str, body: &[u8], host: &str) -> Result<Value, Refusal> {
        match operation {
            "SendMessage" => self.send(&input(body)?),
            "SendMessageBatch" => self.send_batch(&input(body)?),
            "ReceiveMessage" => self.receive(&input(body)?).await,
            "DeleteMessage" => {
                let Single { queue_url, content } = input::<Single<Receipt>>(body)?;
                self.0.delete(name(&queue_url), &content.receipt_handle)?;
                Ok(nothing())
            }
            "DeleteMessageBatch" => {
                each(&input(body)?, |queue, receipt: &Receipt| self.0.delete(queue, &receipt.receipt_handle))
            }
            "ChangeMessageVisibility" => {
                let Single { queue_url, content } = input::<Single<Visibility>>(body)?;
                self.change(name(&queue_url), &content)?;
                Ok(nothing())
            }
            "ChangeMessageVisibilityBatch" => each(&input(body)?, |queue, change| self.change(queue, change)),
            "GetQueueAttributes" => self.attributes(&input(body)?),
            "GetQueueUrl" => {
                let queue = input::<NamedQueue>(body)?.queue_name;
                self.0.settings(&queue)?;
                Ok(json!({ "QueueUrl": url(host, &queue) }))
            }
            _ => Err(Refusal::bad_request("UnknownOperationException", format!("No {operation} here."))),
        }
    }

    fn send(&self, sending: &Single<Outgoing>) -> Result<Value, Refusal> {
        check(&sending.content)?;
        let Outgoing { message_body, delay_seconds } = &sending.content;
        let ids = self.0.send(name(&sending.queue_url), &[(message_body, *delay_seconds)])?;
        Ok(json!({ "MessageId": ids.first(), "MD5OfMessageBody": md5(message_body)? }))
    }

    fn send_batch(&self, batch: &Batch<Outgoing>) -> Result<Value, Refusal> {
        check_batch(&batch.entries)?;
        if batch.entries.iter().map(|entry| entry.content.message_body.len()).sum::<usize>() > LARGEST {
            return Err(Refusal::bad_request("BatchRequestTooLong", "The batch is longer than 1 MiB."));
        }
        let (mut good, mut failed) = (Vec::new(), Vec::new());
        for entry in &batch.entries {
            match check(&entry.content) {
                Ok(()) => good.push(entry),
                Err(refusal) => failed.push(failure(&entry.id, &refusal)),
            }
        }
        let messages: Vec<_> = good
            .iter()
            .map(|entry| (entry.content.message_body.as_str(), entry.content.delay_seconds))
            .collect();
        let ids = self.0.send(name(&batch.queue_url), &messages)?;
        let mut sent = Vec::with_capacity(good.len());
        for (entry, id) in good.iter().zip(ids) {
            let digest = md5(&entry.content.message_body)?;
            sent.push(json!({ "Id": entry.id, "MessageId": id, "MD5OfMessageBody": digest }));
        }
        Ok(json!({ "Successful": sent, "Failed": failed }))
    }

    async fn receive(&self, receiving: &Receiving) -> Result<Value, Refusal> {
        if !(1..=10).contains(&receiving.max_number_of_messages) || receiving.wait_time_seconds > 20 {
            return Err(invalid("MaxNumberOfMessages is 1 to 10 and WaitTimeSeconds 0 to 20."));
        }
        let messages = self
            .0
            .receive(
                name(&receiving.queue_url),
                receiving.max_number_of_messages,
                receiving.visibility_timeout,
                Duration::from_secs(receiving.wait_time_seconds),
            )
            .await?;
        let wanted = |attribute: &str| {
            let mut names = receiving.attribute_names.iter().chain(&receiving.message_system_attribute_names);
            names.any(|name| name == attribute || name == "All")
        };
        let messages: Result<Vec<_>, _> = messages.iter().map(|message| received(message, wanted)).collect();
        Ok(json!({ "Messages": messages? }))
    }

    fn change(&self, queue: &str, change: &Visibility) -> Result<(), Refusal> {
        self.0.change_visibility(queue, &change.receipt_handle, change.visibility_timeout)
    }

    fn attributes(&self, asked: &Attributes) -> Result<Value, Refusal> {
        let queue = name(&asked.queue_url);
        let settings = self.0.settings(queue)?;
        let counts = self.0.counts(queue)?;
        let mut attributes = Map::new();
        for (name, value) in [
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
            ("VisibilityTimeout", settings.visibility_timeout.to_string()),
            ("QueueArn", arn(queue)),
        ] {
            attributes.insert(name.into(), value.into());
        }
        if let Some(redrive) = settings.redrive {
            let policy = json!({
                "deadLetterTargetArn": arn(&redrive.dead_letter_queue),
                "maxReceiveCount": redrive.max_receive_count,
            });
            attributes.insert("RedrivePolicy".into(), policy.to_string().into());
        }
        let wanted = |attribute: &String| asked.attribute_names.iter().any(|n| n == attribute || n == "All");
        attributes.retain(|attribute, _| wanted(attribute));
        Ok(json!({ "Attributes": attributes }))
    }
}

fn received(message: &Message, wanted: impl Fn(&str) -> bool) -> Result<Value, Refusal> {
    let attributes: Map<String, Value> = [
        ("ApproximateReceiveCount", message.receive_count.to_string()),
        ("ApproximateFirstReceiveTimestamp", message.first_received_at.to_string()),
        ("SentTimestamp", message.sent_at.to_string()),
    ]
    .into_iter()
    .filter(|(name, _)| wanted(name))
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect();
    Ok(json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "Body": message.body,
        "MD5OfBody": md5(&message.body)?,
        "Attributes": attributes,
    }))
}

/// Does one thing for each entry and reports entry by entry.
fn each<T>(batch: &Batch<T>, work: impl Fn(&str, &T) -> Result<(), Refusal>) -> Result<Value, Refusal> {
    check_batch(&batch.entries)?;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for entry in &batch.entries {
        match work(name(&batch.queue_url), &entry.content) {
            Ok(()) => done.push(json!({ "Id": entry.id })),
            Err(refusal) => failed.push(failure(&entry.id, &refusal)),
        }
    }
    Ok(json!({ "Successful": done, "Failed": failed }))
}

fn failure(id: &str, refusal: &Refusal) -> Value {
    json!({ "Id": id, "Code": refusal.code(), "SenderFault": true, "Message": refusal.to_string() })
}

fn check(message: &Outgoing) -> Result<(), Refusal> {
    if message.message_body.is_empty() || message.message_body.len() > LARGEST {
        return Err(invalid("A message has 1 byte to 1 MiB."));
    }
    if message.delay_seconds > LONGEST_DELAY {
        return Err(invalid("DelaySeconds is 0 to 900."));
    }
    Ok(())
}

fn check_batch<T>(entries: &[Entry<T>]) -> Result<(), Refusal> {
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

fn invalid(message: &str) -> Refusal {
    Refusal::bad_request("InvalidParameterValue", message)
}

/// A queue's address at this server.
pub(super) fn url(host: &str, queue: &str) -> String {
    format!("http://{host}/000000000000/{queue}")
}

/// The queue's name: the last part of its address, whatever the host was when the address was written down.
fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{queue}")
}

fn md5(body: &str) -> Result<String, Refusal> {
    let digest = hash(MessageDigest::md5(), body.as_bytes()).map_err(Refusal::internal)?;
    Ok(hex::encode(digest))
}

fn one() -> u32 {
    1
}
