//! What the tests about devices do again and again.

use plist::Dictionary;
use pomarium_local::device::{SimDevice, Url};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::time::SignedDuration;

/// A device of the tenant's that has just enrolled.
pub(crate) async fn enrolled(app: &TestApp, tenant: &Tenant, udid: &str) -> SimDevice {
    let mut device = SimDevice::new(udid, "C02XYZ", "Jo's iPad");
    device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("the device enrolls");
    device
}

/// An enrolled device that says that it is a Mac.
pub(crate) async fn mac(app: &TestApp, tenant: &Tenant, udid: &str) -> SimDevice {
    let device = enrolled(app, tenant, udid).await;
    let topic = device.profile().expect("installed").topic.clone();
    let keys = [("Topic", topic.as_str()), ("ProductName", "Mac15,3")];
    let keys = keys.into_iter().map(|(key, text)| (key.to_owned(), plist::Value::from(text)));
    let message = device.checkin("Authenticate", Dictionary::from_iter(keys));
    let url = device.url(Url::CheckIn).expect("a profile").to_owned();
    let begun = device.send_as(Method::PUT, &url, None, &message).await.expect("an answer");
    assert_eq!(begun.status, 200);
    device.token_update(None).await.expect("it enrolls");
    device
}

/// Queues a command without keys and returns its UUID.
pub(crate) async fn queue(tenant: &Tenant, target: &str, request_type: &str) -> String {
    let order = json!({"targets": [target], "command": {"RequestType": request_type}});
    uuid_of(&tenant.post("commands", order).await.expect(201))
}

/// The UUID of a command that was just sent.
pub(crate) fn uuid_of(sent: &Answer) -> String {
    sent.json["command_uuid"].as_str().unwrap_or_default().to_owned()
}

/// A command on its first target.
pub(crate) async fn outcome(tenant: &Tenant, uuid: &str) -> Value {
    tenant.get(&format!("commands/{uuid}")).await.expect(200).json["targets"][0].clone()
}

/// Where a command stands on its first target.
pub(crate) async fn status(tenant: &Tenant, uuid: &str) -> String {
    outcome(tenant, uuid).await["status"].as_str().unwrap_or_default().to_owned()
}

/// An enrollment.
pub(crate) async fn enrollment(tenant: &Tenant, id: &str) -> Value {
    tenant.get(&format!("enrollments/{id}")).await.expect(200).json
}

/// Lets time pass.
pub(crate) fn pass_seconds(app: &TestApp, seconds: i64) {
    app.clock.set(app.clock.now() + SignedDuration::from_secs(seconds));
    app.runner.aws.queues().look_again();
}
