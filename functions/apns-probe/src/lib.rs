//! Asks Apple about push certificates that were quiet for a day. A schedule starts it every few hours.

use shared::service::probe_push_certificates::{ProbeTally, probe_push_certificates};
use shared::state::AppState;

/// Probes what is due. What goes wrong with one tenant is logged and tried again by the next run.
///
/// # Errors
/// Unavailable when it cannot even be found out which certificates there are.
pub async fn handle(state: AppState) -> shared::Result<ProbeTally> {
    probe_push_certificates(&state).await
}
