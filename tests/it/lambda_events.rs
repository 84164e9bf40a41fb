//! The events that AWS hands to the functions, as JSON: what API Gateway, SQS and the Scheduler make of the world.

use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, Service as _};
use pomarium_local::device::{Digest, sign};
use pomarium_local::runner::functions;
use pomarium_tests::TestApp;
use serde_json::{Value, json};
use shared::state::AppState;
use shared::time::Timestamp;

use crate::devices::enrolled;
use crate::idle_cost::proxy::Proxy;
use crate::repository::read;

/// An event's text, with what is only known while the test runs put in.
pub(crate) fn event(name: &str, known: &[(&str, &str)]) -> String {
    let mut text = read(&format!("tests/events/{name}.json"));
    for (word, value) in known {
        text = text.replace(&format!("{{{word}}}"), value);
    }
    text
}

/// What a function answers API Gateway, as JSON.
pub(crate) async fn invoke(app: &TestApp, function: &str, event: &str) -> Value {
    invoke_on(app.runner.state.clone(), function, event).await
}

async fn invoke_on(state: AppState, function: &str, event: &str) -> Value {
    let (_, routes) = functions().into_iter().find(|(name, _)| *name == function).expect("a function");
    let mut adapter = Adapter::from(shared::http::app(routes, state));
    let request: LambdaRequest = serde_json::from_str(event).expect("an event of API Gateway");
    let answer = adapter.call(LambdaEvent::new(request, Context::default())).await.expect("an answer");
    serde_json::to_value(answer).unwrap()
}

#[tokio::test]
async fn a_device_checks_in_and_polls_through_api_gateway() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let authority = read("tests/fixtures/captures/ca.pem");
    tenant.post("identity-authority/trusted", json!({"certificate": authority})).await.expect(201);
    let with = [("tenant", tenant.id.as_str())];
    for (function, name) in [
        ("checkin", "checkin-authenticate"),
        ("checkin", "checkin-token-update"),
        ("command", "command-idle"),
        ("command", "command-idle-base64"),
    ] {
        let answer = invoke(&app, function, &event(name, &with)).await;
        assert_eq!(
            (&answer["statusCode"], answer["body"].as_str().unwrap_or_default()),
            (&json!(200), ""),
            "{name}"
        );
    }
    // One byte changed on the way, and the signature does not fit.
    let changed = event("command-idle", &with).replace("\\t\\t<key>Status", "\\t<key>Status");
    let refused = invoke(&app, "command", &changed).await;
    assert_eq!((&refused["statusCode"], refused["body"].as_str().unwrap_or_default()), (&json!(400), ""));
}

#[tokio::test]
async fn a_command_goes_out_as_it_is() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let order = json!({"targets": ["D-1"], "command": {"RequestType": "DeviceInformation"}});
    tenant.post("commands", order).await.expect(201);
    let poll = "<plist version=\"1.0\"><dict><key>UDID</key><string>D-1</string><key>Status</key><string>Idle</string>\
                </dict></plist>";
    let mut idle: Value = serde_json::from_str(&event("command-idle", &[("tenant", &tenant.id)])).unwrap();
    idle["body"] = json!(poll);
    idle["headers"]["mdm-signature"] =
        json!(sign(poll.as_bytes(), device.identity().unwrap(), Digest::Sha256).unwrap());
    let answer = invoke(&app, "command", &idle.to_string()).await;
    assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert!(answer["body"].as_str().unwrap().contains("<string>DeviceInformation</string>"), "{answer}");
}

#[tokio::test]
async fn a_client_certificate_is_what_api_gateway_says_and_costs_no_call_more() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let pem = String::from_utf8(device.identity().unwrap().certificate.to_pem().unwrap()).unwrap();
    let known = [("tenant", tenant.id.as_str()), ("certificate", &pem.replace('\n', "\\n"))];
    let poll = event("command-idle-mutual-tls", &known);
    let (proxy, server) = Proxy::beside(&app).await;
    for cost in [&["Query", "UpdateItem"][..], &["UpdateItem"]] {
        let answer = invoke_on(server.clone(), "command", &poll).await;
        assert_eq!((&answer["statusCode"], answer["body"].as_str()), (&json!(200), Some("")));
        assert_eq!(proxy.take(), cost);
    }
    // The same words anywhere else in the event prove nothing.
    let mut elsewhere: Value = serde_json::from_str(&poll).unwrap();
    let context = elsewhere["requestContext"].as_object_mut().unwrap();
    let authentication = context.remove("authentication").unwrap();
    elsewhere["authentication"] = authentication.clone();
    elsewhere["headers"]["authentication"] = json!(authentication.to_string());
    elsewhere["queryStringParameters"] = json!({"clientCertPem": pem});
    assert_eq!(invoke(&app, "command", &elsewhere.to_string()).await["statusCode"], 400);
}

#[tokio::test]
async fn people_and_scep_clients_come_through_api_gateway() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let token = app.runner.operator_token.expose();
    let created = invoke(&app, "admin", &event("admin-create-tenant", &[("token", token)])).await;
    assert_eq!(created["statusCode"], 201, "{created}");
    let body: Value = serde_json::from_str(created["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["tenant"]["name"], "Red School");
    let refused = invoke(&app, "admin", &event("admin-create-tenant", &[("token", "wrong")])).await;
    assert_eq!(
        (&refused["statusCode"], &refused["headers"]["content-type"]),
        (&json!(401), &json!("application/problem+json"))
    );

    let certificate = invoke(&app, "scep", &event("scep-get-ca-cert", &[("tenant", &tenant.id)])).await;
    assert_eq!((&certificate["statusCode"], &certificate["isBase64Encoded"]), (&json!(200), &json!(true)));

    let link = tenant.enrollment_link().await;
    let link = link.rsplit('/').next().unwrap();
    let profile =
        invoke(&app, "enroll", &event("enroll-open-link", &[("tenant", &tenant.id), ("link", link)])).await;
    assert_eq!((&profile["statusCode"], &profile["isBase64Encoded"]), (&json!(200), &json!(true)));
    assert_eq!(profile["headers"]["content-type"], "application/x-apple-aspen-config");
}

#[tokio::test]
async fn of_a_batch_of_hints_the_bad_ones_fail_alone() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let order = json!({"targets": ["D-1"], "command": {"RequestType": "DeviceInformation"}});
    tenant.post("commands", order).await.expect(201);
    let batch =
        serde_json::from_str(&event("push-batch", &[("tenant", &tenant.id)])).expect("an event of SQS");
    let answer = serde_json::to_value(push::handle(app.runner.state.clone(), batch).await.unwrap()).unwrap();
    let failed: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000004"]);
    assert!(device.wait_for_push().await);
    assert_eq!(app.runner.apns.pushes().len(), 1);
}

#[tokio::test]
async fn the_scheduler_starts_the_notifier() {
    let app = TestApp::start().await;
    app.ready_tenant("Green School").await;
    app.pass_days(335);
    // Whatever the event says, the work is found in the store.
    let _: Value =
        serde_json::from_str(&event("expiry-notifier-schedule", &[])).expect("an event of the Scheduler");
    let tally = expiry_notifier::handle(app.runner.state.clone(), Timestamp::MAX).await.unwrap();
    assert_eq!(
        serde_json::to_value(tally).unwrap(),
        json!({"sent": 1, "repeated": 0, "failed": 0, "left": 0})
    );
}
