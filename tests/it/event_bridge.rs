//! Webhooks to an event bus: ten at a time, each device's in their order, again where some were not taken, given up after a day.

use pomarium_local::aws::BusEvent;
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::{enrolled, pass_seconds};
use crate::idle_cost::proxy::Proxy;
use crate::receiver::Receiver;
use pomarium_local::device::SimDevice;
use shared::domain::webhook_turn::EventWork;
use shared::service::event_work::do_event_work;

const HOUR: i64 = 3_600;
const BUS: &str = "arn:aws:events:eu-central-1:123456789012:event-bus/pomarium-events";

/// A tenant with a bus.
struct World {
    app: TestApp,
    tenant: Tenant,
    id: String,
}

impl World {
    async fn new(filter: Value) -> Self {
        let app = TestApp::start().await;
        let tenant = app.ready_tenant("Green School").await;
        let made =
            tenant.post("webhooks", json!({"event_bus": BUS, "events": filter})).await.expect(201).json;
        assert_eq!((&made["kind"], &made["event_bus"]), (&json!("event-bridge"), &json!(BUS)));
        assert_eq!((&made["url"], &made["secret"]), (&Value::Null, &Value::Null));
        Self { id: made["id"].as_str().unwrap().to_owned(), app, tenant }
    }

    fn path(&self, rest: &str) -> String {
        format!("webhooks/{}{rest}", self.id)
    }

    async fn shown(&self, rest: &str) -> Value {
        self.tenant.get(&self.path(rest)).await.expect(200).json
    }

    async fn patch(&self, change: Value) -> Answer {
        let path = self.tenant.path(&self.path(""));
        self.tenant.admin.call(Method::PATCH, &path, change.to_string().into()).await
    }

    /// Lets devices enroll, one after the other.
    async fn enroll(&self, udids: impl IntoIterator<Item = &str>) -> Vec<SimDevice> {
        let mut devices = Vec::new();
        for udid in udids {
            devices.push(enrolled(&self.app, &self.tenant, udid).await);
            pass_seconds(&self.app, 1);
        }
        devices
    }

    async fn turn_after(&self, seconds: i64) {
        pass_seconds(&self.app, seconds);
        self.app.deliver_events().await;
    }

    /// What is on the bus since this was last asked: the types of events, with their devices.
    fn told(&self) -> Vec<(String, String)> {
        self.put().iter().map(|event| (event.detail_type.clone(), device(event))).collect()
    }

    fn put(&self) -> Vec<BusEvent> {
        self.app.runner.aws.buses().take()
    }
}

fn detail(event: &BusEvent) -> Value {
    serde_json::from_str(&event.detail).unwrap()
}

fn device(event: &BusEvent) -> String {
    detail(event)["enrollment"].as_str().unwrap_or_default().to_owned()
}

fn told(kind: &str, device: &str) -> (String, String) {
    (kind.to_owned(), device.to_owned())
}

#[tokio::test]
async fn events_come_ten_at_a_time_in_the_order_of_each_device_and_once() {
    let world = World::new(json!([])).await;
    let names: Vec<String> = (0..12).map(|number| format!("D-{number}")).collect();
    let devices = world.enroll(names.iter().map(String::as_str)).await;
    for device in &devices {
        device.check_out().await.expect("it goes");
    }
    world.turn_after(3).await;
    let put = world.put();
    assert_eq!(put.len(), 24);
    assert_eq!(
        world.app.runner.aws.buses().calls(),
        4,
        "ten devices and two, their first events and their second"
    );
    let log = world.tenant.get("events").await.expect(200).json["events"].clone();
    for name in &names {
        let of: Vec<_> = put.iter().filter(|event| device(event) == *name).collect();
        assert_eq!(
            [of[0].detail_type.as_str(), of[1].detail_type.as_str()],
            ["device-enrolled", "checked-out"]
        );
        assert!(detail(of[0])["sequence"].as_str() < detail(of[1])["sequence"].as_str());
    }
    for event in &put {
        let detail = detail(event);
        assert_eq!((event.bus.as_str(), &event.source), (BUS, &format!("pomarium.{}", world.tenant.id)));
        assert_eq!(
            (&detail["type"], &detail["tenant"]),
            (&json!(event.detail_type), &json!(world.tenant.id))
        );
        let is_it =
            |entry: &&Value| entry["action"] == detail["type"] && entry["enrollment"] == detail["enrollment"];
        let entry = log.as_array().unwrap().iter().find(is_it).expect("the log has it");
        assert_eq!((&entry["at"], &entry["facts"]), (&detail["timestamp"], &detail["data"]));
    }
    for _ in 0..3 {
        world.turn_after(60).await;
    }
    assert!(world.put().is_empty(), "nothing comes twice");
    let deliveries = world.shown("/deliveries").await["deliveries"].clone();
    assert_eq!(deliveries.as_array().unwrap().len(), 24);
    let last = &deliveries[0];
    assert_eq!(
        (&last["outcome"], &last["status"], &last["attempt"]),
        (&json!("delivered"), &Value::Null, &json!(1))
    );
    assert_eq!(last["answer"].as_str().unwrap().len(), 36, "what EventBridge calls it");
}

#[tokio::test]
async fn entries_that_were_not_taken_come_again_and_hold_up_their_own_device() {
    let world = World::new(json!([])).await;
    let devices = world.enroll(["D-1", "D-2", "D-3"]).await;
    for device in &devices {
        device.check_out().await.expect("it goes");
    }
    world.app.runner.aws.buses().answer(|event| (device(event) == "D-2").then_some("ThrottlingException"));
    world.turn_after(3).await;
    let came = world.told();
    assert_eq!(came.len(), 4);
    assert!(came.iter().all(|(_, device)| device != "D-2"), "its second event waits for its first: {came:?}");
    let status = world.shown("").await;
    assert_eq!((&status["held"][0]["device"], &status["failing_since"]), (&json!("D-2"), &Value::Null));
    let deliveries = world.shown("/deliveries").await["deliveries"].clone();
    let missed = deliveries.as_array().unwrap().iter().find(|one| one["outcome"] == "unreachable").unwrap();
    assert_eq!(missed["trouble"], "ThrottlingException: The event was not taken.");
    assert!(missed["next_attempt_at"].is_string());
    world.app.runner.aws.buses().answer(|_| None);
    world.turn_after(7).await;
    assert_eq!(world.told(), [told("device-enrolled", "D-2"), told("checked-out", "D-2")]);
}

#[tokio::test]
async fn an_event_that_is_refused_is_given_up_after_a_day_and_can_be_put_once_more() {
    let world = World::new(json!([])).await;
    let buses = world.app.runner.aws.buses();
    buses.answer(|event| (device(event) == "D-1").then_some("NotAuthorizedForDetailTypeException"));
    world.enroll(["D-1", "D-2"]).await;
    world.turn_after(3).await;
    assert_eq!(world.told(), [told("device-enrolled", "D-2")]);
    world.turn_after(25 * HOUR).await;
    world.turn_after(3).await;
    assert!(world.told().is_empty());
    let dead = world.shown("/dead-letters").await["dead_letters"].clone();
    assert_eq!((&dead[0]["type"], &dead[0]["enrollment"]), (&json!("device-enrolled"), &json!("D-1")));
    let again = world.path(&format!("/dead-letters/{}/redeliver", dead[0]["event"].as_str().unwrap()));
    assert_eq!(world.tenant.post(&again, json!({})).await.expect(200).json["outcome"], "refused");
    buses.answer(|_| None);
    assert_eq!(world.tenant.post(&again, json!({})).await.expect(200).json["outcome"], "delivered");
    let put = world.put();
    assert_eq!(detail(&put[0])["id"], dead[0]["event"], "by its own name, however late");
    assert_eq!(world.shown("/dead-letters").await["dead_letters"], json!([]));
}

#[tokio::test]
async fn an_entry_that_spoils_its_call_is_put_by_itself() {
    let world = World::new(json!([])).await;
    let devices = world.enroll(["D-1", "D-2"]).await;
    assert_eq!(devices.len(), 2);
    // A fact of more than a call may hold, as no part of this server writes one.
    let state = &world.app.runner.state;
    #[expect(clippy::disallowed_methods, reason = "nobody calls")]
    let scope = shared::scope::Scope::system(world.tenant.id.parse().unwrap(), "test");
    let large = state.event_of_all(&scope, shared::domain::event::EventKind::InactivityHeld);
    state.store.put_event(&scope, &large.with("large", "x".repeat(300_000))).await.unwrap();
    world.turn_after(3).await;
    assert_eq!(world.told(), [told("device-enrolled", "D-1"), told("device-enrolled", "D-2")]);
    let status = world.shown("").await;
    assert_eq!((&status["held"][0]["device"], &status["held"][0]["attempts"]), (&json!("*"), &json!(1)));
    let deliveries = world.shown("/deliveries").await["deliveries"].clone();
    let refused = deliveries.as_array().unwrap().iter().find(|one| one["outcome"] == "refused").unwrap();
    assert_eq!(refused["trouble"], "ValidationException: EventBridge refused the whole call");
}

#[tokio::test]
async fn a_bus_that_takes_nothing_rests_as_a_whole_and_is_switched_off_after_a_day() {
    let world = World::new(json!([])).await;
    world.enroll(["D-1", "D-2"]).await;
    let buses = world.app.runner.aws.buses();
    buses.close(Some("AccessDeniedException"));
    world.turn_after(3).await;
    assert_eq!(buses.calls(), 1);
    world.app.deliver_events().await;
    assert_eq!(buses.calls(), 1, "it rests");
    let tried = world.tenant.post(&world.path("/test"), json!({})).await.expect(200).json;
    assert_eq!(
        (&tried["outcome"], &tried["trouble"]),
        (&json!("unreachable"), &json!("AccessDeniedException: EventBridge refused the whole call"))
    );
    for _ in 0..25 {
        world.turn_after(HOUR + 900).await;
    }
    let status = world.shown("").await;
    assert_eq!((&status["enabled"], &status["switched_off"]["why"]), (&json!(false), &json!("failing")));
    let log = world.tenant.get("events?action=webhook-disabled").await.expect(200).json["events"].clone();
    assert_eq!(log[0]["facts"]["event_bus"], BUS);

    buses.close(None);
    world.patch(json!({"enabled": true})).await.expect(200);
    world.turn_after(3).await;
    let kinds = ["device-enrolled", "device-enrolled", "webhook-disabled"];
    assert_eq!(
        world.told().iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        kinds,
        "nothing is lost"
    );
}

#[tokio::test]
async fn a_bus_is_told_of_what_is_asked_for_tested_and_replayed() {
    let world = World::new(json!(["checked-out"])).await;
    let devices = world.enroll(["D-1"]).await;
    devices[0].check_out().await.expect("it goes");
    world.turn_after(3).await;
    assert_eq!(world.told(), [told("checked-out", "D-1")]);
    assert_eq!(
        world.tenant.post(&world.path("/test"), json!({})).await.expect(200).json["outcome"],
        "delivered"
    );
    let test = world.put().remove(0);
    assert_eq!((test.detail_type.as_str(), &detail(&test)["type"]), ("test", &json!("test")));
    let from = world.app.clock.now() - shared::time::SignedDuration::from_hours(1);
    world.tenant.post(&world.path("/replay"), json!({"from": from})).await.expect(200);
    world.turn_after(120).await;
    assert_eq!(world.told(), [told("checked-out", "D-1")]);
    let other = "arn:aws:events:us-east-1:123456789012:event-bus/pomarium-other";
    assert_eq!(world.patch(json!({"event_bus": other})).await.expect(200).json["event_bus"], other);
    world.tenant.post(&world.path("/test"), json!({})).await.expect(200);
    assert_eq!(world.put().remove(0).bus, other);
}

#[tokio::test]
async fn a_turn_without_news_costs_three_reads_and_no_call_of_the_bus() {
    let world = World::new(json!([])).await;
    world.enroll(["D-1"]).await;
    world.turn_after(120).await;
    world.turn_after(120).await;
    let (proxy, state) = Proxy::beside(&world.app).await;
    let (tenant, webhook) = (world.tenant.id.parse().unwrap(), world.id.parse().unwrap());
    proxy.take();
    do_event_work(&state, &EventWork::Deliver { tenant, webhook }).await.unwrap();
    assert_eq!(proxy.take(), ["GetItem", "GetItem", "Query"]);
}

#[tokio::test]
async fn what_is_no_bus_or_no_server_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    for (bus, why) in [
        ("arn:aws:events:eu-central-1:123456789012:event-bus/default", "does not begin with pomarium-"),
        ("arn:aws:sqs:eu-central-1:123456789012:pomarium-events", "not the ARN of an event bus"),
        ("arn:aws:events:evil.example/:123456789012:event-bus/pomarium-events", "names no region"),
    ] {
        let refused = tenant.post("webhooks", json!({"event_bus": bus})).await.expect(400);
        assert_eq!((refused.problem(), refused.json["field"].as_str()), ("event-bus", Some("event_bus")));
        assert!(refused.text().contains(why), "{bus}: {}", refused.text());
    }
    for both in [json!({}), json!({"url": "https://hooks.school.example/", "event_bus": BUS})] {
        let refused = tenant.post("webhooks", both).await.expect(400);
        assert_eq!(refused.problem(), "webhook-target");
        assert!(refused.text().contains("either a url or an event_bus"));
    }
    let to_server =
        tenant.post("webhooks", json!({"url": Receiver::start().await.url()})).await.expect(201).json;
    let to_bus = tenant.post("webhooks", json!({"event_bus": BUS})).await.expect(201).json;
    let path = |webhook: &Value, rest: &str| format!("webhooks/{}{rest}", webhook["id"].as_str().unwrap());
    for (webhook, change) in
        [(&to_server, json!({"event_bus": BUS})), (&to_bus, json!({"url": "https://hooks.school.example/"}))]
    {
        let whole = tenant.path(&path(webhook, ""));
        let refused = tenant.admin.call(Method::PATCH, &whole, change.to_string().into()).await.expect(400);
        assert_eq!(refused.problem(), "webhook-target");
        assert!(refused.text().contains("stays one to a url, or one to an event_bus"));
    }
    let refused = tenant.post(&path(&to_bus, "/secret"), json!({})).await.expect(409);
    assert_eq!(refused.problem(), "webhook-unsigned");
    assert!(refused.text().contains("needs no secret"));
}
