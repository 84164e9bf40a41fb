//! Wake-up messages through SQS.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};

use crate::aws::failure;
use crate::error::{Error, Result};

/// The most messages SQS takes in one call.
const BATCH: usize = 10;
/// How often a batch is sent before its failed entries are given up.
const ROUNDS: u32 = 3;
/// The pause before the second round; it doubles before each further one.
const PAUSE: Duration = Duration::from_millis(50);

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Sends each body as one message, to be seen after `delay_seconds` (0 to 900).
    ///
    /// Ten bodies go out at a time and must fit one SQS request (1 MiB); an entry that SQS failed is sent again, the
    /// others are not. After an error any number of the messages may have been sent: they are hints and may repeat.
    ///
    /// # Errors
    /// Unavailable when SQS throttles or does not answer; Internal when it refuses a message for good.
    pub async fn send(&self, bodies: &[String], delay_seconds: u16) -> Result<()> {
        for batch in bodies.chunks(BATCH) {
            let mut entries = entries(batch, delay_seconds)?;
            for round in 0..ROUNDS {
                if round > 0 {
                    tokio::time::sleep(PAUSE * (1 << (round - 1))).await;
                }
                entries = self.send_once(entries).await?;
                if entries.is_empty() {
                    break;
                }
            }
            if !entries.is_empty() {
                return Err(Error::unavailable(format!(
                    "SQS failed {} messages {ROUNDS} times",
                    entries.len()
                )));
            }
        }
        Ok(())
    }

    /// Sends the entries and returns those that are to be sent again.
    async fn send_once(
        &self,
        entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<Vec<SendMessageBatchRequestEntry>> {
        let request = self.client.send_message_batch().queue_url(&self.url);
        let answer = request.set_entries(Some(entries.clone())).send().await.map_err(failure)?;
        if let Some(refused) = answer.failed.iter().find(|entry| entry.sender_fault) {
            return Err(Error::internal(format!("SQS refused a message: {}", reason(refused))));
        }
        let failed = |entry: &SendMessageBatchRequestEntry| answer.failed.iter().any(|f| f.id == entry.id);
        Ok(entries.into_iter().filter(failed).collect())
    }
}

fn entries(batch: &[String], delay_seconds: u16) -> Result<Vec<SendMessageBatchRequestEntry>> {
    let entry = |(index, body): (usize, &String)| {
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(body)
            .delay_seconds(delay_seconds.into())
            .build()
            .map_err(Error::internal)
    };
    batch.iter().enumerate().map(entry).collect()
}

fn reason(entry: &BatchResultErrorEntry) -> String {
    format!("{} {}", entry.code, entry.message.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::scripted::{Answer, Requests, script};

    fn queue(answers: impl IntoIterator<Item = Answer>) -> (Queue, Requests) {
        let (config, requests) = script(answers);
        (Queue::new(Client::new(&config), "http://127.0.0.1:9/0/wakeups".into()), requests)
    }

    fn failed(id: &str, sender_fault: bool) -> Answer {
        let entry = format!(r#"{{"Id":"{id}","Code":"InternalError","SenderFault":{sender_fault}}}"#);
        Answer::ok(&format!(r#"{{"Successful":[],"Failed":[{entry}]}}"#))
    }

    fn all_sent() -> Answer {
        Answer::ok(r#"{"Successful":[],"Failed":[]}"#)
    }

    fn bodies(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("body-{number:02}")).collect()
    }

    #[tokio::test]
    async fn bodies_go_out_ten_at_a_time() {
        let (queue, requests) = queue([all_sent(), all_sent(), all_sent()]);
        queue.send(&bodies(23), 900).await.unwrap();
        let sizes: Vec<usize> = requests.take().iter().map(|r| r.matches("body-").count()).collect();
        assert_eq!(sizes, [10, 10, 3]);
        queue.send(&[], 0).await.unwrap();
        assert!(requests.take().is_empty());
    }

    #[tokio::test]
    async fn only_the_failed_entry_is_sent_again() {
        let (queue, requests) = queue([failed("1", false), all_sent()]);
        queue.send(&bodies(3), 0).await.unwrap();
        let sent = requests.take();
        assert_eq!(sent.len(), 2);
        assert!(sent[1].contains("body-01") && !sent[1].contains("body-00"), "{}", sent[1]);
    }

    #[tokio::test]
    async fn an_entry_that_keeps_failing_is_an_error() {
        let (queue, requests) = queue([failed("0", false), failed("0", false), failed("0", false)]);
        assert_eq!(queue.send(&bodies(1), 0).await.unwrap_err().kind(), Kind::Unavailable);
        assert_eq!(requests.take().len(), 3);
    }

    #[tokio::test]
    async fn a_message_refused_for_good_is_not_repeated() {
        let (queue, requests) = queue([failed("0", true)]);
        assert_eq!(queue.send(&bodies(1), 0).await.unwrap_err().kind(), Kind::Internal);
        assert_eq!(requests.take().len(), 1);
    }
}
