//! Cold starts: each function's release binary beside a Lambda runtime API of our own, from its start to its first answer.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use plist::Dictionary;
use pomarium_local::device::{Digest, SimDevice, sign};
use pomarium_tests::TestApp;
use serde_json::{Value, json};
use shared::protocol::body;
use shared::protocol::report::Status;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::processor::megabytes;
use crate::table::{Table, Target};

/// The functions, and what is asked of each first; that of a queue or a schedule gets an event with nothing in it.
const FUNCTIONS: [&str; 15] = [
    "admin",
    "apns-probe",
    "certificate",
    "checkin",
    "command",
    "command-jobs",
    "console",
    "enroll",
    "events",
    "expiry-notifier",
    "inactivity-sweeper",
    "mail-feedback",
    "push",
    "scep",
    "trust-store",
];
const PATIENCE: Duration = Duration::from_secs(20);

/// What the function asked of the runtime API.
enum Heard {
    /// It waits for an event.
    Ready,
    /// It answered.
    Answer(Bytes),
    /// It gave up.
    Failed(Bytes),
}

/// The runtime API of one function.
#[derive(Clone)]
struct Api {
    heard: mpsc::UnboundedSender<(Instant, Heard)>,
    event: Arc<Mutex<Option<String>>>,
    never: Arc<Notify>,
}

struct Start {
    ready_ms: f64,
    answer_ms: Option<f64>,
    rss_mb: f64,
}

/// Measures all binaries that were built.
pub(crate) fn measure(table: &mut Table, quick: bool) {
    let runtime = Runtime::new().unwrap();
    let runs = if quick { 3 } else { 11 };
    runtime.block_on(async {
        let world = World::new().await;
        let (mut ready, mut answer, mut rss, mut size) = (None, None, None, None);
        for function in FUNCTIONS {
            let binary = crate::target().join("release").join(function);
            let Ok(file) = std::fs::metadata(&binary) else {
                println!("    {function}: not built");
                continue;
            };
            let mut starts = Vec::new();
            for _ in 0..runs {
                starts.push(world.start(function, &binary).await);
            }
            let megabytes = file.len() as f64 / 1024.0 / 1024.0;
            let (at, answered) =
                (median(&starts, |start| Some(start.ready_ms)), median(&starts, |start| start.answer_ms));
            let used = median(&starts, |start| Some(start.rss_mb));
            println!(
                "    {function}: ready {:.0} ms, first answer {}, {:.0} MB resident, {megabytes:.1} MB large",
                at.unwrap_or_default(),
                answered.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms")),
                used.unwrap_or_default(),
            );
            ready = largest(ready, at);
            answer = largest(answer, answered);
            rss = largest(rss, used);
            size = largest(size, Some(megabytes));
        }
        table.key(
            "cold_ready_ms",
            ("cold start, to ready, the slowest", "ms"),
            ready,
            runs,
            Target::AtMost(60.0),
        );
        let title = ("cold start, to the first answer, the slowest", "ms");
        table.key("cold_first_answer_ms", title, answer, runs, Target::None);
        table.key("cold_rss_mb", ("resident after that, the largest", "MB"), rss, runs, Target::AtMost(40.0));
        table.key("binary_mb_max", ("the largest binary", "MB"), size, 1, Target::AtMost(12.0));
    });
}

fn largest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).max_by(f64::total_cmp)
}

fn median(starts: &[Start], value: impl Fn(&Start) -> Option<f64>) -> Option<f64> {
    let mut values: Vec<f64> = starts.iter().filter_map(value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

struct World {
    app: TestApp,
    events: HashMap<&'static str, Value>,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.ready_tenant("Green School").await;
        let mut device = SimDevice::new("00008110-000A18443E90801E", "C02XYZ", "Jo's iPad");
        device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.unwrap();
        let link = tenant.enrollment_link().await.replace(app.runner.base_url(), "");
        let signed = |path: &str, message: Dictionary| {
            let text = String::from_utf8(body::to_xml(&message.into()).unwrap()).unwrap();
            let signature = sign(text.as_bytes(), device.identity().unwrap(), Digest::Sha256).unwrap();
            event("PUT", path, "", json!({"mdm-signature": signature}), Some(&text))
        };
        let topic = plist::Value::from(device.profile().unwrap().topic.as_str());
        let authenticate = Dictionary::from_iter([("Topic".to_owned(), topic)]);
        let token = json!({"authorization": format!("Bearer {}", app.runner.operator_token.expose())});
        let id = &tenant.id;
        let read = |path: &str| event("GET", path, "", token.clone(), None);
        let events = HashMap::from([
            (
                "command",
                signed(
                    &format!("/mdm/{id}/command"),
                    device.poll_message(Status::Idle, None, Dictionary::new()),
                ),
            ),
            ("checkin", signed(&format!("/mdm/{id}/checkin"), device.checkin("Authenticate", authenticate))),
            ("enroll", event("GET", &link, "", json!({}), None)),
            ("scep", event("GET", &format!("/scep/{id}"), "operation=GetCACert", json!({}), None)),
            ("admin", read("/v1/tenants")),
            ("certificate", read("/v1/vendor-certificates")),
        ]);
        Self { app, events }
    }

    async fn start(&self, function: &str, binary: &Path) -> Start {
        let (sender, mut heard) = mpsc::unbounded_channel();
        let event = self.events.get(function).map(Value::to_string);
        let asked = event.is_some();
        let api = Api { heard: sender, event: Arc::new(Mutex::new(event)), never: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .with_state(api);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let mut command = Command::new(binary);
        command
            .env_clear()
            .envs(self.environment(function))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let before = Instant::now();
        let process = Process(command.spawn().unwrap());
        let since = |moment: Instant| moment.duration_since(before).as_secs_f64() * 1e3;
        let ready_ms = match timeout(PATIENCE, heard.recv()).await {
            Ok(Some((moment, Heard::Ready))) => since(moment),
            Ok(Some((_, Heard::Answer(text) | Heard::Failed(text)))) => {
                panic!("{function} does not start: {}", String::from_utf8_lossy(&text))
            }
            Ok(None) | Err(_) => panic!("{function} does not ask for an event"),
        };
        let mut answer_ms = None;
        while asked && answer_ms.is_none() {
            answer_ms = match timeout(PATIENCE, heard.recv()).await {
                Ok(Some((_, Heard::Ready))) => None,
                Ok(Some((moment, Heard::Answer(text)))) => {
                    let answer: Value = serde_json::from_slice(&text).unwrap();
                    assert_eq!(answer["statusCode"], 200, "{function}: {answer}");
                    Some(since(moment))
                }
                Ok(Some((_, Heard::Failed(text)))) => {
                    panic!("{function}: {}", String::from_utf8_lossy(&text))
                }
                Ok(None) | Err(_) => panic!("{function} does not answer"),
            };
        }
        let rss_mb = megabytes(process.0.id(), "VmRSS").unwrap();
        serving.abort();
        Start { ready_ms, answer_ms, rss_mb }
    }

    /// What Lambda and template.yaml set.
    fn environment(&self, function: &str) -> Vec<(String, String)> {
        let state = &self.app.runner.state;
        let (config, aws) = (&state.config, &self.app.runner.aws);
        [
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "log"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "log"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_ENDPOINT_URL", aws.endpoint()),
            ("TABLE_CORE", &config.table_core),
            ("TABLE_PKI", &config.table_pki),
            ("TABLE_EPHEMERAL", &config.table_ephemeral),
            ("QUEUE_WAKE_URL", &config.queue_wake_url),
            ("QUEUE_SWEEP_URL", &config.queue_sweep_url),
            ("QUEUE_JOBS_URL", &config.queue_jobs_url),
            ("QUEUE_EVENTS_URL", &config.queue_events_url),
            ("QUEUE_WAKE_DEAD_LETTERS_URL", &config.queue_wake_dead_letters_url),
            ("QUEUE_SWEEP_DEAD_LETTERS_URL", &config.queue_sweep_dead_letters_url),
            ("QUEUE_JOBS_DEAD_LETTERS_URL", &config.queue_jobs_dead_letters_url),
            ("QUEUE_EVENTS_DEAD_LETTERS_URL", &config.queue_events_dead_letters_url),
            ("QUEUE_EXPIRY_NOTIFIER_DEAD_LETTERS_URL", &config.queue_expiry_notifier_dead_letters_url),
            ("BUCKET_RESULTS", &config.bucket_results),
            ("BUCKET_TRUST_STORE", "trust-store"),
            ("SECRET_PREFIX", &config.secret_prefix),
            ("BASE_URL", "https://mdm.school.example"),
            ("MUTUAL_TLS_BASE_URL", "https://devices.school.example"),
            ("MAIL_FROM", &config.mail_from),
            ("MAIL_CONFIGURATION_SET", &config.mail_configuration_set),
            ("OPERATOR_MAIL", "operator@localhost.example"),
            ("APNS_HOST", "localhost"),
            ("APNS_PORT", "443"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }
}

/// Ended with the measurement, as Lambda freezes it.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn next(State(api): State<Api>) -> Response {
    let moment = Instant::now();
    // The measurement may be over.
    let _ = api.heard.send((moment, Heard::Ready));
    let event = api.event.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(event) = event else {
        api.never.notified().await;
        return StatusCode::GONE.into_response();
    };
    #[expect(clippy::disallowed_methods, reason = "Lambda's clock")]
    let deadline = shared::time::Timestamp::now().as_millisecond() + 29_000;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers.map(|(name, value)| (HeaderName::from_static(name), value)), event).into_response()
}

async fn answered(State(api): State<Api>, body: Bytes) -> StatusCode {
    let _ = api.heard.send((Instant::now(), Heard::Answer(body)));
    StatusCode::ACCEPTED
}

async fn failed(State(api): State<Api>, body: Bytes) -> StatusCode {
    let _ = api.heard.send((Instant::now(), Heard::Failed(body)));
    StatusCode::ACCEPTED
}

/// An event of API Gateway's.
fn event(method: &str, path: &str, query: &str, headers: Value, body: Option<&str>) -> Value {
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "mdm.school.example", "domainPrefix": "mdm",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "bench"
            },
            "requestId": "id", "routeKey": format!("{method} {path}"), "stage": "$default",
            "time": "21/Nov/2026:09:00:00 +0000", "timeEpoch": 1_795_251_600_000_u64
        },
        "body": body,
        "isBase64Encoded": false
    })
}
