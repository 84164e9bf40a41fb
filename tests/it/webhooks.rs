//! Webhooks: signed, in the order of each device, again after failures, given up after a day, replayed.

mod mails;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::webhook_turn::EventWork;
use shared::service::event_work::do_event_work;

use crate::devices::{enrolled, pass_seconds, queue};
use crate::idle_cost::proxy::Proxy;
use crate::receiver::{Received, Receiver};

const HOUR: i64 = 3_600;

/// A tenant that is told of what happens.
struct World {
    app: TestApp,
    tenant: Tenant,
    receiver: Receiver,
    id: String,
    secret: String,
}

impl World {
    async fn new(filter: Value) -> Self {
        let app = TestApp::start().await;
        let tenant = app.ready_tenant("Green School").await;
        let receiver = Receiver::start().await;
        let new = json!({"url": receiver.url(), "description": "Help desk", "events": filter});
        let made = tenant.post("webhooks", new).await.expect(201).json;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { id: text("id"), secret: text("secret"), app, tenant, receiver }
    }

    fn path(&self, rest: &str) -> String {
        format!("webhooks/{}{rest}", self.id)
    }

    async fn shown(&self, rest: &str) -> Value {
        self.tenant.get(&self.path(rest)).await.expect(200).json
    }

    async fn post(&self, rest: &str, body: Value) -> Answer {
        self.tenant.post(&self.path(rest), body).await
    }

    async fn patch(&self, change: Value) -> Answer {
        let path = self.tenant.path(&self.path(""));
        self.tenant.admin.call(Method::PATCH, &path, change.to_string().into()).await
    }

    /// Lets a device enroll; a moment passes.
    async fn enroll(&self, udid: &str) -> SimDevice {
        let device = enrolled(&self.app, &self.tenant, udid).await;
        pass_seconds(&self.app, 1);
        device
    }

    /// Lets a device answer a command and leave: two more events.
    async fn go(&self, device: &SimDevice, udid: &str) {
        let uuid = queue(&self.tenant, udid, "DeviceInformation").await;
        device.report(&uuid, Reply::Acknowledge(plist::Dictionary::new())).await.expect("it is taken");
        pass_seconds(&self.app, 1);
        device.check_out().await.expect("it goes");
        pass_seconds(&self.app, 1);
    }

    /// The webhook's turn, when a moment has passed.
    async fn turn(&self) {
        pass_seconds(&self.app, 3);
        self.app.deliver_events().await;
    }

    async fn turn_after(&self, seconds: i64) {
        pass_seconds(&self.app, seconds);
        self.turn().await;
    }
}

fn told(kind: &str, device: &str) -> (String, String) {
    (kind.to_owned(), device.to_owned())
}

/// The signature that a receiver computes with its secret.
fn expected(secret: &str, call: &Received) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = PKey::hmac(&key).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let head = format!("{}.{}.", call.header("webhook-id"), call.header("webhook-timestamp"));
    let signed = [head.as_bytes(), &call.body].concat();
    format!("v1,{}", STANDARD.encode(signer.sign_oneshot_to_vec(&signed).unwrap()))
}

#[tokio::test]
async fn events_are_signed_and_come_in_the_order_of_each_device_and_once() {
    let world = World::new(json!([])).await;
    let (one, other) = (world.enroll("D-1").await, world.enroll("D-2").await);
    world.go(&one, "D-1").await;
    world.go(&other, "D-2").await;
    world.turn().await;
    let calls = world.receiver.take();
    assert_eq!(calls.len(), 6);
    for device in ["D-1", "D-2"] {
        let of = || calls.iter().filter(|call| call.json["enrollment"] == device).map(|call| &call.json);
        let kinds: Vec<_> = of().map(|json| json["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["device-enrolled", "command-completed", "checked-out"]);
        assert!(of().map(|json| json["sequence"].as_str().unwrap()).is_sorted());
    }
    let log = world.tenant.get("events").await.expect(200).json["events"].clone();
    for call in &calls {
        assert_eq!(call.header("webhook-signature"), expected(&world.secret, call));
        assert_eq!(call.json["id"], call.header("webhook-id"));
        assert_eq!(call.header("webhook-timestamp"), world.app.clock.now().as_second().to_string());
        assert_eq!(call.json["tenant"], world.tenant.id);
        let is_it = |event: &&Value| {
            event["at"] == call.json["timestamp"] && event["enrollment"] == call.json["enrollment"]
        };
        let event = log.as_array().unwrap().iter().find(is_it).expect("the log has it");
        assert_eq!((&event["facts"], &event["actor"]), (&call.json["data"], &call.json["actor"]));
    }
    for _ in 0..3 {
        world.turn_after(60).await;
    }
    assert!(world.receiver.take().is_empty(), "nothing comes twice");

    let deliveries = world.shown("/deliveries").await["deliveries"].clone();
    assert_eq!(deliveries.as_array().unwrap().len(), 6);
    assert_eq!(
        (
            &deliveries[0]["outcome"],
            &deliveries[0]["status"],
            &deliveries[0]["answer"],
            &deliveries[0]["attempt"]
        ),
        (&json!("delivered"), &json!(200), &json!("It is noted."), &json!(1))
    );
    world.app.pass_days(8);
    assert_eq!(world.shown("/deliveries").await["deliveries"], json!([]));
}

#[tokio::test]
async fn a_turn_without_news_costs_three_reads() {
    let world = World::new(json!([])).await;
    world.enroll("D-1").await;
    world.turn_after(120).await;
    world.turn_after(120).await;
    assert_eq!(world.receiver.take().len(), 1);
    let (proxy, state) = Proxy::beside(&world.app).await;
    let (tenant, webhook) = (world.tenant.id.parse().unwrap(), world.id.parse().unwrap());
    proxy.take();
    do_event_work(&state, &EventWork::Deliver { tenant, webhook }).await.unwrap();
    assert_eq!(proxy.take(), ["GetItem", "GetItem", "Query"]);
}

#[tokio::test]
async fn two_turns_at_the_same_moment_deliver_once() {
    let world = World::new(json!([])).await;
    for number in 0..12 {
        enrolled(&world.app, &world.tenant, &format!("D-{number}")).await;
    }
    pass_seconds(&world.app, 3);
    tokio::join!(world.app.deliver_events(), world.app.deliver_events(), world.app.deliver_events());
    assert_eq!(world.receiver.take().len(), 12);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_with_growing_pauses_and_loses_nothing() {
    let world = World::new(json!([])).await;
    world.receiver.answer(|_| 503);
    let device = world.enroll("D-1").await;
    world.turn().await;
    assert_eq!(world.receiver.take().len(), 1);
    world.app.deliver_events().await;
    assert!(world.receiver.take().is_empty(), "it rests");
    let status = world.shown("").await;
    assert!(status["failing_since"].is_string() && status["next_attempt_at"].is_string(), "{status}");
    world.turn_after(4).await;
    assert_eq!(world.receiver.take().len(), 1);
    world.turn_after(10).await;
    assert!(world.receiver.take().is_empty(), "it rests for longer");
    world.go(&device, "D-1").await;
    world.turn_after(30).await;
    assert_eq!(world.receiver.take().len(), 1, "one call tells whether it is there");
    world.receiver.answer(|_| 200);
    world.turn_after(150).await;
    let all = ["device-enrolled", "command-completed", "checked-out"].map(|kind| told(kind, "D-1"));
    assert_eq!(world.receiver.told(), all);
    let status = world.shown("").await;
    assert_eq!((&status["failing_since"], &status["next_attempt_at"]), (&Value::Null, &Value::Null));
    let deliveries = world.shown("/deliveries").await["deliveries"].clone();
    let attempts: Vec<_> =
        deliveries.as_array().unwrap().iter().filter(|d| d["type"] == "device-enrolled").collect();
    assert_eq!(attempts.len(), 4);
    assert_eq!((&attempts[0]["attempt"], &attempts[0]["outcome"]), (&json!(4), &json!("delivered")));
    assert_eq!((&attempts[3]["status"], &attempts[3]["outcome"]), (&json!(503), &json!("unreachable")));
    assert!(attempts[3]["next_attempt_at"].is_string());
}

#[tokio::test]
async fn a_refused_event_holds_up_its_own_device_and_is_given_up_after_a_day() {
    let world = World::new(json!([])).await;
    world.receiver.answer(|body| if body["enrollment"] == "D-1" { 400 } else { 200 });
    let (refused, other) = (world.enroll("D-1").await, world.enroll("D-2").await);
    world.go(&refused, "D-1").await;
    world.turn().await;
    world.go(&other, "D-2").await;
    world.turn().await;
    let of_two = ["device-enrolled", "command-completed", "checked-out"].map(|kind| told(kind, "D-2"));
    let came = world.receiver.told();
    assert_eq!(came.iter().filter(|(_, device)| device == "D-2").cloned().collect::<Vec<_>>(), of_two);
    assert!(
        came.contains(&told("device-enrolled", "D-1")) && !came.contains(&told("command-completed", "D-1"))
    );
    let held = world.shown("").await["held"].clone();
    assert_eq!(held[0]["device"], "D-1");
    assert_eq!(world.shown("/dead-letters").await["dead_letters"], json!([]));

    world.receiver.answer(|body| if body["type"] == "device-enrolled" { 400 } else { 200 });
    world.turn_after(25 * HOUR).await;
    world.turn().await;
    let came = world.receiver.told();
    let rest = ["device-enrolled", "command-completed", "checked-out"].map(|kind| told(kind, "D-1"));
    assert_eq!(came, rest, "once more, and then the others");
    let dead = world.shown("/dead-letters").await["dead_letters"].clone();
    assert_eq!(dead.as_array().unwrap().len(), 1);
    assert_eq!((&dead[0]["type"], &dead[0]["enrollment"]), (&json!("device-enrolled"), &json!("D-1")));

    let again = format!("/dead-letters/{}/redeliver", dead[0]["event"].as_str().unwrap());
    assert_eq!(world.post(&again, json!({})).await.expect(200).json["outcome"], "refused");
    world.receiver.answer(|_| 200);
    assert_eq!(world.post(&again, json!({})).await.expect(200).json["outcome"], "delivered");
    assert_eq!(world.shown("/dead-letters").await["dead_letters"], json!([]));
    world.post(&again, json!({})).await.expect(404);
}

#[tokio::test]
async fn a_webhook_that_fails_for_a_day_is_switched_off_and_goes_on_where_it_stopped() {
    let world = World::new(json!([])).await;
    world.receiver.answer(|_| 500);
    let device = world.enroll("D-1").await;
    for _ in 0..25 {
        world.turn_after(HOUR + 900).await;
    }
    let status = world.shown("").await;
    assert_eq!((&status["enabled"], &status["switched_off"]["why"]), (&json!(false), &json!("failing")));
    let log = world.tenant.get("events?action=webhook-disabled").await.expect(200).json["events"].clone();
    assert_eq!((&log[0]["facts"]["webhook"], &log[0]["enrollment"]), (&json!(world.id), &Value::Null));
    world.receiver.take();
    world.go(&device, "D-1").await;
    world.turn_after(HOUR).await;
    assert!(world.receiver.take().is_empty());

    world.receiver.answer(|_| 200);
    let on = world.patch(json!({"enabled": true})).await.expect(200).json;
    assert_eq!(on["switched_off"], Value::Null);
    world.turn().await;
    let told_of = world.receiver.told();
    assert_eq!(told_of.iter().filter(|(_, device)| device == "D-1").count(), 3);
    assert!(told_of.contains(&told("webhook-disabled", "")));
}

#[tokio::test]
async fn a_server_that_is_gone_switches_its_webhook_off_at_once() {
    let world = World::new(json!([])).await;
    world.receiver.answer(|_| 410);
    world.enroll("D-1").await;
    world.turn().await;
    assert_eq!(world.shown("").await["switched_off"]["why"], "gone");
    assert_eq!(world.receiver.take().len(), 1);
    world.turn_after(HOUR).await;
    assert!(world.receiver.take().is_empty());
}

#[tokio::test]
async fn deliveries_begin_again_from_an_earlier_moment() {
    let world = World::new(json!(["checked-out"])).await;
    let device = world.enroll("D-1").await;
    let middle = world.app.clock.now();
    world.go(&device, "D-1").await;
    world.turn().await;
    assert_eq!(world.receiver.told(), [told("checked-out", "D-1")], "only what it wants");
    // What it did not want then it may want now, also of the past.
    world.turn_after(120).await;
    world.patch(json!({"events": []})).await.expect(200);
    world.turn().await;
    assert!(world.receiver.take().is_empty());
    let moved = world.post("/replay", json!({"from": middle})).await.expect(200).json;
    assert_eq!(moved["delivered_until"], json!(middle));
    world.turn_after(120).await;
    assert_eq!(world.receiver.told(), [told("command-completed", "D-1"), told("checked-out", "D-1")]);
    let tomorrow = world.app.clock.now() + shared::time::SignedDuration::from_hours(24);
    let refused = world.post("/replay", json!({"from": tomorrow})).await.expect(400);
    assert_eq!((refused.problem(), refused.json["field"].as_str()), ("replay-from", Some("from")));
    assert!(refused.text().contains("still to come"));
}

#[tokio::test]
async fn both_secrets_sign_until_the_former_one_is_over() {
    let world = World::new(json!([])).await;
    let rotated = world.post("/secret", json!({"overlap_hours": 2})).await.expect(200).json;
    let new = rotated["secret"].as_str().unwrap();
    assert!(rotated["former_secret_until"].is_string() && new != world.secret);
    assert_eq!(world.post("/test", json!({})).await.expect(200).json["outcome"], "delivered");
    let call = world.receiver.take().remove(0);
    assert_eq!((&call.json["type"], &call.json["enrollment"]), (&json!("test"), &Value::Null));
    let both = format!("{} {}", expected(new, &call), expected(&world.secret, &call));
    assert_eq!(call.header("webhook-signature"), both);
    pass_seconds(&world.app, 2 * HOUR);
    world.post("/test", json!({})).await.expect(200);
    let call = world.receiver.take().remove(0);
    assert_eq!(call.header("webhook-signature"), expected(new, &call));
    let refused = world.post("/secret", json!({"overlap_hours": 169})).await.expect(400);
    assert_eq!(refused.problem(), "webhook-overlap");
    assert!(refused.text().contains("168 hours"));
    // No secret is shown again, and none is stored in the clear.
    let shown = [world.shown("").await.to_string(), world.tenant.get("webhooks").await.expect(200).text()];
    assert!(shown.iter().all(|text| !text.contains("whsec_")));
    let plain = STANDARD.decode(new.strip_prefix("whsec_").unwrap()).unwrap();
    let stored = format!("{:?}", crate::stored::everything(&world.app).await);
    let bytes = format!("{plain:?}");
    for secret in [new, &hex::encode(&plain), bytes.trim_matches(['[', ']'])] {
        assert!(!stored.contains(secret));
    }
}

#[tokio::test]
async fn what_a_webhook_cannot_be_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    for (url, why) in [
        ("http://hooks.school.example/", "does not begin with https://"),
        ("https://10.0.0.1/", "an address that is not public"),
        ("https://169.254.169.254/latest/", "an address that is not public"),
        ("https://jo:secret@hooks.school.example/", "holds a user or a password"),
        ("nonsense", "cannot be read"),
    ] {
        let refused = tenant.post("webhooks", json!({"url": url})).await.expect(400);
        assert_eq!(
            (refused.problem(), refused.json["field"].as_str()),
            ("outbound-url", Some("url")),
            "{url}"
        );
        assert!(refused.text().contains(why), "{url}: {}", refused.text());
    }
    let long = json!({"url": "https://hooks.school.example/", "description": "x".repeat(201)});
    let refused = tenant.post("webhooks", long).await.expect(400);
    assert_eq!(refused.problem(), "webhook-description");
    assert!(refused.text().contains("longer than 200 characters"));
    tenant
        .post("webhooks", json!({"url": "https://hooks.school.example/", "events": ["party"]}))
        .await
        .expect(400);
    for _ in 0..10 {
        tenant.post("webhooks", json!({"url": "https://hooks.school.example/"})).await.expect(201);
    }
    let refused = tenant.post("webhooks", json!({"url": "https://hooks.school.example/"})).await.expect(409);
    assert_eq!(refused.problem(), "webhook-limit");
    assert!(refused.text().contains("ten webhooks at most"));
    let all = tenant.get("webhooks").await.expect(200).json["webhooks"].clone();
    let one = format!("webhooks/{}", all[0]["id"].as_str().unwrap());
    tenant.admin.call(Method::DELETE, &tenant.path(&one), Vec::new()).await.expect(204);
    tenant.get(&one).await.expect(404);
    tenant.admin.call(Method::DELETE, &tenant.path(&one), Vec::new()).await.expect(404);
}
