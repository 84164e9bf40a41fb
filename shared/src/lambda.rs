//! How a queue's or a schedule's function runs on Lambda.

mod batch;

pub use self::batch::{Batch, Event};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::state::{AppState, State};
use crate::telemetry;
use crate::time::{Timestamp, from_unix};

/// Calls `handle` for each event until the environment ends.
///
/// # Errors
/// When a setting is missing, or the runtime's API is not there.
pub async fn run<E, A, F>(handle: impl Fn(AppState, E) -> F) -> Result<(), lambda_runtime::Error>
where
    E: DeserializeOwned,
    A: Serialize,
    F: Future<Output = Result<A>>,
{
    run_until(|state, event, _| handle(state, event)).await
}

/// The same for work that may take longer than Lambda allows: `handle` also gets the moment at which it will be stopped.
///
/// # Errors
/// When a setting is missing, or the runtime's API is not there.
pub async fn run_until<E, A, F>(
    handle: impl Fn(AppState, E, Timestamp) -> F,
) -> Result<(), lambda_runtime::Error>
where
    E: DeserializeOwned,
    A: Serialize,
    F: Future<Output = Result<A>>,
{
    telemetry::start(&std::env::var("LOG").unwrap_or_default());
    let state = State::from_environment().await?;
    let handle = &handle;
    lambda_runtime::run(service_fn(|event: LambdaEvent<E>| {
        let state = state.clone();
        async move {
            let deadline = i64::try_from(event.context.deadline / 1_000).map_err(Error::internal)?;
            let answer = handle(state, event.payload, from_unix(deadline)).await;
            if let Err(error) = &answer {
                tracing::error!(code = error.code(), error = %error.chain(), "an event failed");
            }
            Ok::<A, lambda_runtime::Error>(answer?)
        }
    }))
    .await
}
