//! Delivers what the surveillance log holds to webhooks, and seals the logs. Schedules begin each minute and each hour; the queue
//! `events` carries the work.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use serde::Deserialize;
use shared::service::event_work::{begin_deliveries, begin_seals, do_event_work};
use shared::state::AppState;

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Turns.
    Queue(SqsEvent),
    /// A schedule: each hour's says `{"seals": true}`; what each minute's says does not matter.
    Schedule(serde_json::Value),
}

/// Begins a minute, or takes some turns, all at the same time: a slow server is nobody else's trouble. Messages to come again
/// are reported one by one.
///
/// # Errors
/// Unavailable when a minute could not begin: the next one does.
pub async fn handle(state: AppState, event: Event) -> shared::Result<SqsBatchResponse> {
    let mut response = SqsBatchResponse::default();
    let records = match event {
        Event::Queue(event) => event.records,
        Event::Schedule(said) if said["seals"] == true => {
            begin_seals(&state).await?;
            return Ok(response);
        }
        Event::Schedule(_) => {
            begin_deliveries(&state).await?;
            return Ok(response);
        }
    };
    let mut turns = Vec::with_capacity(records.len());
    for message in &records {
        turns.push(is_done(&state, message));
    }
    let done = join_all(turns).await;
    for (message, _) in records.into_iter().zip(done).filter(|(_, done)| !done) {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.message_id.unwrap_or_default();
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

async fn is_done(state: &AppState, message: &SqsMessage) -> bool {
    let id = message.message_id.as_deref().unwrap_or_default();
    let Some(work) = message.body.as_deref().and_then(|body| serde_json::from_str(body).ok()) else {
        tracing::error!(message = id, "a message on the events queue cannot be read");
        return false;
    };
    let done = do_event_work(state, &work).await;
    if let Err(error) = &done {
        tracing::error!(message = id, ?work, error = %error.chain(), "a turn was not taken");
    }
    done.is_ok()
}
