//! Tells the host that asks devices for certificates which authorities there are. A schedule starts it every few minutes.

use shared::error::Result;
use shared::service::refresh_trust_store::{Round, refresh_trust_store};
use shared::state::AppState;

/// One round. What it could not finish, the next one does.
///
/// # Errors
/// Unavailable when something does not answer.
pub async fn handle(state: AppState) -> Result<Round> {
    refresh_trust_store(&state).await
}
