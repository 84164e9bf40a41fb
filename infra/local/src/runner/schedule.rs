//! What EventBridge Scheduler does: start the scheduled functions.

use std::time::Duration;

use shared::state::AppState;
use tokio::task::AbortHandle;

/// How often the notifier is started. In AWS it is once a day at a set hour; here a machine may be off at any hour, and
/// the notifier sends nothing twice a day.
const EVERY: Duration = Duration::from_secs(3_600);

pub(super) fn spawn(state: AppState) -> AbortHandle {
    let scheduled = async move {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = expiry_notifier::handle(state.clone()).await {
                tracing::error!(error = %error.chain(), "a scheduled function failed");
            }
        }
    };
    tokio::spawn(scheduled).abort_handle()
}
