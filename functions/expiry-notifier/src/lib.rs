//! Mails tenants before their push certificate ends. A schedule starts it once a day.

use shared::error::{Error, Result};
use shared::service::notify_expiry::{Tally, notify_expiry};
use shared::state::AppState;

/// Sends what is due today. It may run any number of times.
///
/// # Errors
/// Unavailable when mails to some tenant failed, after all others were served: the schedule then tries again.
pub async fn handle(state: AppState) -> Result<Tally> {
    let tally = notify_expiry(&state).await?;
    if tally.failed > 0 {
        return Err(Error::unavailable(format!("mails to {} tenants were not sent", tally.failed)));
    }
    Ok(tally)
}
