//! A second process of the same deployment whose calls to AWS are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use pomarium_tests::TestApp;
use shared::aws::local_sdk_config;
use shared::port::random::Random;
use shared::state::AppState;

use crate::aws_proxy::{Call, listen, serve};

#[derive(Clone)]
struct Counter {
    http: reqwest::Client,
    aws: String,
    calls: Arc<AtomicUsize>,
}

/// Starts the process; the number grows with each of its calls to any service.
pub(crate) async fn counted(app: &TestApp) -> (AppState, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Counter {
        http: reqwest::Client::new(),
        aws: app.runner.aws.endpoint().to_owned(),
        calls: calls.clone(),
    };
    let (listener, endpoint) = listen().await;
    serve(listener, Router::new().fallback(forward).with_state(counter));
    let config = app.runner.state.config.clone();
    (app.another_process(config, local_sdk_config(&endpoint), Random::seeded(8)), calls)
}

async fn forward(State(counter): State<Counter>, request: Request) -> Response {
    counter.calls.fetch_add(1, Ordering::Relaxed);
    Call::read(request).await.forward(&counter.http, &counter.aws).await
}
