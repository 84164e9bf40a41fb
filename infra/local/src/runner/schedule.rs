//! What EventBridge Scheduler does: start the scheduled functions.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use shared::error::{Error, Kind, Result};
use shared::lambda::Event;
use shared::state::AppState;
use shared::time::SignedDuration;
use tokio::task::JoinHandle;

/// Every scheduled function, by its folder's name.
pub const SCHEDULED: [&str; 5] =
    ["apns-probe", "events", "expiry-notifier", "inactivity-sweeper", "trust-store"];

/// How often deliveries begin, as in AWS.
const MINUTE: Duration = Duration::from_secs(60);
/// After how many minutes each of the others is started. In AWS they have their hours; here a machine may be off at any hour,
/// the notifier sends nothing twice a day, and the probe leaves alone what it knows.
const HOUR: u32 = 60;

/// Starts each function now and then once a minute or an hour, until aborted.
pub(super) fn spawn(state: AppState) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(MINUTE);
        for minute in (0..HOUR).cycle() {
            ticks.tick().await;
            if minute == 0
                && let Err(error) = begin_seals(state.clone()).await
            {
                tracing::error!(error = %error.chain(), "the logs were not sealed");
            }
            for function in SCHEDULED.into_iter().filter(|function| minute == 0 || is_frequent(function)) {
                match AssertUnwindSafe(run(state.clone(), function)).catch_unwind().await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => {
                        tracing::error!(function, error = %error.chain(), "a scheduled function failed");
                    }
                    Err(_) => tracing::error!(function, "a scheduled function panicked"),
                }
            }
        }
    })
}

/// Whether a function is started each minute.
fn is_frequent(function: &str) -> bool {
    ["events", "trust-store"].contains(&function)
}

/// Does what the hour's schedule of `events` does: the logs get their seals.
///
/// # Errors
/// Those of the function.
pub async fn begin_seals(state: AppState) -> Result<()> {
    events::handle(state, Event::Schedule(json!({"seals": true}))).await.map(drop)
}

/// Runs a scheduled function now and returns what it says.
///
/// # Errors
/// NotFound (`function-unknown`) when there is none of this name; else those of the function.
pub async fn run(state: AppState, function: &str) -> Result<Value> {
    match function {
        "apns-probe" => {
            // As in AWS, ten minutes.
            let deadline = state.clock.now() + SignedDuration::from_mins(10);
            let tally = apns_probe::handle(state, deadline).await?;
            serde_json::to_value(tally).map_err(Error::internal)
        }
        "events" => {
            let begun = events::handle(state, Event::Schedule(Value::Null)).await?;
            serde_json::to_value(begun).map_err(Error::internal)
        }
        "expiry-notifier" => {
            // As in AWS, a quarter of an hour.
            let deadline = state.clock.now() + SignedDuration::from_mins(15);
            let tally = expiry_notifier::handle(state, deadline).await?;
            serde_json::to_value(tally).map_err(Error::internal)
        }
        "inactivity-sweeper" => {
            let begun = inactivity_sweeper::handle(state, Event::Schedule(Value::Null)).await?;
            serde_json::to_value(begun).map_err(Error::internal)
        }
        "trust-store" => {
            let round = trust_store::handle(state).await?;
            serde_json::to_value(round).map_err(Error::internal)
        }
        _ => Err(Error::new(
            Kind::NotFound,
            "function-unknown",
            format!("There is no scheduled function \"{function}\"."),
        )
        .at("function")
        .next(format!("Scheduled functions: {}.", SCHEDULED.join(", ")))),
    }
}
