//! What waits on a device, in the order it is handed out, each with its explanation.

use super::withdraw_command::enrollment;
use crate::domain::command::QueuedCommand;
use crate::domain::explanation::{Explanation, explain};
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::state::State;

/// Commands on one page.
const PAGE: i32 = 50;

/// A page of what waits on an enrollment, or of what was set aside, each with its explanation; and the mark of the next.
///
/// # Errors
/// NotFound when there is no such enrollment; Malformed when `after` is no mark of this list.
pub async fn list_queue(
    state: &State,
    scope: &Scope,
    id: &EnrollmentId,
    stuck: bool,
    after: Option<&str>,
) -> Result<(Vec<(QueuedCommand, Explanation)>, Option<String>)> {
    let enrollment = enrollment(state, scope, id).await?;
    let (commands, next) =
        state.store.queue_page(scope, &enrollment, stuck, after, (PAGE, state.clock.now())).await?;
    let now = state.clock.now();
    let explained = commands
        .into_iter()
        .map(|command| {
            let sentence = explain(&command, &enrollment, now);
            (QueuedCommand { status: command.status_in(enrollment.generation, now), ..command }, sentence)
        })
        .collect();
    Ok((explained, next))
}
