//! Two tenants on one server, whose devices even share their names: neither sees, reaches or disturbs the other.

use pomarium_local::device::{Ask, DeviceError, Digest, ScepClient, SimDevice, distinguished_name, sign};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::pki::scep::MessageType;
use shared::protocol::body;
use shared::protocol::report::Status;

use crate::crypto::KEY;
use crate::devices::enrolled;
use crate::stored::{everything, unchanged};

/// A school with two devices; the first has the same name in every school.
struct School {
    tenant: Tenant,
    devices: Vec<SimDevice>,
    own_device: String,
    token: String,
    command: String,
}

impl School {
    async fn new(app: &TestApp, name: &str) -> Self {
        let tenant = app.ready_tenant(name).await;
        let own_device = format!("{}-1", &name[..1]);
        let mut devices = Vec::new();
        for udid in ["D-1", own_device.as_str()] {
            devices.push(enrolled(app, &tenant, udid).await);
        }
        let made = tenant.post("tokens", json!({"name": "ci", "role": "admin"})).await.expect(201);
        let sent = tenant.post("commands", order("D-1", "DeviceInformation")).await.expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            token: text(&made.json["id"]),
            command: text(&sent.json["command_uuid"]),
            tenant,
            devices,
            own_device,
        }
    }

    fn url(&self) -> String {
        format!("/{}/", self.tenant.id)
    }
}

fn order(target: &str, request_type: &str) -> Value {
    json!({"targets": [target], "command": {"RequestType": request_type}})
}

#[tokio::test]
async fn what_is_one_tenants_does_not_exist_for_the_other() {
    let app = TestApp::start().await;
    let green = School::new(&app, "Green School").await;
    let blue = School::new(&app, "Blue School").await;
    let before = everything(&app).await;
    for (mine, theirs) in [(&green, &blue), (&blue, &green)] {
        let own = &mine.tenant;
        own.get(&format!("commands/{}", mine.command)).await.expect(200);
        own.get(&format!("commands/{}", theirs.command)).await.expect(404);
        own.get(&format!("enrollments/{}", theirs.own_device)).await.expect(404);
        let token = own.path(&format!("tokens/{}", theirs.token));
        own.admin.call(Method::DELETE, &token, Vec::new()).await.expect(404);
        own.post("commands", order(&theirs.own_device, "DeviceInformation")).await.expect(404);
        let both =
            json!({"targets": ["D-1", theirs.own_device], "command": {"RequestType": "DeviceInformation"}});
        own.post("commands", both).await.expect(404);

        let listed = own.get("enrollments").await.expect(200).text();
        assert!(listed.contains(&mine.own_device) && !listed.contains(&theirs.own_device));
        let tokens = own.get("tokens").await.expect(200).text();
        assert!(tokens.contains(&mine.token) && !tokens.contains(&theirs.token));
        let all = [own.get("push-certificate").await, own.get("identity-authority").await];
        let foreign = &theirs.tenant.get("push-certificate").await.json["active"]["topic"];
        assert!(all.iter().all(|answer| !answer.text().contains(foreign.as_str().unwrap())));
    }
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn a_link_opens_only_at_its_own_tenant() {
    let app = TestApp::start().await;
    let green = app.ready_tenant("Green School").await;
    let blue = app.ready_tenant("Blue School").await;
    let link = green.enrollment_link().await;
    let moved = link.replace(&green.id, &blue.id);
    assert_eq!(app.stranger().get(&moved).await.expect(404).problem(), "not-found");

    // Nor does its challenge obtain an identity from the other's authority.
    let mut device = SimDevice::new("D-1", "C02XYZ", "iPad");
    device.open_link(&link).await.expect("it opens");
    let profile = device.profile().unwrap();
    let subject = distinguished_name(&profile.scep().unwrap().subject).unwrap();
    let ask = Ask {
        message_type: MessageType::PkcsReq,
        subject: &subject,
        key: &KEY,
        challenge: Some(&profile.scep().unwrap().challenge),
        signer: None,
    };
    let astray =
        ScepClient::new(&profile.scep().unwrap().url.replace(&green.id, &blue.id)).request(&ask).await;
    assert!(matches!(astray, Err(DeviceError::IdentityRefused(_))), "{astray:?}");
    device.enroll(&link, &app.runner.apns).await.expect("the link was not used up");
}

#[tokio::test]
async fn devices_of_the_same_name_get_their_own_tenants_commands() {
    let app = TestApp::start().await;
    let mut green = School::new(&app, "Green School").await;
    let mut blue = School::new(&app, "Blue School").await;
    let (url, own) = (blue.url(), green.url());
    // A device that calls the other tenant's URL is nobody there.
    let message = green.devices[0].poll_message(Status::Idle, None, plist::Dictionary::new());
    let body = body::to_xml(&plist::Value::Dictionary(message)).unwrap();
    let identity = green.devices[0].identity().unwrap();
    let signature = sign(&body, identity, Digest::Sha256).unwrap();
    for (tenant, status) in [(&url, 400), (&own, 200)] {
        let path = format!("/mdm{tenant}command");
        let answer = app.stranger().message(Method::PUT, &path, Some(&signature), body.clone()).await;
        assert_eq!(answer.status, status);
    }
    app.deliver_hints().await;
    for school in [&mut green, &mut blue] {
        let done = school.devices[0].answer_all().await.expect("it works");
        assert_eq!(done.iter().map(|done| &done.uuid).collect::<Vec<_>>(), [&school.command]);
        assert!(school.devices[1].answer_all().await.expect("it works").is_empty());
    }
    // Each was woken on its own topic, once.
    let pushes = app.runner.apns.pushes();
    assert_eq!(pushes.len(), 2);
    assert_ne!(pushes[0].topic, pushes[1].topic);
}

#[tokio::test]
async fn the_same_command_uuid_may_be_used_by_both() {
    let app = TestApp::start().await;
    let green = School::new(&app, "Green School").await;
    let blue = School::new(&app, "Blue School").await;
    let uuid = "0A0A0A0A-0000-4000-8000-00000000000B";
    for school in [&green, &blue] {
        let mut order = order("D-1", "ProfileList");
        order["command_uuid"] = json!(uuid);
        school.tenant.post("commands", order).await.expect(201);
    }
    let done = {
        let School { mut devices, .. } = green;
        devices[0].answer_all().await.expect("it works")
    };
    assert_eq!(done.len(), 2);
    let status = |answer: &Value| answer["targets"][0]["status"].clone();
    let blues = blue.tenant.get(&format!("commands/{uuid}")).await.expect(200);
    assert_eq!(status(&blues.json), "Pending");
}
