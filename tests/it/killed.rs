//! A process that dies between any two of its calls of AWS: whoever repeats the request gets it done or a clean refusal,
//! and nothing is left half done.

mod commands;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_config::SdkConfig;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use pomarium_local::runner::function_routes;
use pomarium_tests::{Api, Tenant, TestApp};
use serde_json::{Value, json};
use shared::aws::local_sdk_config;
use shared::domain::audit::AuditAction;
use shared::domain::log::LogFilter;
use shared::port::random::Random;
use shared::scope::Scope;
use shared::state::AppState;
use tokio::sync::{Mutex, Notify};

use crate::aws_proxy::{Call, listen, serve};

/// Lets a number of calls pass; from then on the process hears nothing but refusals, as if it were dead.
#[derive(Clone)]
pub(crate) struct Death {
    http: reqwest::Client,
    aws: String,
    left: Arc<AtomicUsize>,
    /// Whether the fatal call still takes effect, and only its answer is lost.
    takes_effect: bool,
    fatal: Arc<Mutex<()>>,
    happened: Arc<AtomicBool>,
    died: Arc<Notify>,
}

impl Death {
    /// A death after so many calls.
    pub(crate) fn new(
        app: &TestApp,
        left: Arc<AtomicUsize>,
        takes_effect: bool,
        happened: &Arc<AtomicBool>,
    ) -> Self {
        Self::between(app.runner.aws.endpoint().to_owned(), left, takes_effect, happened)
    }

    /// The same of a process that works on these services.
    pub(crate) fn between(
        aws: String,
        left: Arc<AtomicUsize>,
        takes_effect: bool,
        happened: &Arc<AtomicBool>,
    ) -> Self {
        let http = reqwest::Client::new();
        let (fatal, died) = (Arc::default(), Arc::default());
        Self { http, aws, left, takes_effect, fatal, happened: Arc::clone(happened), died }
    }

    /// Is told when it has happened.
    pub(crate) fn died(&self) -> Arc<Notify> {
        Arc::clone(&self.died)
    }
}

/// How such a process reaches AWS.
pub(crate) async fn dying_aws(death: Death) -> SdkConfig {
    let (listener, endpoint) = listen().await;
    serve(listener, Router::new().fallback(pass).with_state(death));
    local_sdk_config(&endpoint)
}

/// The state of another process over the same tables, which will die so.
pub(crate) async fn dying_state(app: &TestApp, death: Death) -> AppState {
    app.another_process(app.runner.state.config.clone(), dying_aws(death).await, Random::system())
}

/// The address of such a process.
pub(crate) async fn dying(app: &TestApp, death: Death) -> String {
    let state = dying_state(app, death).await;
    let (listener, address) = listen().await;
    serve(listener, shared::http::app(function_routes(), state));
    address
}

async fn pass(State(death): State<Death>, request: Request) -> Response {
    let call = Call::read(request).await;
    let before = death.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if before.is_ok() {
        return call.forward(&death.http, &death.aws).await;
    }
    // What comes after the fatal call hears nothing before it is over.
    let _after = death.fatal.lock().await;
    if !death.happened.load(Ordering::SeqCst) {
        if death.takes_effect {
            call.forward(&death.http, &death.aws).await;
        }
        death.happened.store(true, Ordering::SeqCst);
        death.died.notify_one();
    }
    // A code that the SDK does not try again.
    (StatusCode::BAD_REQUEST, r#"{"__type":"AccessDeniedException","message":"dead"}"#).into_response()
}

/// For a look into the store.
#[expect(clippy::disallowed_methods, reason = "a test reads what the store holds")]
pub(crate) fn scope(tenant: &Tenant) -> Scope {
    Scope::system(tenant.id.parse().unwrap(), "test")
}

/// A request of the API.
struct Order {
    method: reqwest::Method,
    path: &'static str,
    body: Value,
    /// How a repetition may be refused where the first one took effect before the process died.
    done: &'static [&'static str],
}

impl Order {
    async fn send(&self, api: &Api, tenant: &Tenant) -> pomarium_tests::Answer {
        api.call(self.method.clone(), &tenant.path(self.path), self.body.to_string().into_bytes()).await
    }
}

/// A tenant's push certificates, with its own names in place of random ones, and whether each key is there.
async fn state(app: &TestApp, tenant: &Tenant, names: &[String]) -> String {
    let scope = scope(tenant);
    let store = &app.runner.state.store;
    let all = store.push_certificates(&scope).await.unwrap();
    let name = |fingerprint: String| names.iter().position(|known| *known == fingerprint);
    let mut lines = Vec::new();
    for installed in &all.installed {
        let key = app.runner.state.secrets.get(&format!("{}/push-key/{}", tenant.id, installed.key)).await;
        let known = name(installed.certificate.fingerprint.to_string());
        lines.push(format!("installed {known:?} with its key: {}", key.unwrap().is_some()));
    }
    if let Some(staged) = &all.staged {
        let key = app.runner.state.secrets.get(&format!("{}/push-key/{}", tenant.id, staged.key)).await;
        let known = name(staged.certificate.fingerprint.to_string());
        lines.push(format!("staged {known:?} with its key: {}", key.unwrap().is_some()));
    }
    if let Some(active) = &all.active {
        let previous = active.previous.map(|previous| name(previous.to_string()));
        lines.push(format!("active {:?}, before it {previous:?}", name(active.fingerprint.to_string())));
    }
    lines.push(format!("request: {}", all.request.is_some()));
    let month = app.clock.now().strftime("%Y-%m").to_string();
    let (entries, _) =
        store.audit_log((&scope).into(), &month, &LogFilter::default(), None, 100).await.unwrap();
    // A repeated upload is another one, and is written down again.
    let actions = entries.iter().map(|entry| entry.action);
    let told = actions.filter(|action| *action != AuditAction::PushCertificateStaged);
    lines.extend(told.map(|action| format!("audit {action:?}")));
    lines.sort();
    lines.join("\n")
}

/// A tenant with an active certificate and Apple's renewal of it at hand; the fingerprints, the present one first.
async fn renewing(app: &TestApp) -> (Tenant, String, Vec<String>) {
    let tenant = app.ready_tenant("Green School").await;
    let active = tenant.get("push-certificate").await.json["active"].clone();
    // So that the renewed certificate lasts longer.
    app.pass_days(1);
    tenant.request().await;
    let file = tenant.request_file().await;
    let renewed = app.runner.portal.renew(active["topic"].as_str().unwrap(), &file).map_err(drop).unwrap();
    let certificate = openssl::x509::X509::from_pem(renewed.pem.as_bytes()).unwrap();
    let fingerprint = hex::encode(certificate.digest(openssl::hash::MessageDigest::sha256()).unwrap());
    (tenant, renewed.pem, vec![active["fingerprint"].as_str().unwrap().to_owned(), fingerprint])
}

/// Plays the order undisturbed, and then with a death at each call, before and after it takes effect.
async fn dies_everywhere(prepare: &[&str], order: impl Fn(&str, &[String]) -> Order) {
    let app = TestApp::start().await;
    let start = app.clock.now();
    let made = async || {
        app.clock.set(start);
        let (tenant, renewal, names) = renewing(&app).await;
        for step in prepare {
            match *step {
                "stage" => drop(tenant.stage(&renewal).await),
                _ => drop(tenant.activate(json!({})).await),
            }
        }
        let order = order(&renewal, &names);
        (tenant, order, names)
    };
    let (tenant, undisturbed, names) = made().await;
    let answer = undisturbed.send(&tenant.admin, &tenant).await;
    assert!(answer.status < 300, "{}", answer.text());
    let expected = state(&app, &tenant, &names).await;

    for takes_effect in [false, true] {
        for calls in 0.. {
            let (tenant, order, names) = made().await;
            let left = Arc::new(AtomicUsize::new(calls));
            let happened = Arc::new(AtomicBool::new(false));
            let address = dying(&app, Death::new(&app, left, takes_effect, &happened)).await;

            let first = order.send(&Api::new(&address, Some(tenant.token())), &tenant).await;
            let place = format!("{} died at call {calls}, effect: {takes_effect}", order.path);
            if !happened.load(Ordering::SeqCst) {
                assert!(first.status < 300, "{place}: {}", first.text());
                assert!(calls >= 3, "{place}: it made too few calls to be true");
                break;
            }
            let again = order.send(&tenant.admin, &tenant).await;
            assert!(
                again.status < 300 || order.done.contains(&again.problem()),
                "{place}, then: {}",
                again.text()
            );
            assert_eq!(state(&app, &tenant, &names).await, expected, "{place}");
        }
    }
}

fn post(path: &'static str, body: Value, done: &'static [&'static str]) -> Order {
    Order { method: reqwest::Method::POST, path, body, done }
}

#[tokio::test]
async fn an_activation_is_whole_or_not_at_all() {
    dies_everywhere(&["stage"], |_, _| post("push-certificate/activate", json!({}), &["nothing-staged"]))
        .await;
}

#[tokio::test]
async fn an_upload_is_whole_or_not_at_all() {
    dies_everywhere(&[], |pem, _| post("push-certificate/staged", json!({"certificate": pem}), &[])).await;
}

#[tokio::test]
async fn a_roll_back_is_whole_or_not_at_all() {
    dies_everywhere(&["stage", "activate"], |_, names| {
        post("push-certificate/rollback", json!({"fingerprint": names[0]}), &[])
    })
    .await;
}

#[tokio::test]
async fn a_deletion_is_completed_by_whoever_repeats_it() {
    dies_everywhere(&["stage"], |_, _| Order {
        method: reqwest::Method::DELETE,
        path: "push-certificate",
        body: json!({"confirm": "Green School", "confirm_orphaned": 0}),
        done: &["push-certificate-missing"],
    })
    .await;
}
