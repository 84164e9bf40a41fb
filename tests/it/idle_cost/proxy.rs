//! Stands between a second server process and AWS, and writes down every call of DynamoDB's.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use pomarium_local::runner::function_routes;
use pomarium_tests::TestApp;
use shared::aws::local_sdk_config;
use shared::config::Config;
use shared::port::random::Random;
use shared::state::AppState;
use tokio::sync::Barrier;

use crate::aws_proxy::{Call, listen, serve};

/// Where calls of some operations wait for each other.
type Meeting = (Arc<Barrier>, Vec<&'static str>);

/// The calls so far, and where they go.
#[derive(Clone)]
pub(crate) struct Proxy {
    http: reqwest::Client,
    aws: String,
    calls: Arc<Mutex<Vec<String>>>,
    meeting: Arc<Mutex<Option<Meeting>>>,
}

impl Proxy {
    /// Starts a second process of the same deployment, whose caches are empty, behind a new proxy. Returns both, the
    /// process by its address.
    pub(crate) async fn start(app: &TestApp) -> (Self, String) {
        let (proxy, state) = Self::beside(app).await;
        let (listener, address) = listen().await;
        serve(listener, shared::http::app(function_routes(), state));
        (proxy, address)
    }

    /// The same, without anything that listens: what the process holds.
    pub(crate) async fn beside(app: &TestApp) -> (Self, AppState) {
        Self::beside_with(app, app.runner.state.config.clone()).await
    }

    /// The same with other settings.
    pub(crate) async fn beside_with(app: &TestApp, config: Config) -> (Self, AppState) {
        let proxy = Self {
            http: reqwest::Client::new(),
            aws: app.runner.aws.endpoint().to_owned(),
            calls: Arc::default(),
            meeting: Arc::default(),
        };
        let (listener, endpoint) = listen().await;
        serve(listener, Router::new().fallback(forward).with_state(proxy.clone()));
        let state = app.another_process(config, local_sdk_config(&endpoint), Random::seeded(8));
        (proxy, state)
    }

    /// The operations called since the last look, in the order of their arrival.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the next calls of these `operations` go on only when `number` of them are here: calls in series never are.
    pub(crate) fn expect_together(&self, number: usize, operations: &[&'static str]) {
        let meeting = (Arc::new(Barrier::new(number)), operations.to_vec());
        *self.meeting.lock().unwrap_or_else(PoisonError::into_inner) = Some(meeting);
    }

    fn meeting(&self, operation: &str) -> Option<Arc<Barrier>> {
        let meeting = self.meeting.lock().unwrap_or_else(PoisonError::into_inner);
        meeting.as_ref().filter(|(_, meet)| meet.contains(&operation)).map(|(barrier, _)| barrier.clone())
    }
}

async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let call = Call::read(request).await;
    if let Some(operation) = call.dynamodb().map(str::to_owned) {
        let meeting = proxy.meeting(&operation);
        proxy.calls.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
        if let Some(meeting) = meeting {
            meeting.wait().await;
        }
    }
    call.forward(&proxy.http, &proxy.aws).await
}
