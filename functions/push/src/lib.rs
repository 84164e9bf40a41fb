//! Wakes devices: takes hints from the wake queue, looks into the store, pushes through APNs.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use shared::domain::wake::Wake;
use shared::service::wake_devices::{Woken, wake_devices};
use shared::state::AppState;

/// Handles a batch of hints. Those to come again are reported one by one; the others are done.
///
/// # Errors
/// Never: what goes wrong is said per message.
pub async fn handle(state: AppState, event: SqsEvent) -> shared::Result<SqsBatchResponse> {
    let read: Vec<(String, Option<Wake>)> = event.records.into_iter().map(read).collect();
    let wakes: Vec<Wake> = read.iter().filter_map(|(_, wake)| wake.clone()).collect();
    let woken = wake_devices(&state, &wakes).await;
    let again = |wake: &Option<Wake>| match wake {
        Some(wake) => woken.get(wake) != Some(&Woken::Done),
        // Not a hint at all: it goes to the dead letters, where somebody can look at it.
        None => true,
    };
    let failures = read.into_iter().filter(|(_, wake)| again(wake)).map(|(id, _)| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        failure
    });
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures.collect();
    Ok(response)
}

fn read(message: SqsMessage) -> (String, Option<Wake>) {
    let id = message.message_id.unwrap_or_default();
    let wake = message.body.as_deref().map(serde_json::from_str).and_then(Result::ok);
    if wake.is_none() {
        tracing::error!(message = id, "a message on the wake queue is not a hint");
    }
    (id, wake)
}
