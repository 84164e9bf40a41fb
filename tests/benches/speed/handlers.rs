//! The processor time of one request, without the store: AWS answers from memory, and what the SDK itself spends on such a
//! call is measured apart and taken off.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use openssl::x509::X509;
use plist::{Dictionary, Value as Plist};
use pomarium_local::device::{Digest, ServedProfile, SimDevice, Url, distinguished_name, sign};
use pomarium_local::runner::functions;
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};
use shared::pki::csr::{self, Subject};
use shared::pki::scep::{Cipher, MessageType, client};
use shared::pki::{key, mdm_signature, profile_signature, push_request, trust};
use shared::port::random::Random;
use shared::protocol::body;
use shared::protocol::message::DeviceMessage;
use shared::protocol::report::Status;
use shared::service::vendor_certificate::signing_vendor;
use shared::state::AppState;
use shared::time::SignedDuration;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::canned::{Call, Canned};
use crate::processor::cost;
use crate::table::{Table, Target};

/// A tenant with a device, and a warm process whose AWS can be replayed.
struct World {
    app: TestApp,
    tenant: Tenant,
    device: SimDevice,
    canned: Canned,
    aws: aws_config::SdkConfig,
    state: AppState,
    authorities: Vec<X509>,
}

/// A device's request, ready to be sent again and again.
struct Message {
    router: Router,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Message {
    fn request(&self) -> Request<axum::body::Body> {
        let mut request = Request::builder().method(&self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(self.body.clone().into()).unwrap()
    }

    async fn send(&self) {
        let answer = self.router.clone().oneshot(self.request()).await.unwrap();
        assert_eq!(answer.status(), 200, "{}", self.path);
    }
}

/// Measures all of them.
pub(crate) fn measure(table: &mut Table, quick: bool) {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let bench = Bench { runtime: &runtime, runs: if quick { 9 } else { 31 } };

    let idle = world.poll(Status::Idle, None);
    let update = world.token_update();
    let (header, text) = (idle.headers[0].1.clone(), idle.body.clone());
    let alone = bench.time(|| drop(mdm_signature::verify(&header, &text).unwrap()));
    table.row("Mdm-Signature, without the chain", "ms", Some(alone), Target::None);
    let chain = bench.time(|| {
        let signer = mdm_signature::verify(&header, &text).unwrap();
        assert_eq!(trust::chains_to(&signer, &world.authorities), Some(0));
    });
    table.row("Mdm-Signature, with the chain", "ms", Some(chain), Target::None);
    let parse = bench.time(|| drop(DeviceMessage::parse(&text).unwrap()));
    table.row("property list of a poll", "ms", Some(parse), Target::None);

    for (key, name, message, limit) in
        [("idle_cpu_ms", "Idle", &idle, 0.08), ("token_update_cpu_ms", "TokenUpdate", &update, 0.09)]
    {
        let calls = runtime.block_on(world.warm(message));
        let [call] = calls.as_slice() else { panic!("one call: {calls:?}") };
        let sdk = bench.bare(&world, call);
        world.canned.replay(calls);
        let whole = bench.wait(|| message.send());
        table.row(&format!("{name}: the SDK's call alone"), "ms", Some(sdk), Target::None);
        let title = format!("{name}, without the store and the SDK's call");
        table.key(key, (&title, "ms"), Some(whole - sdk), bench.runs, Target::AtMost(limit));
    }

    let scep = runtime.block_on(world.scep());
    let whole = bench.wait(|| scep.send());
    let title = "SCEP issue, with the SDK's calls";
    table.key("scep_issue_ms", (title, "ms"), Some(whole), bench.runs, Target::None);
    world.canned.take();

    let served =
        runtime.block_on(async { world.app.stranger().get(&world.tenant.enrollment_link().await).await });
    let (profile, _) = profile_signature::open(&served.bytes).unwrap();
    let signer = world.device.identity().unwrap().clone();
    let signed = bench.time(|| drop(profile_signature::sign(&profile, &signer, &world.authorities).unwrap()));
    table.row("profile sign", "ms", Some(signed), Target::None);

    let vendor = runtime.block_on(signing_vendor(&world.state)).unwrap();
    let own = key::generate().unwrap();
    let subject = Subject {
        common_name: "Green School".into(),
        organization: "Green School".into(),
        organizational_unit: None,
        email: "it@green-school.example".into(),
        country: "DE".into(),
        state: None,
        locality: None,
    };
    let request = csr::build(&subject.checked().unwrap(), &own).unwrap();
    let now = world.state.clock.now();
    let built = bench.time(|| {
        drop(push_request::sign(&request, &vendor.certificate, vendor.digest, now).unwrap());
    });
    table.row("push request, built and checked", "ms", Some(built), Target::None);
    runtime.block_on(world.count_calls(table));
}

struct Bench<'a> {
    runtime: &'a Runtime,
    runs: u64,
}

impl Bench<'_> {
    /// Milliseconds of processor time.
    fn time(&self, work: impl FnMut()) -> f64 {
        cost(self.runs, work)
    }

    fn wait<F: Future<Output = ()>>(&self, mut work: impl FnMut() -> F) -> f64 {
        self.time(|| self.runtime.block_on(work()))
    }

    /// The same UpdateItem as `call`, answered the same, without anything of ours.
    fn bare(&self, world: &World, call: &Call) -> f64 {
        let sent: Value = serde_json::from_slice(&call.request).unwrap();
        let text = |key: &str| sent[key].as_str().unwrap().to_owned();
        let items = |key: &str| -> HashMap<String, AttributeValue> {
            sent[key]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), attribute(value)))
                .collect()
        };
        let names: Option<HashMap<String, String>> =
            serde_json::from_value(sent["ExpressionAttributeNames"].clone()).ok();
        let (key, values) = (items("Key"), items("ExpressionAttributeValues"));
        let (table, update, condition) =
            (text("TableName"), text("UpdateExpression"), text("ConditionExpression"));
        world.canned.replay(vec![call.clone()]);
        let client = Client::new(&world.aws);
        self.wait(|| async {
            let answer = client
                .update_item()
                .table_name(&table)
                .set_key(Some(key.clone()))
                .update_expression(&update)
                .condition_expression(&condition)
                .set_expression_attribute_names(names.clone())
                .set_expression_attribute_values(Some(values.clone()))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            assert!(answer.unwrap().attributes.is_some());
        })
    }
}

fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "B" => AttributeValue::B(STANDARD.decode(text()).unwrap().into()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "M" => AttributeValue::M(
            value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect(),
        ),
        other => panic!("a value of the type {other}"),
    }
}

/// Another process of the same deployment, with empty memory, whose calls can be looked at.
pub(crate) fn beside(app: &TestApp) -> (Canned, aws_config::SdkConfig, AppState) {
    let (canned, aws) = Canned::over(&app.runner.aws.sdk_config());
    let state = app.another_process(app.runner.state.config.clone(), aws.clone(), Random::seeded(8));
    (canned, aws, state)
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.ready_tenant("Green School").await;
        let mut device = SimDevice::new("00008110-000A18443E90801E", "C02XYZ", "Jo's iPad");
        device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.unwrap();
        // An identity that is young is taken for one that enrolls.
        app.clock.set(app.clock.now() + SignedDuration::from_mins(30));
        let (canned, aws, state) = beside(&app);
        let authority =
            app.stranger().get(&format!("/scep/{}?operation=GetCACert", tenant.id)).await.expect(200);
        let authorities = vec![X509::from_der(&authority.bytes).unwrap()];
        Self { app, tenant, device, canned, aws, state, authorities }
    }

    /// The calls of a message to a process that is warm.
    async fn warm(&self, message: &Message) -> Vec<Call> {
        self.canned.take();
        message.send().await;
        self.canned.take();
        message.send().await;
        self.canned.take()
    }

    fn router(&self, function: &str) -> Router {
        let (_, routes) = functions().into_iter().find(|(name, _)| *name == function).unwrap();
        shared::http::app(routes, self.state.clone())
    }

    fn message(&self, function: &str, url: Url, message: Dictionary) -> Message {
        let url = self.device.url(url).unwrap();
        let text = body::to_xml(&message.into()).unwrap();
        let signature = sign(&text, self.device.identity().unwrap(), Digest::Sha256);
        Message {
            router: self.router(function),
            method: Method::PUT,
            path: url.replace(self.app.runner.base_url(), ""),
            headers: vec![
                ("mdm-signature", signature.unwrap()),
                ("content-type", "application/x-apple-aspen-mdm".into()),
            ],
            body: text.into(),
        }
    }

    fn poll(&self, status: Status, uuid: Option<&str>) -> Message {
        let message = self.device.poll_message(status, uuid, Dictionary::new());
        self.message("command", Url::Server, message)
    }

    fn token_update(&self) -> Message {
        let keys = [
            ("Topic", self.device.profile().unwrap().topic.as_str().into()),
            ("Token", Plist::Data(self.device.push_token().to_vec())),
            ("PushMagic", self.device.push_magic().into()),
        ];
        let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        self.message("checkin", Url::CheckIn, self.device.checkin("TokenUpdate", keys))
    }

    /// A first request for an identity, whose link is open whenever it is asked.
    async fn scep(&self) -> Message {
        let (cold, message) = (self.scep_request().await, self.scep_request().await);
        self.canned.take();
        cold.send().await;
        self.canned.take();
        message.send().await;
        self.canned.replay(self.canned.take());
        message
    }

    async fn scep_request(&self) -> Message {
        let served = self.app.stranger().get(&self.tenant.enrollment_link().await).await.expect(200);
        let profile = ServedProfile::read(&served.bytes).unwrap();
        let payload = profile.scep().unwrap();
        let subject = distinguished_name(&payload.subject).unwrap();
        let own = key::generate().unwrap();
        let csr = client::certificate_request(&subject, &own, Some(&payload.challenge)).unwrap();
        let signer = client::self_signed(&subject, own, self.state.clock.now()).unwrap();
        let request = client::Request {
            message_type: MessageType::PkcsReq,
            transaction_id: "1",
            nonce: [7; 16],
            cipher: Cipher::Aes128,
            csr: &csr,
        };
        Message {
            router: self.router("scep"),
            method: Method::POST,
            path: format!("/scep/{}?operation=PKIOperation", self.tenant.id),
            headers: Vec::new(),
            body: client::message(&request, &signer, &self.authorities[0]).unwrap().into(),
        }
    }

    /// What each kind of request asks of DynamoDB, in a warm process.
    async fn count_calls(&self, table: &mut Table) {
        self.canned.take();
        self.poll(Status::Acknowledged, Some("of nobody")).send().await;
        let idle = self.counted(&self.poll(Status::Idle, None)).await;
        table.calls("idle", idle, 1);
        let order = json!({"targets": [self.device.id()], "command": {"RequestType": "RestartDevice"}});
        let sent = self.tenant.post("commands", order).await.expect(201);
        table.calls("idle_with_work", self.counted(&self.poll(Status::Idle, None)).await, 1);
        let report = self.poll(Status::Acknowledged, sent.json["command_uuid"].as_str());
        table.calls("acknowledged", self.counted(&report).await, 1);
        table.calls("token_update", self.counted(&self.token_update()).await, 1);
        let topic = Plist::from(self.device.profile().unwrap().topic.as_str());
        let keys = Dictionary::from_iter([("Topic".to_owned(), topic)]);
        let begin = self.message("checkin", Url::CheckIn, self.device.checkin("Authenticate", keys));
        table.calls("authenticate", self.counted(&begin).await, 1);
        let scep = self.scep_request().await;
        table.calls("scep_issue", self.counted(&scep).await, 1);
    }

    async fn counted(&self, message: &Message) -> usize {
        self.canned.take();
        message.send().await;
        self.canned.take().iter().filter(|call| call.is_dynamodb()).count()
    }
}
