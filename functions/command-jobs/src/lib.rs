//! Commands to many devices: takes hints from the queue of jobs, and does a page of each job that is named.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use shared::service::command_jobs::do_page;
use shared::state::AppState;

/// Does a page for each message. Pages to come again are reported one by one; the others are done.
///
/// # Errors
/// Never: what goes wrong is said per message.
pub async fn handle(state: AppState, event: SqsEvent) -> shared::Result<SqsBatchResponse> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
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
    let Some(hint) = message.body.as_deref().and_then(|body| serde_json::from_str(body).ok()) else {
        tracing::error!(message = id, "a message on the queue of jobs is not a job's hint");
        return false;
    };
    // One tenant's trouble is not the others'.
    let done = do_page(state, &hint).await;
    if let Err(error) = &done {
        tracing::error!(message = id, ?hint, error = %error.chain(), "a job's page was not done");
    }
    done.is_ok()
}
