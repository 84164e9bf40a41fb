//! Commands to many devices: takes hints from the queue of jobs, and does a page of each job that is named.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use shared::lambda::Batch;
use shared::service::command_jobs::do_page;
use shared::state::AppState;

/// Does a page for each message. Pages to come again are reported one by one; the others are done.
///
/// # Errors
/// Never: what goes wrong is said per message.
pub async fn handle(state: AppState, event: SqsEvent) -> shared::Result<SqsBatchResponse> {
    let state = &state;
    let page = |hint| async move { do_page(state, &hint).await };
    Ok(Batch::read(event).each(1, "a job's page was not done", page).await)
}
