//! Each request leaves one line in the log: a JSON object that says what was asked, by its route, of whom, and what came of it.

use pomarium_tests::TestApp;
use pomarium_tests::logs::Log;
use serde_json::{Value, json};

use crate::lambda_events::{event, invoke};
use crate::repository::read;
use crate::secrets_in_logs::start;

/// What the log says of requests, oldest first. Every line of the log is an object.
fn requests(log: &Log) -> Vec<Value> {
    let lines =
        log.text().lines().map(|line| serde_json::from_str(line).expect(line)).collect::<Vec<Value>>();
    lines
        .into_iter()
        .map(|line| line["fields"].clone())
        .filter(|fields| fields["message"] == "request")
        .collect()
}

#[tokio::test]
async fn a_devices_request_is_one_line_with_every_name() {
    let log = Log::default();
    let _guard = start(&log);
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let authority = read("tests/fixtures/captures/ca.pem");
    tenant.post("identity-authority/trusted", json!({"certificate": authority})).await.expect(201);
    let before = requests(&log).len();
    let answer =
        invoke(&app, "checkin", &event("checkin-authenticate", &[("tenant", tenant.id.as_str())])).await;
    assert_eq!(answer["statusCode"], 200);

    let lines = requests(&log);
    assert_eq!(lines.len(), before + 1);
    let mut line = lines.last().unwrap().clone();
    assert!(line["took_ms"].take().is_u64());
    let expected = json!({
        "message": "request", "method": "PUT", "route": "/mdm/{tenant}/checkin", "status": 200, "took_ms": null,
        "request_id": "Wdt4gj1soAMEVxg=", "tenant": tenant.id, "enrollment": "2844A114-08D1-4C14-8B75-4E8CE0302D23",
    });
    assert_eq!(line, expected);
}

#[tokio::test]
async fn other_requests_are_one_line_each_without_what_nobody_may_read() {
    let log = Log::default();
    let _guard = start(&log);
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let link = tenant.enrollment_link().await;
    let before = requests(&log).len();
    tenant.get("enrollments").await.expect(200);
    tenant.get("enrollments/D-1").await.expect(404);
    app.stranger().get("/v1/tenants/no-identifier/enrollments").await.expect(401);
    app.stranger().get(&link).await.expect(200);
    app.stranger().get("/nothing/here").await.expect(404);

    let lines = requests(&log).split_off(before);
    let seen = |line: &Value| (line["route"].clone(), line["status"].clone(), line["tenant"].clone());
    let id = json!(tenant.id);
    let expected = [
        (json!("/v1/tenants/{tenant}/enrollments"), json!(200), id.clone()),
        (json!("/v1/tenants/{tenant}/enrollments/{enrollment}"), json!(404), id.clone()),
        (json!("/v1/tenants/{tenant}/enrollments"), json!(401), Value::Null),
        (json!("/enroll/{tenant}/{token}"), json!(200), id),
        (json!("-"), json!(404), Value::Null),
    ];
    assert_eq!(lines.iter().map(seen).collect::<Vec<_>>(), expected);
    let text = log.text();
    assert!(!text.contains("no-identifier") && !text.contains(link.rsplit('/').next().unwrap()));
}
