//! A device's life, from the link to its last word.

use pomarium_local::device::{Digest, SimDevice};
use pomarium_tests::TestApp;
use serde_json::json;

async fn a_life(digest: Digest) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad").signing(digest);
    device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    let enrollment = tenant.get("enrollments/D-1").await.expect(200);
    assert_eq!(enrollment.json["state"], "enrolled");
    let sent = tenant
        .post("commands", json!({"targets": ["D-1"], "command": {"RequestType": "DeviceInformation"}}))
        .await
        .expect(201);
    assert_eq!(app.deliver_hints().await, 1);
    assert!(device.wait_for_push().await);
    let done = device.answer_all().await.expect("it answers");
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].uuid, sent.json["command_uuid"]);
}

#[tokio::test]
async fn with_sha_256() {
    a_life(Digest::Sha256).await;
}

#[tokio::test]
async fn with_sha_1() {
    a_life(Digest::Sha1).await;
}
