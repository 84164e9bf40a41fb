//! Whether Apple takes a tenant's pushes: told from real pushes, and from a probe where there are none.

use pomarium_local::apns::Answer;
use pomarium_local::runner;
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};

use crate::devices::{enrolled, queue};
use crate::stored::{everything, unchanged};

async fn status(tenant: &Tenant) -> Value {
    tenant.get("push-certificate/status").await.expect(200).json
}

async fn probe(app: &TestApp) -> Value {
    runner::run(app.runner.state.clone(), "apns-probe").await.expect("it runs")["probes"].clone()
}

async fn topic(tenant: &Tenant) -> String {
    tenant.get("push-certificate").await.json["active"]["topic"].as_str().unwrap().to_owned()
}

fn refusal(status: u16, reason: &'static str) -> Answer {
    Answer::Status { status, reason, retry_after: None }
}

#[tokio::test]
async fn real_pushes_tell_how_it_stands() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let told = status(&tenant).await;
    assert_eq!((&told["connection"], &told["since"]), (&json!("Unknown"), &Value::Null));
    let _device = enrolled(&app, &tenant, "D-1").await;
    queue(&tenant, "D-1", "ProfileList").await;
    app.runner.apns.script(&topic(&tenant).await, [refusal(403, "BadCertificate")]);
    app.deliver_hints().await;
    let told = status(&tenant).await;
    assert_eq!(
        (&told["connection"], &told["since"]),
        (&json!("Disconnected"), &json!("2026-11-21T09:00:00Z"))
    );
    assert_eq!(told["last_error"]["reason"], "BadCertificate");
    assert_eq!(told["meaning"], told["last_error"]["meaning"]);

    app.pass_days(1);
    app.deliver_hints().await;
    let told = status(&tenant).await;
    assert_eq!((&told["connection"], &told["since"]), (&json!("Connected"), &json!("2026-11-22T09:00:00Z")));
    assert_eq!(told["last_success"], told["since"]);
    assert_eq!(told["last_error"]["at"], "2026-11-21T09:00:00Z", "the last error stays to be read");
}

#[tokio::test]
async fn more_pushes_within_five_minutes_write_nothing_more() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    queue(&tenant, "D-1", "ProfileList").await;
    app.deliver_hints().await;
    device.answer_all().await.expect("it answers");
    let told = status(&tenant).await;
    for seconds in [299, 1] {
        crate::devices::pass_seconds(&app, seconds);
        queue(&tenant, "D-1", "ProfileList").await;
        app.deliver_hints().await;
        device.answer_all().await.expect("it answers");
        assert_eq!(status(&tenant).await == told, seconds == 299);
    }
}

#[tokio::test]
async fn a_quiet_certificate_is_probed_once_a_day_and_no_device_wakes() {
    let app = TestApp::start().await;
    let green = app.ready_tenant("Green School").await;
    let blue = app.ready_tenant("Blue School").await;
    app.tenant("Without Certificate").await;
    app.runner.apns.script(&topic(&blue).await, [refusal(400, "TopicDisallowed")]);
    assert_eq!(probe(&app).await, json!({"good": 1, "refused": 1, "unclear": 0, "failed": 0}));
    assert_eq!(status(&green).await["connection"], "Connected");
    let told = status(&blue).await;
    assert_eq!(told["connection"], "Disconnected");
    assert!(told["meaning"].as_str().unwrap().contains("not for this topic"), "{told}");

    let nothing = json!({"good": 0, "refused": 0, "unclear": 0, "failed": 0});
    let before = everything(&app).await;
    assert_eq!(probe(&app).await, nothing);
    unchanged(&app, &before).await;
    app.pass_days(1);
    assert_eq!(probe(&app).await, json!({"good": 2, "refused": 0, "unclear": 0, "failed": 0}));
    assert_eq!(status(&blue).await["connection"], "Connected");
    assert_eq!(app.runner.apns.pushes(), []);
}

#[tokio::test]
async fn one_tenants_trouble_and_an_ended_certificate_leave_the_others_to_be_probed() {
    let app = TestApp::start().await;
    let green = app.ready_tenant("Green School").await;
    app.pass_days(366);
    let blue = app.ready_tenant("Blue School").await;
    let broken = app.ready_tenant("Broken School").await;
    lose_push_keys(&app, &broken).await;
    assert_eq!(probe(&app).await, json!({"good": 1, "refused": 0, "unclear": 0, "failed": 1}));
    assert_eq!(status(&blue).await["connection"], "Connected");
    for tenant in [green, broken] {
        assert_eq!(status(&tenant).await["connection"], "Unknown");
    }
}

/// Deletes the private keys of a tenant's push certificates behind the server's back.
async fn lose_push_keys(app: &TestApp, tenant: &Tenant) {
    let client = aws_sdk_dynamodb::Client::new(&app.runner.aws.sdk_config());
    let items = client.scan().table_name("pki").send().await.unwrap().items.unwrap_or_default();
    let of_tenant = format!("TENANT#{}#PUSH", tenant.id);
    for item in items.iter().filter(|item| item["pk"].as_s().is_ok_and(|pk| *pk == of_tenant)) {
        if let Some(key) = item.get("key").and_then(|key| key.as_s().ok()) {
            let path = format!("{}/push-key/{key}", tenant.id);
            app.runner.state.secrets.delete(&path).await.expect("it is deleted");
        }
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_ends_the_run_and_proves_nothing() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    app.runner.apns.script(&topic(&tenant).await, [refusal(503, "Shutdown")]);
    assert_eq!(probe(&app).await, json!({"good": 0, "refused": 0, "unclear": 1, "failed": 0}));
    let told = status(&tenant).await;
    assert_eq!(told["connection"], "Disconnected");
    assert!(told["meaning"].as_str().unwrap().contains("says nothing about the certificate"), "{told}");
}
