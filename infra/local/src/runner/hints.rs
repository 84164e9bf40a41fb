//! What SQS and Lambda do together: hand a queue's messages to its function, and delete what it has dealt with.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use shared::error::{Error, Result};
use shared::lambda::Event;
use shared::state::AppState;
use tokio::task::JoinHandle;

use super::settings::{
    EVENTS_QUEUE, EVENTS_VISIBILITY, JOBS_QUEUE, JOBS_VISIBILITY, SWEEP_QUEUE, SWEEP_VISIBILITY, WAKE_QUEUE,
    WAKE_VISIBILITY,
};
use crate::aws::{Message, Queues};

/// Most messages of one batch.
const BATCH: u32 = 10;
/// How long a receive waits for a message.
const LONG_POLL: Duration = Duration::from_secs(20);

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// A function that takes its work from a queue, by its folder's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueFunction {
    /// Wakes devices.
    Push,
    /// Does pages of commands to many devices.
    CommandJobs,
    /// Does a sweep's pages.
    InactivitySweeper,
    /// Delivers to webhooks.
    Events,
}

/// All of them.
pub const QUEUES: [QueueFunction; 4] = [
    QueueFunction::Push,
    QueueFunction::CommandJobs,
    QueueFunction::InactivitySweeper,
    QueueFunction::Events,
];

impl QueueFunction {
    /// The queue's name, and for how long it hides a message that is worked on, in seconds.
    fn queue(self) -> (&'static str, u32) {
        match self {
            Self::Push => (WAKE_QUEUE, WAKE_VISIBILITY),
            Self::CommandJobs => (JOBS_QUEUE, JOBS_VISIBILITY),
            Self::InactivitySweeper => (SWEEP_QUEUE, SWEEP_VISIBILITY),
            Self::Events => (EVENTS_QUEUE, EVENTS_VISIBILITY),
        }
    }

    async fn handle(self, state: AppState, event: SqsEvent) -> Result<SqsBatchResponse> {
        match self {
            Self::Push => push::handle(state, event).await,
            Self::CommandJobs => command_jobs::handle(state, event).await,
            Self::InactivitySweeper => inactivity_sweeper::handle(state, Event::Queue(event)).await,
            Self::Events => events::handle(state, Event::Queue(event)).await,
        }
    }
}

/// Delivers messages as they come, until aborted. What was under way then is delivered again after the next start.
pub(super) fn spawn(function: QueueFunction, state: AppState, queues: Queues) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            // Lambda starts a function that panicked anew, so this must not end either.
            match AssertUnwindSafe(deliver(function, &state, &queues, LONG_POLL)).catch_unwind().await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => {
                    tracing::error!(?function, error = %error.chain(), "messages were not delivered");
                }
                Err(_) => tracing::error!(?function, "a queue's function panicked"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

/// Delivers every message of a queue that is due now, and returns how many its function dealt with.
///
/// # Errors
/// Internal when the queue cannot be read.
pub async fn deliver_all(function: QueueFunction, state: &AppState, queues: &Queues) -> Result<usize> {
    let mut dealt_with = 0;
    loop {
        match deliver(function, state, queues, Duration::ZERO).await? {
            (0, _) => return Ok(dealt_with),
            (_, done) => dealt_with += done,
        }
    }
}

/// The same with the last message first, as SQS may have it: it keeps no order. What is sent meanwhile comes after them all.
///
/// # Errors
/// Internal when the queue cannot be read.
pub async fn deliver_backwards(function: QueueFunction, state: &AppState, queues: &Queues) -> Result<usize> {
    let (queue, visibility) = function.queue();
    let mut dealt_with = 0;
    loop {
        let mut due = Vec::new();
        loop {
            let received = queues.receive(queue, BATCH, Some(visibility), Duration::ZERO).await;
            match received.map_err(Error::internal)? {
                messages if messages.is_empty() => break,
                messages => due.extend(messages),
            }
        }
        if due.is_empty() {
            return Ok(dealt_with);
        }
        due.reverse();
        for batch in due.chunks(BATCH as usize) {
            dealt_with += hand_over(function, state, queues, batch).await?;
        }
    }
}

/// One batch: how many came, and how many are dealt with.
async fn deliver(
    function: QueueFunction,
    state: &AppState,
    queues: &Queues,
    wait: Duration,
) -> Result<(usize, usize)> {
    let (queue, visibility) = function.queue();
    let messages = queues.receive(queue, BATCH, Some(visibility), wait).await.map_err(Error::internal)?;
    if messages.is_empty() {
        return Ok((0, 0));
    }
    let done = hand_over(function, state, queues, &messages).await?;
    Ok((messages.len(), done))
}

/// Gives a batch to its function, and deletes what it has dealt with: how many those are.
async fn hand_over(
    function: QueueFunction,
    state: &AppState,
    queues: &Queues,
    messages: &[Message],
) -> Result<usize> {
    let (queue, _) = function.queue();
    let response = function.handle(state.clone(), queue_event(messages)).await?;
    let again: HashSet<String> =
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    let mut done = 0;
    for message in messages.iter().filter(|message| !again.contains(&message.id)) {
        queues.delete(queue, &message.receipt_handle).map_err(Error::internal)?;
        done += 1;
    }
    Ok(done)
}

/// The event that Lambda makes of received messages.
fn queue_event(messages: &[Message]) -> SqsEvent {
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
