//! The part of the story about what webhooks are told.

use pomarium_local::runner::{QueueFunction, begin_seals, deliver_all, run};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::Processes;
use crate::devices::{enrolled, pass_seconds};
use crate::receiver::Receiver;

/// The logs are sealed; more than a month later they are over.
pub(super) async fn logs(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let path = tenant.path("retention");
    let month = json!({"events_days": 30, "audit_days": 30}).to_string();
    tenant.admin.call(Method::PUT, &path, month.into()).await.expect(200);
    let events = processes.state("events");
    for seconds in [3_600, 31 * 86_400] {
        pass_seconds(app, seconds);
        begin_seals(events.clone()).await.unwrap();
        deliver_all(QueueFunction::Events, &events, app.runner.aws.queues()).await.unwrap();
    }
    tenant.get("retention").await.expect(200);
    tenant.get("audit/export").await.expect(200);
    assert_eq!(tenant.get("events").await.expect(200).json["events"], json!([]));
}

/// Events are delivered to a webhook, refused and given up, sent once more; its server goes.
pub(super) async fn webhooks(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let receiver = Receiver::start().await;
    let made = tenant.post("webhooks", json!({"url": receiver.url()})).await.expect(201).json;
    let path = format!("webhooks/{}", made["id"].as_str().unwrap());
    let turn = async || {
        pass_seconds(app, 5);
        let events = processes.state("events");
        run(events.clone(), "events").await.unwrap();
        deliver_all(QueueFunction::Events, &events, app.runner.aws.queues()).await.unwrap();
    };
    receiver.answer(|body| if body["enrollment"] == "D-20" { 400 } else { 200 });
    let mut devices = Vec::new();
    for udid in ["D-20", "D-21"] {
        devices.push(enrolled(app, tenant, udid).await);
    }
    turn().await;
    pass_seconds(app, 25 * 3_600);
    turn().await;
    receiver.answer(|_| 200);
    let dead = tenant.get(&format!("{path}/dead-letters")).await.expect(200).json["dead_letters"].clone();
    let event = dead[0]["event"].as_str().expect("it was given up");
    tenant.post(&format!("{path}/dead-letters/{event}/redeliver"), json!({})).await.expect(200);
    tenant.post(&format!("{path}/test"), json!({})).await.expect(200);
    tenant.post(&format!("{path}/secret"), json!({})).await.expect(200);
    tenant.post(&format!("{path}/replay"), json!({"from": app.clock.now()})).await.expect(200);
    tenant.get(&format!("{path}/deliveries")).await.expect(200);
    receiver.answer(|_| 410);
    pass_seconds(app, 1);
    for device in devices {
        device.check_out().await.expect("it goes");
    }
    turn().await;
    assert_eq!(tenant.get(&path).await.expect(200).json["switched_off"]["why"], "gone");
    pass_seconds(app, 15);
    turn().await;
    let whole = tenant.path(&path);
    tenant.admin.call(Method::PATCH, &whole, br#"{"enabled": true}"#.into()).await.expect(200);
    tenant.get("webhooks").await.expect(200);
    tenant.admin.call(Method::DELETE, &whole, Vec::new()).await.expect(204);
}

/// The same on an event bus, as far as it is another way.
pub(super) async fn event_bus(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let bus = "arn:aws:events:eu-central-1:123456789012:event-bus/pomarium-events";
    let made = tenant.post("webhooks", json!({"event_bus": bus})).await.expect(201).json;
    let path = format!("webhooks/{}", made["id"].as_str().unwrap());
    let device = enrolled(app, tenant, "D-22").await;
    pass_seconds(app, 5);
    let events = processes.state("events");
    run(events.clone(), "events").await.unwrap();
    deliver_all(QueueFunction::Events, &events, app.runner.aws.queues()).await.unwrap();
    assert!(!app.runner.aws.buses().take().is_empty());
    tenant.post(&format!("{path}/test"), json!({})).await.expect(200);
    tenant.admin.call(Method::DELETE, &tenant.path(&path), Vec::new()).await.expect(204);
    device.check_out().await.expect("it goes");
}
