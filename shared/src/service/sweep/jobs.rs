//! Jobs whose message was lost go on.

use crate::domain::command_job::JobHint;
use crate::error::{Error, Result};
use crate::state::State;

/// Jobs of one page.
const PAGE: i32 = 500;

/// Reminds of every job that is not over; one that does not stand still takes no notice. Costs a query where there is none.
pub(super) async fn remind(state: &State) -> Result<()> {
    let mut after: Option<String> = None;
    loop {
        let (jobs, next) = state.store.unfinished_jobs(after.as_deref(), PAGE).await?;
        let bodies: Result<Vec<String>> = jobs
            .into_iter()
            .map(|(tenant, command)| {
                let hint = JobHint { tenant, command, if_stalled: true };
                serde_json::to_string(&hint).map_err(Error::internal)
            })
            .collect();
        state.jobs.send(&bodies?, 0).await?;
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
