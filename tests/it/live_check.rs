//! A staged certificate is tried with Apple's push service before anything depends on it.

use pomarium_local::apns::Answer;
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};

use crate::devices::enrolled;
use crate::stored::{everything, unchanged};

const CHECK: &str = "push-certificate/staged/check";

async fn staged() -> (TestApp, Tenant, String) {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.request().await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(|_| ()).expect("it issues");
    tenant.stage(&issued.pem).await;
    (app, tenant, issued.uid)
}

async fn checked(tenant: &Tenant) -> Value {
    tenant.post(CHECK, json!({})).await.expect(200).json
}

#[tokio::test]
async fn apple_knows_the_certificate_and_no_device_wakes() {
    let (app, tenant, topic) = staged().await;
    let check = checked(&tenant).await;
    assert_eq!(check["ok"], true, "{check}");
    assert_eq!(check["meaning"], "Apple accepts this push certificate and its topic.");
    assert_eq!(check["at"], "2026-11-21T09:00:00Z");
    assert_eq!(app.runner.apns.pushes(), []);
    let trials = app.runner.apns.trials();
    assert_eq!(trials.len(), 1);
    assert_eq!((&trials[0].topic, trials[0].status), (&topic, Some(400)));
    // A second look goes over the same connection.
    checked(&tenant).await;
    assert_eq!(app.runner.apns.connections(), 1);
}

#[tokio::test]
async fn what_apple_refuses_is_said_in_words() {
    let (app, tenant, topic) = staged().await;
    for (status, reason, words) in [
        (403, "BadCertificate", "not, or no longer, a valid push certificate"),
        (400, "TopicDisallowed", "not for this topic"),
        (503, "Shutdown", "says nothing about the certificate"),
    ] {
        app.runner.apns.script(&topic, [Answer::Status { status, reason, retry_after: None }]);
        let check = checked(&tenant).await;
        assert_eq!(check["ok"], false, "{check}");
        let meaning = check["meaning"].as_str().unwrap();
        assert!(meaning.contains(words) && meaning.contains(reason), "{meaning}");
    }
}

#[tokio::test]
async fn there_must_be_something_to_try() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let refused = tenant.post(CHECK, json!({})).await.expect(409);
    assert_eq!(refused.problem(), "nothing-staged");
}

/// What the audit log says of the activation.
async fn activation(tenant: &Tenant) -> Value {
    let told = tenant.get("audit").await.expect(200).json;
    let entries = told["entries"].as_array().unwrap();
    entries.iter().find(|entry| entry["action"] == "push-certificate-activated").unwrap().clone()
}

fn refusal() -> Answer {
    Answer::Status { status: 403, reason: "BadCertificate", retry_after: None }
}

#[tokio::test]
async fn what_apple_accepts_is_activated_and_the_answer_says_so() {
    let (app, tenant, topic) = staged().await;
    let activated = tenant.activate(json!({})).await.json;
    assert_eq!(activated["check"]["ok"], true, "{activated}");
    assert_eq!(activated["active"]["topic"], json!(topic));
    assert_eq!(app.runner.apns.trials().len(), 1);
    let entry = activation(&tenant).await;
    assert_eq!(entry["facts"]["check"], "Apple accepts this push certificate and its topic.");
    assert_eq!(entry["facts"]["override"], Value::Null);
}

#[tokio::test]
async fn what_apple_refuses_is_not_activated_and_nothing_changes() {
    let (app, tenant, topic) = staged().await;
    let before = everything(&app).await;
    app.runner.apns.script(&topic, [refusal()]);
    let refused = tenant.post("push-certificate/activate", json!({})).await.expect(409);
    assert_eq!(refused.problem(), "live-check-failed");
    let words = refused.json.to_string();
    assert!(words.contains("Nothing was activated. Apple refuses this push certificate"), "{words}");
    assert!(words.contains("override_check"), "{words}");
    unchanged(&app, &before).await;
    // Apple has changed its mind: the same upload is activated without another one.
    tenant.activate(json!({})).await;
}

#[tokio::test]
async fn a_push_service_that_says_nothing_about_it_blocks_in_other_words() {
    let (app, tenant, topic) = staged().await;
    app.runner.apns.script(&topic, [Answer::Status { status: 503, reason: "Shutdown", retry_after: None }]);
    let refused = tenant.post("push-certificate/activate", json!({})).await.expect(409);
    assert_eq!(refused.problem(), "live-check-failed");
    let words = refused.json["detail"].to_string();
    assert!(words.contains("could not be asked (Shutdown)"), "{words}");
}

#[tokio::test]
async fn a_reason_overrides_the_check_and_stays_in_the_audit_log() {
    let (app, tenant, topic) = staged().await;
    app.runner.apns.script(&topic, [refusal()]);
    let reason = "Our firewall answers for Apple; network team is told";
    let activated = tenant.activate(json!({ "override_check": reason })).await.json;
    assert_eq!(activated["check"]["ok"], false, "{activated}");
    let entry = activation(&tenant).await;
    assert_eq!(entry["facts"]["override"], reason);
    assert!(entry["facts"]["check"].to_string().contains("BadCertificate"), "{entry}");
}

#[tokio::test]
async fn a_reason_that_says_nothing_is_refused_before_apple_is_asked() {
    let (app, tenant, _) = staged().await;
    for reason in ["", "   ", "two\nlines", &"x".repeat(201)] {
        let body = json!({ "override_check": reason });
        let refused = tenant.post("push-certificate/activate", body).await.expect(400);
        assert_eq!(refused.problem(), "bad-override-reason");
        assert_eq!(refused.json["field"], "override_check");
    }
    assert_eq!(app.runner.apns.trials(), []);
}

#[tokio::test]
async fn a_replacement_that_was_not_confirmed_is_refused_before_apple_is_asked() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    let tried = app.runner.apns.trials().len();
    tenant.request().await;
    let other = app.runner.portal.issue(&tenant.request_file().await).map_err(|_| ()).expect("it issues");
    tenant.stage(&other.pem).await;
    let refused = tenant.post("push-certificate/activate", json!({})).await.expect(409);
    assert_eq!(refused.problem(), "replacement-not-confirmed");
    assert_eq!(app.runner.apns.trials().len(), tried);
}
