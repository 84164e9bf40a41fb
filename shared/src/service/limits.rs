//! Counting what is done against its limit.

use crate::domain::limit::{Counted, Limit};
use crate::error::Result;
use crate::state::State;

/// Counts one more, with one write. A process that was told that there are enough remembers it: a flood costs no writes.
///
/// # Errors
/// RateLimited when there are enough; Unavailable when the store does not answer.
pub(super) async fn count(state: &State, limit: Limit, who: Counted) -> Result<()> {
    let now = state.clock.now();
    let (window, key) = (limit.window(now), (limit, who));
    if state.exhausted.get(&key) == Some(window) {
        return Err(limit.exceeded(now));
    }
    if state.store.count(limit, &key.1, now).await? {
        return Ok(());
    }
    tracing::warn!(limit = limit.name(), who = %key.1, "a limit was reached");
    state.exhausted.put(key, window);
    Err(limit.exceeded(now))
}
