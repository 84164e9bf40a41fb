//! Looks after silent devices. A schedule begins a sweep; the sweep queue carries its pages.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Deserialize;
use shared::service::sweep::{begin_sweep, sweep};
use shared::state::AppState;

/// What starts the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Pages of a sweep.
    Queue(SqsEvent),
    /// The schedule; what it says does not matter.
    Schedule(serde_json::Value),
}

/// Begins a sweep, or does some of its pages. Pages to come again are reported one by one.
///
/// # Errors
/// Unavailable when a sweep could not begin: the schedule tries again.
pub async fn handle(state: AppState, event: Event) -> shared::Result<SqsBatchResponse> {
    let mut response = SqsBatchResponse::default();
    let records = match event {
        Event::Queue(event) => event.records,
        Event::Schedule(_) => {
            begin_sweep(&state).await?;
            return Ok(response);
        }
    };
    for message in records {
        if !is_done(&state, &message).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

async fn is_done(state: &AppState, message: &SqsMessage) -> bool {
    let id = message.message_id.as_deref().unwrap_or_default();
    let Some(page) = message.body.as_deref().and_then(|body| serde_json::from_str(body).ok()) else {
        tracing::error!(message = id, "a message on the sweep queue is not a page");
        return false;
    };
    // One tenant's trouble is not the others'.
    let done = sweep(state, &page).await;
    if let Err(error) = &done {
        tracing::error!(message = id, ?page, error = %error.chain(), "a page was not swept");
    }
    done.is_ok()
}
