//! Mails everybody concerned before something ends. A schedule starts it once a day.

use shared::error::{Error, Result};
use shared::service::notify_expiry::{Tally, notify_expiry};
use shared::state::AppState;
use shared::time::{SignedDuration, Timestamp};

/// What the tenants under way may still take when no further one is begun.
const RESERVE: SignedDuration = SignedDuration::from_secs(30);

/// Sends what is due today, until shortly before `deadline`. It may run any number of times.
///
/// # Errors
/// Unavailable when mails failed, after all others were sent, or when the time did not suffice: Lambda then tries again,
/// and the next run goes on with what is left.
pub async fn handle(state: AppState, deadline: Timestamp) -> Result<Tally> {
    let tally = notify_expiry(&state, || state.clock.now() + RESERVE < deadline).await?;
    if tally.failed > 0 || tally.left > 0 {
        let Tally { failed, left, .. } = tally;
        return Err(Error::unavailable(format!("{failed} owners were not told, {left} tenants are left")));
    }
    Ok(tally)
}
