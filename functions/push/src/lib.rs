//! Wakes devices: takes hints from the wake queue, looks into the store, pushes through APNs.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use shared::domain::wake::Wake;
use shared::lambda::Batch;
use shared::service::wake_devices::{Woken, wake_devices};
use shared::state::AppState;

/// Handles a batch of hints. Those to come again are reported one by one; the others are done.
///
/// # Errors
/// Never: what goes wrong is said per message.
pub async fn handle(state: AppState, event: SqsEvent) -> shared::Result<SqsBatchResponse> {
    let hints = Batch::<Wake>::read(event);
    let wakes: Vec<Wake> = hints.work().cloned().collect();
    let woken = wake_devices(&state, &wakes).await;
    Ok(hints.report(|wake| woken.get(wake) == Some(&Woken::Done)))
}
