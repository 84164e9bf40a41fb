//! A staged certificate is tried with Apple's push service before anything depends on it.

use pomarium_local::apns::Answer;
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};

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
    let pushes = app.runner.apns.pushes();
    assert_eq!(pushes.len(), 1);
    assert_eq!((&pushes[0].topic, pushes[0].status), (&topic, Some(400)));
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
