//! Two devices under one name, and devices that an administrator takes out of the lists.

use pomarium_local::device::SimDevice;
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::{enrolled, enrollment, queue};

/// Who was refused as a second device, and why, the latest first.
async fn refused(tenant: &Tenant) -> Vec<(String, String)> {
    let events = tenant.get("events?action=duplicate-refused").await.expect(200).json["events"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = events.as_array().unwrap().iter();
    all.map(|event| (text(&event["enrollment"]), text(&event["facts"]["why"]))).collect()
}

fn because(why: &str) -> (String, String) {
    ("D-1".to_owned(), why.to_owned())
}

#[tokio::test]
async fn a_second_device_with_another_identity_is_refused_and_told_once_a_day() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let other = enrolled(&app, &tenant, "D-2").await;
    queue(&tenant, "D-1", "ProfileList").await;
    let mut clone = SimDevice::new("D-1", "C02XYZ", "A clone");
    clone.set_profile(device.profile().unwrap().clone());
    clone.set_identity(other.identity().unwrap().clone());
    for _ in 0..3 {
        assert_eq!(clone.idle().await.unwrap_err().status(), Some(400));
        assert_eq!(clone.token_update(None).await.unwrap_err().status(), Some(400));
    }
    assert_eq!(refused(&tenant).await, [because("identity-not-bound")]);
    app.pass_days(1);
    assert_eq!(clone.authenticate().await.unwrap_err().status(), Some(400));
    let twice = [because("identity-bound-elsewhere"), because("identity-not-bound")];
    assert_eq!(refused(&tenant).await, twice);
    // Of a device that nobody knows, nothing is written down.
    let mut unknown = SimDevice::new("D-9", "C02XYZ", "Unknown");
    unknown.set_profile(device.profile().unwrap().clone());
    unknown.set_identity(other.identity().unwrap().clone());
    assert_eq!(unknown.idle().await.unwrap_err().status(), Some(400));
    assert_eq!(refused(&tenant).await.len(), 2);
    // The enrolled device was not touched.
    assert!(device.idle().await.unwrap().is_some());
}

#[tokio::test]
async fn the_same_udid_with_another_serial_number_is_another_device_even_with_a_link_of_its_own() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let mut clone = SimDevice::new("D-1", "C02ABC", "A clone");
    let refusal = clone.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.unwrap_err();
    assert_eq!(refusal.status(), Some(400));
    assert_eq!(refused(&tenant).await, [because("device-duplicate")]);
    assert_eq!(enrollment(&tenant, "D-1").await["device"]["serial_number"], "C02XYZ");
    assert!(device.idle().await.expect("it is its own").is_none());

    // Whoever knows that the first one is gone says so.
    tenant.post("enrollments/D-1/retire", json!({})).await.expect(200);
    clone.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    assert_eq!(enrollment(&tenant, "D-1").await["device"]["serial_number"], "C02ABC");
}

#[tokio::test]
async fn the_same_device_enrolls_again_with_a_new_identity_from_a_new_link() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let former = enrolled(&app, &tenant, "D-1").await;
    let again = enrolled(&app, &tenant, "D-1").await;
    assert!(again.idle().await.expect("it is known").is_none());
    assert!(refused(&tenant).await.is_empty());
    // The former identity speaks for nobody any more.
    assert_eq!(former.idle().await.unwrap_err().status(), Some(400));
    assert_eq!(refused(&tenant).await, [because("identity-not-bound")]);
}

#[tokio::test]
async fn a_retired_device_leaves_the_lists_and_keeps_its_history() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let user = device.user("U-1", "jo");
    user.token_update(None).await.expect("the channel begins");
    let uuid = queue(&tenant, "D-1", "ProfileList").await;
    for _ in 0..2 {
        let retired = tenant.post("enrollments/D-1/retire", json!({})).await.expect(200);
        assert_eq!(retired.json["state"], "removed");
    }
    assert_eq!(tenant.get("enrollments").await.expect(200).json["enrollments"], json!([]));
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "removed");
    assert_eq!(enrollment(&tenant, "D-1:U-1").await["state"], "removed");
    assert_eq!(crate::devices::status(&tenant, &uuid).await, "Dropped");
    assert_eq!(tenant.get("access?udid=D-1").await.expect(200).json["reason"], "removed");
    // 400, not 401: it keeps its profile, and is not heard.
    assert_eq!(device.idle().await.unwrap_err().status(), Some(400));
    let path = tenant.path("enrollments/D-9/retire");
    tenant.admin.call(Method::POST, &path, Vec::new()).await.expect(404);
    let entries = tenant.get("audit").await.expect(200).json["entries"].clone();
    let retired = entries.as_array().unwrap().iter().filter(|entry| entry["action"] == "device-retired");
    assert_eq!(retired.count(), 1);
}
