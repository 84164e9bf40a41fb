//! Stands between a second server process and AWS, and writes down every call of DynamoDB's.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use pomarium_local::apns::HOST;
use pomarium_local::runner::function_routes;
use pomarium_tests::TestApp;
use reqwest::header;
use shared::port::apns::ApnsEndpoint;
use shared::port::random::Random;
use shared::state::{State as Everything, Surroundings};
use tokio::net::TcpListener;
use tokio::sync::Barrier;

/// The calls so far, and where they go.
#[derive(Clone)]
pub(super) struct Proxy {
    http: reqwest::Client,
    dynamodb: String,
    others: String,
    calls: Arc<Mutex<Vec<String>>>,
    meeting: Arc<Mutex<Option<Arc<Barrier>>>>,
}

impl Proxy {
    /// Starts a second process of the same deployment, whose caches are empty, behind a new proxy. Returns both, the
    /// process by its address.
    pub(super) async fn start(app: &TestApp) -> (Self, String) {
        let aws = &app.runner.aws;
        let proxy = Self {
            http: reqwest::Client::new(),
            dynamodb: aws.dynamodb_endpoint().to_owned(),
            others: aws.endpoint().to_owned(),
            calls: Arc::default(),
            meeting: Arc::default(),
        };
        let endpoint = serve(Router::new().fallback(forward).with_state(proxy.clone())).await;
        let apns = &app.runner.apns;
        let surroundings = Surroundings {
            aws: shared::aws::local_sdk_config(&endpoint),
            apns: ApnsEndpoint {
                host: HOST.to_owned(),
                port: apns.address().port(),
                address: Some(apns.address()),
                roots: vec![apns.root().clone()],
            },
            push_issuers: app.runner.portal.issuer_roots().into(),
            clock: app.clock.clone(),
            random: Random::seeded(8),
        };
        let state = Everything::new(app.runner.state.config.clone(), surroundings);
        (proxy, serve(shared::http::app(function_routes(), state)).await)
    }

    /// The operations called since the last look, in the order of their arrival.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the next writes and queries go on only when `number` of them are here: calls in series never are.
    pub(super) fn expect_together(&self, number: usize) {
        *self.meeting.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(Barrier::new(number)));
    }

    fn meeting(&self) -> Option<Arc<Barrier>> {
        self.meeting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let target =
        parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("DynamoDB_20120810.").map(str::to_owned);
    let base = if operation.is_some() { &proxy.dynamodb } else { &proxy.others };
    if let Some(operation) = operation {
        let meets = operation == "Query" || operation == "TransactWriteItems";
        proxy.calls.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
        if let Some(meeting) = proxy.meeting().filter(|_| meets) {
            meeting.wait().await;
        }
    }
    parts.headers.remove(header::HOST);
    let url = format!("{base}{}", parts.uri);
    let sent = proxy.http.request(parts.method, url).headers(parts.headers).body(body).send().await;
    let answer = sent.expect("AWS answers");
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name != header::TRANSFER_ENCODING) {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.bytes().await.expect("a body"))).expect("a response")
}
