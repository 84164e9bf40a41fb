//! A device's life, from the link to its last word.

use pomarium_local::apns::ReceivedPush;
use pomarium_local::device::{Digest, Reply, ServedProfile, SimDevice, Url};
use pomarium_tests::TestApp;
use serde_json::json;
use shared::protocol::report::Status;

use crate::devices::{enrolled, enrollment, outcome, queue, status, uuid_of};

#[tokio::test]
async fn a_life_signed_with_sha_256() {
    a_life(Digest::Sha256).await;
}

#[tokio::test]
async fn a_life_signed_as_apples_devices_do() {
    a_life(Digest::Sha1).await;
}

async fn a_life(digest: Digest) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = tenant.get("push-certificate").await.expect(200).json["active"]["topic"].clone();
    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad").signing(digest);
    device.open_link(&tenant.enrollment_link().await).await.expect("the link holds a profile");
    assert_eq!(device.profile().expect("installed").topic, topic);
    device.obtain_identity().await.expect("SCEP gives an identity");

    device.authenticate().await.expect("Authenticate is accepted");
    let told = enrollment(&tenant, "D-1").await;
    assert_eq!(
        (&told["state"], &told["device"]["serial_number"]),
        (&json!("authenticated"), &json!("C02XYZ"))
    );
    let too_early = json!({"targets": ["D-1"], "command": {"RequestType": "DeviceInformation"}});
    assert_eq!(tenant.post("commands", too_early.clone()).await.expect(409).problem(), "not-enrolled");

    device.listen(&app.runner.apns).expect("a push token");
    device.token_update(Some(b"unlock")).await.expect("TokenUpdate is accepted");
    let told = enrollment(&tenant, "D-1").await;
    assert_eq!((&told["state"], &told["topic"]), (&json!("enrolled"), &topic));
    assert_eq!(told["has_unlock_token"], true);

    let sent = uuid_of(&tenant.post("commands", too_early.clone()).await.expect(201));
    assert_eq!(status(&tenant, &sent).await, "Pending");
    assert_eq!(app.deliver_hints().await, 1);
    assert_eq!(app.runner.apns.pushes(), [expected_push(&app, &device)]);
    assert!(device.wait_for_push().await);

    let done = device.answer_all().await.expect("the device answers");
    let done: Vec<_> = done.iter().map(|done| (done.uuid.as_str(), done.status)).collect();
    assert_eq!(done, [(sent.as_str(), Status::Acknowledged)]);
    let shown = outcome(&tenant, &sent).await;
    assert_eq!(shown["status"], "Acknowledged");
    assert_eq!(shown["result"]["QueryResponses"]["SerialNumber"], "C02XYZ");
    assert_eq!(shown["result"]["QueryResponses"]["BatteryLevel"], 0.86);

    device.check_out().await.expect("CheckOut is accepted");
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "removed");
    assert_eq!(device.idle().await.expect_err("it is over").status(), Some(400));
    assert_eq!(device.token_update(None).await.expect_err("it is over").status(), Some(400));
    assert_eq!(tenant.post("commands", too_early).await.expect(409).problem(), "not-enrolled");
}

/// What Apple must have received for this device: nothing else than its magic word, for seven days.
fn expected_push(app: &TestApp, device: &SimDevice) -> ReceivedPush {
    let topic = device.profile().expect("installed").topic.clone();
    ReceivedPush {
        connection: 1,
        certificate_topic: topic.clone(),
        topic,
        push_type: "mdm".to_owned(),
        priority: "10".to_owned(),
        expiration: Some(app.clock.now().as_second() + 7 * 86_400),
        token: hex::encode(device.push_token()),
        magic: Some(device.push_magic().to_owned()),
        status: Some(200),
    }
}

#[tokio::test]
async fn the_profile_is_signed_the_same_each_time_and_unsigned_on_request() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let link = tenant.enrollment_link().await;
    let served = app.stranger().get(&link).await.expect(200);
    assert_eq!(served.header("content-type"), Some("application/x-apple-aspen-config"));
    assert_eq!(served.header("content-disposition"), Some("attachment; filename=\"enroll.mobileconfig\""));
    let signed = ServedProfile::read(&served.bytes).expect("a signed profile");
    assert!(signed.signer.is_some());
    assert_eq!(signed.display_name, "Green School MDM");

    let served = app.stranger().get(&format!("{link}?unsigned=1")).await.expect(200);
    let unsigned = ServedProfile::read(&served.bytes).expect("a profile");
    assert!(unsigned.signer.is_none());
    assert_eq!(unsigned.scep().unwrap().challenge, signed.scep().unwrap().challenge);
    assert_eq!(unsigned.identifier, signed.identifier);
}

#[tokio::test]
async fn a_link_enrolls_one_device_and_then_opens_no_more() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let link = tenant.enrollment_link().await;
    let mut first = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    first.enroll(&link, &app.runner.apns).await.expect("it enrolls");
    let mut second = SimDevice::new("D-2", "C02ABC", "Another");
    assert_eq!(second.enroll(&link, &app.runner.apns).await.expect_err("it was used").status(), Some(409));
    assert_eq!(app.stranger().get(&link).await.problem(), "link-over");
}

#[tokio::test]
async fn who_enrolls_anew_leaves_its_former_identity_behind() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let former = enrolled(&app, &tenant, "D-1").await;
    let present = enrolled(&app, &tenant, "D-1").await;
    assert_eq!(former.idle().await.expect_err("it is another life").status(), Some(400));
    assert_eq!(former.check_out().await.expect_err("it is another life").status(), Some(400));
    assert_eq!(present.idle().await.expect("the present one is good"), None);
}

#[tokio::test]
async fn a_device_that_lives_by_itself_needs_nobody() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    device.will_answer("RestartDevice", Reply::FormatError);
    let token = device.push_token().to_vec();
    let life = device.live();
    let sent = [queue(&tenant, "D-1", "RestartDevice").await, queue(&tenant, "D-1", "ProfileList").await];
    app.deliver_hints().await;
    while enrollment(&tenant, "D-1").await["waiting_commands"] != 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&tenant, &sent[0]).await, "CommandFormatError");
    let profiles = outcome(&tenant, &sent[1]).await;
    assert_eq!(profiles["result"]["ProfileList"][0]["PayloadDisplayName"], "Green School MDM");
    let topic = tenant.get("push-certificate").await.expect(200).json["active"]["topic"].clone();
    let _another = app.runner.apns.register(&token, topic.as_str().unwrap_or_default(), "another's");
    life.await.expect("it ends when its push token is another's");
}

#[tokio::test]
async fn devices_of_two_tenants_never_meet() {
    let app = TestApp::start().await;
    let (green, blue) = (app.ready_tenant("Green School").await, app.ready_tenant("Blue School").await);
    // The same UDID in both: a device may change hands.
    let mut in_green = enrolled(&app, &green, "D-1").await;
    let mut in_blue = enrolled(&app, &blue, "D-1").await;
    let for_green = queue(&green, "D-1", "SecurityInfo").await;
    let for_blue = queue(&blue, "D-1", "ProfileList").await;
    app.deliver_hints().await;
    assert_eq!((in_green.pushes_waiting(), in_blue.pushes_waiting()), (1, 1));
    let (green_did, blue_did) = tokio::join!(in_green.answer_all(), in_blue.answer_all());
    let (green_did, blue_did) = (green_did.expect("it answers"), blue_did.expect("it answers"));
    assert_eq!((green_did.len(), blue_did.len()), (1, 1));
    assert_eq!((&green_did[0].uuid, &blue_did[0].uuid), (&for_green, &for_blue));
    assert_eq!(blue.get(&format!("commands/{for_green}")).await.status, 404);
}

#[tokio::test]
async fn a_device_at_another_tenants_door_is_refused() {
    let app = TestApp::start().await;
    let (green, blue) = (app.ready_tenant("Green School").await, app.ready_tenant("Blue School").await);
    let mut stray = enrolled(&app, &green, "D-1").await;
    let resident = enrolled(&app, &blue, "D-1").await;
    stray.set_profile(resident.profile().expect("installed").clone());
    let idle = stray.poll_message(Status::Idle, None, plist::Dictionary::new());
    let answer = stray.send(Url::Server, &idle).await.expect("an answer");
    assert_eq!((answer.status, answer.body), (400, Vec::new()));
    for refused in [stray.authenticate().await, stray.token_update(None).await, stray.check_out().await] {
        assert_eq!(refused.expect_err("not this tenant's").status(), Some(400));
    }
    assert_eq!(enrollment(&blue, "D-1").await["state"], "enrolled");
}
