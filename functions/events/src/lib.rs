//! Delivers what the surveillance log holds to webhooks, and seals the logs. Schedules begin each minute and each hour; the queue
//! `events` carries the work.

use aws_lambda_events::event::sqs::SqsBatchResponse;
use shared::lambda::{Batch, Event};
use shared::service::event_work::{begin_deliveries, begin_seals, do_event_work};
use shared::state::AppState;

/// Messages of one batch, as the queue hands them over.
const ABREAST: usize = 10;

/// Begins a minute, or, where the schedule says `{"seals": true}`, an hour; or takes some turns, all at the same time: a slow
/// server is nobody else's trouble. Messages to come again are reported one by one.
///
/// # Errors
/// Unavailable when a minute could not begin: the next one does.
pub async fn handle(state: AppState, event: Event) -> shared::Result<SqsBatchResponse> {
    match event {
        Event::Queue(event) => {
            let state = &state;
            let turn = |work| async move { do_event_work(state, &work).await };
            return Ok(Batch::read(event).each(ABREAST, "a turn was not taken", turn).await);
        }
        Event::Schedule(said) if said["seals"] == true => begin_seals(&state).await?,
        Event::Schedule(_) => begin_deliveries(&state).await?,
    }
    Ok(SqsBatchResponse::default())
}
