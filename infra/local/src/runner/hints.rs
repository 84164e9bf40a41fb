//! What SQS and Lambda do together: hand the wake queue's messages to the push function, and delete what it has dealt with.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use futures_util::FutureExt;
use shared::error::{Error, Result};
use shared::state::AppState;
use tokio::task::JoinHandle;

use super::settings::{WAKE_QUEUE, WAKE_VISIBILITY};
use crate::aws::{Message, Queues};

/// Most messages of one batch.
const BATCH: u32 = 10;
/// How long a receive waits for a message.
const LONG_POLL: Duration = Duration::from_secs(20);

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Delivers hints as they come, until aborted. What was under way then is delivered again after the next start.
pub(super) fn spawn(state: AppState, queues: Queues) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            // Lambda starts a function that panicked anew, so this must not end either.
            match AssertUnwindSafe(deliver(&state, &queues, LONG_POLL)).catch_unwind().await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => tracing::error!(error = %error.chain(), "hints were not delivered"),
                Err(_) => tracing::error!("the push function panicked"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

/// Delivers every hint that is due now, and returns how many the push function dealt with.
///
/// # Errors
/// Internal when the queue cannot be read.
pub async fn deliver_all(state: &AppState, queues: &Queues) -> Result<usize> {
    let mut dealt_with = 0;
    loop {
        match deliver(state, queues, Duration::ZERO).await? {
            (0, _) => return Ok(dealt_with),
            (_, done) => dealt_with += done,
        }
    }
}

/// One batch: how many came, and how many are dealt with.
async fn deliver(state: &AppState, queues: &Queues, wait: Duration) -> Result<(usize, usize)> {
    let messages =
        queues.receive(WAKE_QUEUE, BATCH, Some(WAKE_VISIBILITY), wait).await.map_err(Error::internal)?;
    if messages.is_empty() {
        return Ok((0, 0));
    }
    let response = push::handle(state.clone(), wake_event(&messages)).await?;
    let again: HashSet<String> =
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    let mut done = 0;
    for message in messages.iter().filter(|message| !again.contains(&message.id)) {
        queues.delete(WAKE_QUEUE, &message.receipt_handle).map_err(Error::internal)?;
        done += 1;
    }
    Ok((messages.len(), done))
}

/// The event that Lambda makes of received messages.
pub fn wake_event(messages: &[Message]) -> SqsEvent {
    let records = messages.iter().map(|message| {
        let mut record = SqsMessage::default();
        record.message_id = Some(message.id.clone());
        record.receipt_handle = Some(message.receipt_handle.clone());
        record.body = Some(message.body.clone());
        record
    });
    let mut event = SqsEvent::default();
    event.records = records.collect();
    event
}
