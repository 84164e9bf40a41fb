//! One process for each function, each with its own way to AWS, on which its calls are written down; and what each call
//! of the API wrote into the audit log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use pomarium_local::runner::functions;
use pomarium_tests::TestApp;
use serde_json::Value;
use shared::aws::local_sdk_config;
use shared::port::random::Random;
use shared::state::AppState;

use super::Rights;
use crate::audited::entries;
use crate::aws_proxy::{Call, listen, serve};

/// The processes, and what they did.
pub(super) struct Processes {
    /// Where they answer together, as API Gateway would.
    pub(super) address: String,
    states: BTreeMap<&'static str, AppState>,
    used: Arc<Mutex<Rights>>,
    written: Arc<Mutex<Written>>,
}

/// The audit log's actions by the call that wrote them, such as `POST /v1/tenants`.
pub(crate) type Written = BTreeMap<String, BTreeSet<String>>;

/// Looks into the audit log after each call.
#[derive(Clone)]
struct Auditor {
    app: Arc<TestApp>,
    written: Arc<Mutex<Written>>,
}

#[derive(Clone)]
struct Recorder {
    function: &'static str,
    http: reqwest::Client,
    aws: String,
    used: Arc<Mutex<Rights>>,
}

impl Processes {
    pub(super) async fn start(app: &Arc<TestApp>) -> Self {
        let (listener, address) = listen().await;
        let mut processes =
            Self { address, states: BTreeMap::new(), used: Arc::default(), written: Arc::default() };
        let mut routers = Router::new();
        for (name, routes) in functions() {
            let state = processes.add(app, name).await;
            let (router, _) = routes.split_for_parts();
            routers = routers.merge(router.with_state(state));
        }
        for name in [
            "push",
            "command-jobs",
            "apns-probe",
            "events",
            "expiry-notifier",
            "inactivity-sweeper",
            "mail-feedback",
            "trust-store",
        ] {
            processes.add(app, name).await;
        }
        let auditor = Auditor { app: Arc::clone(app), written: Arc::clone(&processes.written) };
        serve(listener, routers.route_layer(from_fn_with_state(auditor, note)));
        processes
    }

    async fn add(&mut self, app: &TestApp, function: &'static str) -> AppState {
        let recorder = Recorder {
            function,
            http: reqwest::Client::new(),
            aws: app.runner.aws.endpoint().to_owned(),
            used: Arc::clone(&self.used),
        };
        let (listener, endpoint) = listen().await;
        serve(listener, Router::new().fallback(record).with_state(recorder));
        let mut config = app.runner.state.config.clone();
        config.base_url.clone_from(&self.address);
        let state = app.another_process(config, local_sdk_config(&endpoint), Random::system());
        // What a cold start does.
        state.store.warm_up().await.expect("DynamoDB answers");
        self.states.insert(function, Arc::clone(&state));
        state
    }

    /// What a function's process holds.
    pub(super) fn state(&self, function: &str) -> AppState {
        Arc::clone(&self.states[function])
    }

    /// Every call so far, as the rights it needed.
    pub(super) fn used(&self) -> Rights {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What every call so far wrote into the audit log.
    pub(super) fn written(&self) -> Written {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Notes what a call that succeeds wrote into the audit log. The story makes one call after another.
async fn note(State(auditor): State<Auditor>, path: MatchedPath, request: Request, next: Next) -> Response {
    let call = format!("{} {}", request.method(), path.as_str());
    let before = entries(&auditor.app).await;
    let response = next.run(request).await;
    if response.status().is_success() {
        let now = entries(&auditor.app).await.into_iter();
        let new = now.filter(|(place, _)| !before.contains_key(place)).map(|(_, action)| action);
        let mut written = auditor.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.entry(call).or_default().extend(new);
    }
    response
}

async fn record(State(recorder): State<Recorder>, request: Request) -> Response {
    let call = Call::read(request).await;
    for (resource, action) in needed(&call) {
        let place = (super::policies::logical_id(recorder.function), resource);
        let mut used = recorder.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.entry(place).or_default().insert(action);
    }
    call.forward(&recorder.http, &recorder.aws).await
}

/// The rights that a call needs: resources as the policies name them, and actions.
fn needed(call: &Call) -> Vec<(String, String)> {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    if let Some(operation) = call.dynamodb() {
        return dynamodb(operation, &body);
    }
    let one = |resource: &str, action: &str| vec![(resource.to_owned(), action.to_owned())];
    match call.target.split_once('.') {
        Some(("secretsmanager", operation)) => {
            let name = body["SecretId"].as_str().or(body["Name"].as_str()).expect("a secret's name");
            one(&secret(name), &format!("secretsmanager:{operation}"))
        }
        Some(("AmazonSQS", operation)) => {
            // Moves name the queue by its ARN.
            let place = body["QueueUrl"].as_str().or(body["SourceArn"].as_str()).expect("a queue");
            let name = place.rsplit(['/', ':']).next().expect("a queue's name");
            // The function of this name has its logical id.
            let queue = match name {
                "events" => "EventsQueue".to_owned(),
                name => super::policies::logical_id(name),
            };
            one(&queue, &format!("sqs:{}", operation.trim_end_matches("Batch")))
        }
        Some(("AWSEvents", operation)) => one("EventBuses", &format!("events:{operation}")),
        Some(other) => panic!("nobody knows {other:?}"),
        None if call.parts.uri.path() == "/v2/email/outbound-emails" => one("ses", "ses:SendEmail"),
        None if call.parts.uri.path().starts_with("/v2/domainnames/") => {
            one("apigateway", &format!("apigateway:{}", call.parts.method))
        }
        None if call.parts.method == http::Method::PUT => one(bucket(call), "s3:PutObject"),
        None if call.parts.method == http::Method::GET => one(bucket(call), "s3:GetObject"),
        None => panic!("nobody knows {} {}", call.parts.method, call.parts.uri),
    }
}

/// A bucket by its logical id.
fn bucket(call: &Call) -> &'static str {
    match call.parts.uri.path().split('/').nth(1) {
        Some("results") => "Results",
        Some("trust-store") => "TrustStoreBucket",
        other => panic!("nobody knows the bucket {other:?}"),
    }
}

/// A transaction needs the rights of its parts (and has none of its own).
fn dynamodb(operation: &str, body: &Value) -> Vec<(String, String)> {
    let right = |table: &str, index: Option<&str>, action: &str| {
        let table = table[..1].to_uppercase() + &table[1..];
        let resource = index.map_or(table.clone(), |index| format!("{table}/index/{index}"));
        (resource, format!("dynamodb:{action}"))
    };
    match operation {
        "TransactWriteItems" => {
            let parts = body["TransactItems"]
                .as_array()
                .expect("parts")
                .iter()
                .flat_map(|part| part.as_object().expect("a part"));
            parts
                .map(|(kind, part)| {
                    let action = if kind == "ConditionCheck" {
                        "ConditionCheckItem".to_owned()
                    } else {
                        format!("{kind}Item")
                    };
                    right(part["TableName"].as_str().expect("a table"), None, &action)
                })
                .collect()
        }
        "BatchGetItem" => body["RequestItems"]
            .as_object()
            .expect("tables")
            .keys()
            .map(|table| right(table, None, operation))
            .collect(),
        _ => vec![right(body["TableName"].as_str().expect("a table"), body["IndexName"].as_str(), operation)],
    }
}

/// A secret's kind, as the policies name it.
fn secret(name: &str) -> String {
    let path = name.split_once('/').map_or(name, |(_, path)| path);
    match path.split('/').collect::<Vec<_>>()[..] {
        [only] => only.to_owned(),
        ["vendor", _] => "vendor".to_owned(),
        [_, "data-key"] => "*/data-key".to_owned(),
        [_, kind, _] => format!("*/{kind}/"),
        _ => panic!("nobody knows the secret {name}"),
    }
}
