//! An administrator unenrolls a device: it is woken and told so with the code that its system knows, and nobody else is.

use pomarium_local::device::{DeviceError, SimDevice};
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};

use crate::devices::{enrolled, enrollment, outcome, pass_seconds, queue};
use crate::sweeper::lose_hints;

const REASON: &str = "The iPad goes back to the school's office.";

async fn unenroll(tenant: &Tenant, udid: &str) -> Value {
    tenant.post(&format!("enrollments/{udid}/unenroll"), json!({"reason": REASON})).await.expect(200).json
}

/// The tenant's events, latest first.
async fn events(tenant: &Tenant) -> Vec<Value> {
    tenant.get("events").await.expect(200).json["events"].as_array().unwrap().clone()
}

fn status_of(error: &DeviceError) -> (Option<u16>, Option<&str>) {
    if let DeviceError::Unenrolled { status, message } = error {
        (Some(*status), message.as_deref())
    } else {
        (error.status(), Some("it is not unenrolled"))
    }
}

#[tokio::test]
async fn an_unenrolled_device_is_woken_and_told_as_often_as_it_asks() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let user = device.user("U-1", "jo");
    user.token_update(None).await.expect("the channel begins");
    app.deliver_hints().await;
    let uuid = queue(&tenant, "D-1", "ProfileList").await;
    app.deliver_hints().await;
    assert!(device.wait_for_push().await);

    pass_seconds(&app, 1);
    let told = unenroll(&tenant, "D-1").await;
    assert_eq!((&told["state"], &told["unenroll_reason"]), (&json!("unenrolling"), &json!(REASON)));
    app.deliver_hints().await;
    assert!(device.wait_for_push().await);
    assert_eq!(outcome(&tenant, &uuid).await["status"], "Dropped");
    assert_eq!(tenant.get("access?udid=D-1").await.expect(200).json["reason"], "removed");
    let listed = tenant.get("enrollments?state=unenrolling").await.expect(200).json;
    assert_eq!(listed["enrollments"][0]["id"], "D-1");
    let order = json!({"targets": ["D-1"], "command": {"RequestType": "ProfileList"}});
    assert_eq!(tenant.post("commands", order).await.expect(409).problem(), "not-enrolled");

    // Its answer may be lost: it is told again. Its users are told on its behalf.
    for attempt in 0..2 {
        let farewell = device.idle().await.expect_err("it is to go");
        assert_eq!(status_of(&farewell), (Some(403), Some(REASON)), "attempt {attempt}");
    }
    let farewell = user.idle().await.expect_err("it is to go");
    assert_eq!(status_of(&farewell), (Some(403), Some(REASON)));
    for refused in [device.token_update(None).await, device.authenticate().await] {
        assert_eq!(status_of(&refused.expect_err("it is to go")), (Some(403), Some(REASON)));
    }
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "removed");
    assert_eq!(tenant.get("enrollments").await.expect(200).json["enrollments"], json!([]));

    // It obeys, and says so as devices do: once.
    pass_seconds(&app, 1);
    device.check_out().await.expect("that is what it was told");
    assert_eq!(device.check_out().await.expect_err("nobody").status(), Some(400));
    assert_eq!(device.idle().await.expect_err("nobody").status(), Some(400));
    let mut log = events(&tenant).await;
    // Its word after that is a stranger's.
    log.retain(|event| event["action"] != "duplicate-refused");
    let actions: Vec<_> = log.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions[..2], ["checked-out", "device-unenrolled"]);
    assert_eq!(log[1]["facts"]["reason"], REASON);
}

#[tokio::test]
async fn older_systems_are_told_by_401() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for (udid, os, expected) in
        [("D-16", "16.7.2", (Some(401), None)), ("D-17", "17.0", (Some(403), Some(REASON)))]
    {
        let mut device = SimDevice::new(udid, udid, "Jo's iPad").running(os);
        device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
        unenroll(&tenant, udid).await;
        assert_eq!(status_of(&device.idle().await.expect_err("it is to go")), expected);
    }
}

#[tokio::test]
async fn who_is_unenrolled_leaves_by_itself_and_may_come_back_by_a_new_link() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let life = enrolled(&app, &tenant, "D-1").await.live();
    unenroll(&tenant, "D-1").await;
    app.deliver_hints().await;
    life.await.expect("it removes its enrollment");
    assert_eq!(events(&tenant).await[0]["enrollment"], "D-1");
    assert_eq!(
        tenant.post("enrollments/D-1/unenroll", json!({"reason": REASON})).await.problem(),
        "not-enrolled"
    );
    let back = enrolled(&app, &tenant, "D-1").await;
    assert_eq!(back.idle().await.expect("it is enrolled"), None);
    assert_eq!(enrollment(&tenant, "D-1").await["unenroll_reason"], Value::Null);
}

#[tokio::test]
async fn a_lost_wake_up_is_repaired_by_the_sweep() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    unenroll(&tenant, "D-1").await;
    // The hint is lost.
    lose_hints(&app).await;
    assert_eq!(device.pushes_waiting(), 0);
    pass_seconds(&app, 3_600);
    app.sweep().await;
    app.deliver_hints().await;
    assert_eq!(device.pushes_waiting(), 1);
    // Repeating the order wakes it once more, and writes nothing.
    unenroll(&tenant, "D-1").await;
    app.deliver_hints().await;
    assert_eq!(device.pushes_waiting(), 2);
    let audit = tenant.get("audit?action=device-dismissed").await.expect(200).json;
    assert_eq!(audit["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stranger_who_speaks_for_an_unenrolled_device_is_not_told() {
    let app = TestApp::start().await;
    let (green, blue) = (app.ready_tenant("Green School").await, app.ready_tenant("Blue School").await);
    let device = enrolled(&app, &green, "D-1").await;
    let mut other = enrolled(&app, &green, "D-2").await;
    let foreign = blue.post("enrollments/D-1/unenroll", json!({"reason": REASON})).await.expect(404);
    assert_eq!(foreign.problem(), "not-found");
    unenroll(&green, "D-1").await;
    let own = other.identity().unwrap().clone();
    let mut thief = SimDevice::new("D-1", "C02XYZ", "A thief");
    thief.set_profile(device.profile().unwrap().clone());
    thief.set_identity(own);
    assert_eq!(thief.idle().await.expect_err("it is another").status(), Some(400));
    assert!(other.answer_all().await.expect("nobody unenrolled it").is_empty());
}

#[tokio::test]
async fn an_order_without_a_reason_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    let refused = tenant.post("enrollments/D-1/unenroll", json!({"reason": " "})).await.expect(400);
    assert_eq!((refused.problem(), &refused.json["field"]), ("unenroll-reason", &json!("reason")));
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "enrolled");
}
