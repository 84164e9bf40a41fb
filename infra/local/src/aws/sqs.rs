//! SQS's wire over the queues.

mod wire;

use std::time::Duration;

use axum::response::Response;
use http::HeaderValue;
use openssl::hash::{MessageDigest, hash};
use serde_json::{Map, Value, json};

use self::wire::{
    Attributes, Batch, LARGEST, Move, Moves, NamedQueue, OneQueue, Outgoing, Receipt, Receiving, Single,
    Visibility, check, check_batch, invalid,
};
use super::error::Refusal;
use super::queues::{Message, MoveTask, Moving, Queues};
use super::server::{input, nothing, unknown_operation};

/// The operations of the one account's queues.
#[derive(Clone, Debug)]
pub(super) struct Sqs(pub(super) Queues);

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
            "PurgeQueue" => {
                self.0.purge(name(&input::<OneQueue>(body)?.queue_url))?;
                Ok(nothing())
            }
            "StartMessageMoveTask" => self.start_move(&input(body)?),
            "ListMessageMoveTasks" => {
                let Moves { source_arn, max_results } = input(body)?;
                if !(1..=10).contains(&max_results) {
                    return Err(invalid("MaxResults is 1 to 10."));
                }
                let moves = self.0.moves(queue_of(&source_arn), max_results)?;
                let told: Vec<_> = moves.iter().map(|task| moved(task, &source_arn)).collect();
                Ok(json!({ "Results": told }))
            }
            _ => Err(unknown_operation(operation)),
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

    fn start_move(&self, asked: &Move) -> Result<Value, Refusal> {
        let rate = asked.max_number_of_messages_per_second;
        if rate.is_some_and(|rate| !(1..=500).contains(&rate)) {
            return Err(invalid("MaxNumberOfMessagesPerSecond is 1 to 500."));
        }
        let destination = asked.destination_arn.as_deref().map(queue_of);
        let handle =
            self.0.move_messages(Moving { queue: queue_of(&asked.source_arn), destination, rate })?;
        Ok(json!({ "TaskHandle": handle }))
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

/// A refusal with the code of the older XML protocol in a header, which is the one that SDK clients go by.
pub(super) fn refused(refusal: Refusal) -> Response {
    let code = match refusal.code() {
        "QueueDoesNotExist" => Some("AWS.SimpleQueueService.NonExistentQueue;Sender"),
        "EmptyBatchRequest" => Some("AWS.SimpleQueueService.EmptyBatchRequest;Sender"),
        "TooManyEntriesInBatchRequest" => Some("AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender"),
        "BatchEntryIdsNotDistinct" => Some("AWS.SimpleQueueService.BatchEntryIdsNotDistinct;Sender"),
        "BatchRequestTooLong" => Some("AWS.SimpleQueueService.BatchRequestTooLong;Sender"),
        "PurgeQueueInProgress" => Some("AWS.SimpleQueueService.PurgeQueueInProgress;Sender"),
        "ResourceNotFoundException" => Some("ResourceNotFoundException;Sender"),
        "MessageNotInflight" => Some("AWS.SimpleQueueService.MessageNotInflight;Sender"),
        _ => None,
    };
    let mut response = refusal.into_json();
    if let Some(code) = code {
        response.headers_mut().insert("x-amzn-query-error", HeaderValue::from_static(code));
    }
    response
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
    json!({
        "Id": id,
        "Code": refusal.code(),
        "SenderFault": refusal.is_callers_fault(),
        "Message": refusal.to_string(),
    })
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

/// The queue's name: the last part of its ARN.
fn queue_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// A move, which is over: SQS names the handle of one that runs only.
fn moved(task: &MoveTask, source_arn: &str) -> Value {
    json!({
        "Status": if task.failure.is_some() { "FAILED" } else { "COMPLETED" },
        "SourceArn": source_arn,
        "DestinationArn": task.destination.as_deref().map(arn),
        "MaxNumberOfMessagesPerSecond": task.rate,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "FailureReason": task.failure,
        "StartedTimestamp": task.started_at,
    })
}

fn md5(body: &str) -> Result<String, Refusal> {
    let digest = hash(MessageDigest::md5(), body.as_bytes()).map_err(Refusal::internal)?;
    Ok(hex::encode(digest))
}
