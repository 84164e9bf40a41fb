//! What EventBridge does: hand SES's reports about mails to the function `mail-feedback`, and again when it fails.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use shared::error::{Error, Result};
use shared::state::AppState;
use tokio::task::JoinHandle;

use super::settings::MAIL_REPORTS;
use crate::aws::Queues;

/// How long a receive waits for a report.
const LONG_POLL: Duration = Duration::from_secs(20);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Hands over reports as they come, until aborted.
pub(super) fn spawn(state: AppState, queues: Queues) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            // Lambda starts a function that panicked anew, so this must not end either.
            match AssertUnwindSafe(deliver(&state, &queues, LONG_POLL)).catch_unwind().await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => tracing::error!(error = %error.chain(), "a mail report was not delivered"),
                Err(_) => tracing::error!("the mail-feedback function panicked"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

/// Hands over every report that waits, and returns how many there were.
///
/// # Errors
/// The function's, and Internal when the queue cannot be read.
pub async fn deliver_reports(state: &AppState, queues: &Queues) -> Result<usize> {
    let mut delivered = 0;
    loop {
        match deliver(state, queues, Duration::ZERO).await? {
            0 => return Ok(delivered),
            some => delivered += some,
        }
    }
}

async fn deliver(state: &AppState, queues: &Queues, wait: Duration) -> Result<usize> {
    let reports = queues.receive(MAIL_REPORTS, 1, None, wait).await.map_err(Error::internal)?;
    for report in &reports {
        let event = serde_json::from_str(&report.body).map_err(Error::internal)?;
        mail_feedback::handle(state.clone(), event).await?;
        queues.delete(MAIL_REPORTS, &report.receipt_handle).map_err(Error::internal)?;
    }
    Ok(reports.len())
}
