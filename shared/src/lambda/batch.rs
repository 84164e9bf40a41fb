//! The messages of a queue, as Lambda hands them over, and which of them are to come again.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::StreamExt;
use futures_util::stream::iter;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::Result;

/// What starts a function that a schedule begins and a queue carries on.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Messages of the queue.
    Queue(SqsEvent),
    /// The schedule, and what it says.
    Schedule(serde_json::Value),
}

/// Messages of a queue. What cannot be read is none of the function's work: it comes again until it is a dead letter, where
/// somebody can look at it.
#[derive(Debug)]
pub struct Batch<W>(Vec<Message<W>>);

#[derive(Debug)]
struct Message<W> {
    id: String,
    body: String,
    work: Option<W>,
}

impl<W: DeserializeOwned> Batch<W> {
    /// Reads the messages.
    pub fn read(event: SqsEvent) -> Self {
        Self(event.records.into_iter().map(Message::read).collect())
    }

    /// What is to be done.
    pub fn work(&self) -> impl Iterator<Item = &W> {
        self.0.iter().filter_map(|message| message.work.as_ref())
    }

    /// Does `work` for each message, for `abreast` of them at the same time. What fails is logged as `failure` and comes again;
    /// it is no trouble of the others.
    pub async fn each<F>(
        self,
        abreast: usize,
        failure: &'static str,
        work: impl Fn(W) -> F,
    ) -> SqsBatchResponse
    where
        F: Future<Output = Result<()>>,
    {
        let mut runs = Vec::with_capacity(self.0.len());
        for Message { id, body, work: message } in self.0 {
            let run = message.map(&work);
            runs.push(async move {
                let Some(run) = run else { return Some(id) };
                let error = run.await.err()?;
                tracing::error!(message_id = id, work = body, error = %error.chain(), "{failure}");
                Some(id)
            });
        }
        let open: Vec<Option<String>> = iter(runs).buffered(abreast).collect().await;
        again(open.into_iter().flatten())
    }

    /// Reports what was done together: all messages come again but those of which `is_done` says so.
    pub fn report(self, is_done: impl Fn(&W) -> bool) -> SqsBatchResponse {
        let open = self.0.into_iter().filter(|message| !message.work.as_ref().is_some_and(&is_done));
        again(open.map(|message| message.id))
    }
}

impl<W: DeserializeOwned> Message<W> {
    fn read(message: SqsMessage) -> Self {
        let id = message.message_id.unwrap_or_default();
        let body = message.body.unwrap_or_default();
        let work = serde_json::from_str(&body).ok();
        if work.is_none() {
            tracing::error!(message_id = id, "a message of the queue cannot be read");
        }
        Self { id, body, work }
    }
}

fn again(ids: impl Iterator<Item = String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = ids
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn batch(bodies: &[&str]) -> Batch<u8> {
        let mut event = SqsEvent::default();
        for (number, body) in bodies.iter().enumerate() {
            let mut message = SqsMessage::default();
            message.message_id = Some(number.to_string());
            message.body = Some((*body).to_owned());
            event.records.push(message);
        }
        Batch::read(event)
    }

    fn named(response: SqsBatchResponse) -> Vec<String> {
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    #[tokio::test]
    async fn what_fails_and_what_cannot_be_read_comes_again_and_nothing_else() {
        for abreast in [1, 10] {
            let odd = async |number: u8| match number % 2 {
                0 => Ok(()),
                _ => Err(Error::unavailable("odd")),
            };
            let again = batch(&["1", "2", "nonsense", "4", "5"]).each(abreast, "a number failed", odd).await;
            assert_eq!(named(again), ["0", "2", "4"]);
        }
    }

    #[test]
    fn what_was_done_together_is_reported_one_by_one() {
        let numbers = batch(&["1", "2", "nonsense", "2"]);
        assert_eq!(numbers.work().copied().collect::<Vec<_>>(), [1, 2, 2]);
        assert_eq!(named(numbers.report(|number| *number == 2)), ["0", "2"]);
    }
}
