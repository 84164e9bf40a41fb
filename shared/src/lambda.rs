//! How a queue's or a schedule's function runs on Lambda.

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::state::{AppState, State};
use crate::telemetry;

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
    telemetry::start(&std::env::var("LOG").unwrap_or_default());
    let state = State::from_environment().await?;
    let handle = &handle;
    lambda_runtime::run(service_fn(|event: LambdaEvent<E>| {
        let state = state.clone();
        async move {
            let answer = handle(state, event.payload).await;
            if let Err(error) = &answer {
                tracing::error!(code = error.code(), error = %error.chain(), "an event failed");
            }
            Ok::<A, lambda_runtime::Error>(answer?)
        }
    }))
    .await
}
