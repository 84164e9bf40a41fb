//! Looks after silent devices. A schedule begins a sweep; the sweep queue carries its pages.

use aws_lambda_events::event::sqs::SqsBatchResponse;
use shared::lambda::{Batch, Event};
use shared::service::sweep::{begin_sweep, sweep};
use shared::state::AppState;

/// Begins a sweep, whatever the schedule says, or does some of its pages. Pages to come again are reported one by one.
///
/// # Errors
/// Unavailable when a sweep could not begin: the schedule tries again.
pub async fn handle(state: AppState, event: Event) -> shared::Result<SqsBatchResponse> {
    match event {
        Event::Queue(event) => {
            let state = &state;
            let page = |page| async move { sweep(state, &page).await };
            Ok(Batch::read(event).each(1, "a page was not swept", page).await)
        }
        Event::Schedule(_) => {
            begin_sweep(&state).await?;
            Ok(SqsBatchResponse::default())
        }
    }
}
