//! Devices that stay their owners' (User Enrollment), and iPads that many people share.

use pomarium_local::device::{Reply, SHARED_IPAD_USER, SimDevice};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::{enrolled, enrollment, pass_seconds, queue, status};

async fn link(tenant: &Tenant, body: Value) -> String {
    let made = tenant.post("enrollment-links", body).await.expect(201).json;
    made["url"].as_str().unwrap().to_owned()
}

/// A device that its owner enrolled, and the tenant.
async fn owners_device(app: &TestApp, settings: Value) -> (Tenant, SimDevice) {
    let tenant = app.ready_tenant("Green School").await;
    let path = tenant.path("enrollment-settings");
    tenant.admin.call(Method::PUT, &path, settings.to_string().into()).await.expect(200);
    let terms = json!({"user_enrollment": true, "managed_apple_account": "jo@green.example"});
    let mut device = SimDevice::new("E-1", "C02XYZ", "Jo's own iPhone");
    device.enroll(&link(&tenant, terms).await, &app.runner.apns).await.expect("it enrolls");
    (tenant, device)
}

#[tokio::test]
async fn an_owner_enrolls_without_giving_rights_or_saying_which_device_it_is() {
    let app = TestApp::start().await;
    let with_password = json!({"removal": {"rule": "with-password", "password": "open sesame"}});
    let (tenant, mut device) = owners_device(&app, with_password).await;
    let profile = device.profile().unwrap();
    assert_eq!((profile.access_rights, profile.is_user_enrollment()), (None, true));
    assert_eq!(profile.managed_apple_account.as_deref(), Some("jo@green.example"));
    let shown = enrollment(&tenant, "E-1").await;
    assert_eq!((&shown["state"], &shown["device"]["serial_number"]), (&json!("enrolled"), &Value::Null));
    assert_eq!(shown["device"]["user_enrollment"], true);

    pass_seconds(&app, 1);
    let uuid = queue(&tenant, "E-1", "ProfileList").await;
    pass_seconds(&app, 1);
    device.answer_all().await.expect("it works");
    assert_eq!(status(&tenant, &uuid).await, "Acknowledged");
    let shown = tenant.get("enrollment-links").await.expect(200).json["links"][0].clone();
    assert_eq!(
        (&shown["user_enrollment"], &shown["managed_apple_account"]),
        (&json!(true), &json!("jo@green.example"))
    );
}

#[tokio::test]
async fn its_user_has_a_channel_by_both_identifiers() {
    let app = TestApp::start().await;
    let (tenant, device) = owners_device(&app, json!({})).await;
    let mut user = device.user("EU-1", "jo");
    user.listen(&app.runner.apns).expect("a push token");
    user.token_update(None).await.expect("the channel begins");
    assert_eq!(enrollment(&tenant, "E-1:EU-1").await["state"], "enrolled");
    let for_user = queue(&tenant, "E-1:EU-1", "ProfileList").await;
    assert_eq!(device.idle().await.expect("nothing for the device"), None);
    assert_eq!(user.answer_all().await.expect("it answers")[0].uuid, for_user);
    device.check_out().await.expect("the device leaves");
    assert_eq!(enrollment(&tenant, "E-1:EU-1").await["state"], "removed");
}

#[tokio::test]
async fn a_command_that_an_owners_device_refuses_comes_with_a_warning() {
    let app = TestApp::start().await;
    let (tenant, mut device) = owners_device(&app, json!({})).await;
    for (request_type, warned) in [("EraseDevice", true), ("RestartDevice", true), ("ProfileList", false)] {
        let order = json!({"targets": ["E-1"], "command": {"RequestType": request_type}});
        let sent = tenant.post("commands", order).await.expect(201).json;
        let codes: Vec<_> = sent["warnings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|warning| warning["code"].clone())
            .collect();
        assert_eq!(codes.contains(&json!("user-enrollment")), warned, "{request_type}: {codes:?}");
        if warned {
            device.will_answer(request_type, Reply::Error(Vec::new()));
        }
        pass_seconds(&app, 1);
        device.answer_all().await.expect("it answers");
        let expected = if warned { "Error" } else { "Acknowledged" };
        assert_eq!(status(&tenant, sent["command_uuid"].as_str().unwrap()).await, expected);
    }
}

#[tokio::test]
async fn an_owner_has_no_phases_to_go_through() {
    let app = TestApp::start().await;
    let (tenant, _) = owners_device(&app, json!({"method": "over-the-air"})).await;
    assert_eq!(enrollment(&tenant, "E-1").await["state"], "enrolled");
}

#[tokio::test]
async fn an_owners_identity_may_come_with_the_profile() {
    let app = TestApp::start().await;
    let (tenant, device) = owners_device(&app, json!({"identity": "pkcs12"})).await;
    assert!(device.profile().unwrap().is_user_enrollment());
    assert_eq!(enrollment(&tenant, "E-1").await["state"], "enrolled");
}

#[tokio::test]
async fn what_cannot_be_enforced_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for (terms, problem, field) in [
        (json!({"user_enrollment": true, "devices": ["C02XYZ"]}), "link-devices", "devices"),
        (
            json!({"managed_apple_account": "jo@green.example"}),
            "managed-apple-account",
            "managed_apple_account",
        ),
        (
            json!({"user_enrollment": true, "managed_apple_account": "jo"}),
            "json-body",
            "managed_apple_account",
        ),
    ] {
        let refused = tenant.post("enrollment-links", terms).await.expect(400);
        assert_eq!((refused.problem(), &refused.json["field"]), (problem, &json!(field)));
    }
}

#[tokio::test]
async fn people_who_share_an_ipad_are_told_apart_by_their_names() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let ipad = enrolled(&app, &tenant, "D-1").await;
    let mut users = ["jo@green.example", "kim@green.example"].map(|name| ipad.user(SHARED_IPAD_USER, name));
    for user in &mut users {
        user.listen(&app.runner.apns).expect("a push token");
        user.token_update(None).await.expect("the channel begins");
        assert_eq!(enrollment(&tenant, &user.id()).await["state"], "enrolled");
    }
    let [jo, kim] = &mut users;
    assert_eq!((jo.id().as_str(), kim.id().as_str()), ("D-1:jo@green.example", "D-1:kim@green.example"));
    let for_kim = queue(&tenant, "D-1:kim@green.example", "ProfileList").await;
    app.deliver_hints().await;
    assert_eq!((jo.pushes_waiting(), kim.pushes_waiting()), (0, 1));
    assert_eq!(jo.idle().await.expect("nothing for Jo"), None);
    assert_eq!(kim.answer_all().await.expect("it answers")[0].uuid, for_kim);

    kim.check_out().await.expect("Kim is taken off the iPad");
    assert_eq!(enrollment(&tenant, "D-1:kim@green.example").await["state"], "removed");
    assert_eq!(enrollment(&tenant, "D-1:jo@green.example").await["state"], "enrolled");
    let asked = kim.send_checkin("UserAuthenticate", plist::Dictionary::new()).await.expect("an answer");
    assert_eq!(asked.status, 410);
}
