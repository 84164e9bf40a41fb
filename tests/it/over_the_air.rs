//! Enrollment in phases: a device proves who it is before it gets a profile.

use pomarium_local::device::{DeviceError, Factory, ProfileService, ScepClient, ServedProfile, SimDevice};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::pki::scep::FailInfo;
use shared::pki::{Credential, profile_signature};

use crate::devices::{enrollment, pass_seconds, queue, status};
use crate::stored::{everything, unchanged};

/// A tenant that enrolls in phases.
async fn phased_tenant(app: &TestApp, name: &str) -> Tenant {
    let tenant = app.ready_tenant(name).await;
    choose(&tenant, json!({"method": "over-the-air"})).await.expect(200);
    tenant
}

async fn choose(tenant: &Tenant, settings: Value) -> Answer {
    tenant.admin.call(Method::PUT, &tenant.path("enrollment-settings"), settings.to_string().into()).await
}

/// A device as Apple makes them.
fn made(app: &TestApp, udid: &str) -> SimDevice {
    SimDevice::new(udid, udid, "Jo's iPad").made_by(&app.runner.factory).expect("a certificate")
}

async fn service(app: &TestApp, url: &str) -> ProfileService {
    let file = app.stranger().get(url).await.expect(200);
    ProfileService::read(&file.bytes).expect("a profile").expect("of the first phase")
}

#[track_caller]
fn refused<T>(answer: Result<T, DeviceError>) {
    assert_eq!(answer.err().expect("it is refused").status(), Some(400));
}

#[tokio::test]
async fn a_device_enrolls_in_phases_and_takes_a_command() {
    let app = TestApp::start().await;
    let tenant = phased_tenant(&app, "Green School").await;
    assert_eq!(tenant.get("enrollment-settings").await.expect(200).json["method"], "over-the-air");
    let (id, url) = tenant.link_with(json!({"group": "Year 7"})).await;
    let asked = service(&app, &url).await;
    assert_eq!(asked.attributes, ["UDID", "SERIAL", "PRODUCT", "VERSION", "IMEI", "MEID"]);
    ServedProfile::read(&app.stranger().get(&url).await.expect(200).bytes)
        .expect_err("it enrolls nobody yet");

    let mut device = made(&app, "D-1");
    device.enroll(&url, &app.runner.apns).await.expect("it enrolls");
    assert_eq!(enrollment(&tenant, "D-1").await["groups"], json!(["Year 7"]));
    pass_seconds(&app, 1);
    let uuid = queue(&tenant, "D-1", "ProfileList").await;
    pass_seconds(&app, 1);
    device.answer_all().await.expect("it works");
    assert_eq!(status(&tenant, &uuid).await, "Acknowledged");

    let shown = tenant.get(&format!("enrollment-links/{id}")).await.expect(200).json;
    assert_eq!((&shown["state"], &shown["used"]), (&json!("used"), &json!(1)));
    assert_eq!(shown["used_by"][0]["enrollment"], "D-1");
    assert_eq!(shown["used_by"].as_array().unwrap().len(), 1, "the phases' identity is no use of the link");
    assert_eq!(
        made(&app, "D-2").enroll(&url, &app.runner.apns).await.expect_err("it is used").status(),
        Some(409)
    );
}

#[tokio::test]
async fn a_device_that_is_not_admitted_gets_no_identity_at_all() {
    let app = TestApp::start().await;
    let tenant = phased_tenant(&app, "Green School").await;
    let (_, url) = tenant.link_with(json!({"uses": 5, "devices": ["d-1"]})).await;
    refused(made(&app, "D-2").phase_identity(&service(&app, &url).await).await);
    made(&app, "D-1").enroll(&url, &app.runner.apns).await.expect("it is named");
}

#[tokio::test]
async fn each_phase_may_be_repeated_by_its_own_device_only() {
    let app = TestApp::start().await;
    let tenant = phased_tenant(&app, "Green School").await;
    let (_, url) = tenant.link_with(json!({"uses": 5})).await;
    let asked = service(&app, &url).await;
    let mut device = made(&app, "D-1");
    device.phase_identity(&asked).await.expect("an identity whose device never heard of it");
    let identity = device.phase_identity(&asked).await.expect("the phase again");
    refused(made(&app, "D-2").phase_identity(&asked).await);

    device.told(&asked, &identity).await.expect("an answer that was lost");
    let another = made(&app, "D-2").told(&asked, &identity).await.expect("an answer");
    assert_eq!((another.status, another.body.len()), (400, 0), "the identity is another device's");
    let profile =
        device.told(&asked, &identity).await.expect("an answer").accepted("the phase").expect("a profile");
    device.set_profile(ServedProfile::read(&profile.body).expect("a profile"));
    device.obtain_identity().await.expect("it is issued");
    device.authenticate().await.expect("it begins");

    // What was proven holds to the end: the last identity is this device's alone.
    let mut thief = SimDevice::new("D-2", "D-2", "Another");
    let profile = made(&app, "D-3").answer_service(&service(&app, &url).await).await.expect("a profile");
    thief.set_profile(profile);
    thief.obtain_identity().await.expect("the challenge is good");
    refused(thief.authenticate().await);
}

#[tokio::test]
async fn who_made_the_device_decides() {
    let app = TestApp::start().await;
    let tenant = phased_tenant(&app, "Green School").await;
    let (_, url) = tenant.link_with(json!({"uses": 5})).await;
    let asked = service(&app, &url).await;
    let elsewhere = Factory::new().expect("a factory");
    let mut copy = SimDevice::new("D-1", "D-1", "Copy").made_by(&elsewhere).expect("a certificate");
    refused(copy.phase_identity(&asked).await);
    refused(copy.enroll(&url, &app.runner.apns).await);
    let device = made(&app, "D-1");
    for nonsense in [Vec::new(), b"nonsense".to_vec(), vec![0x30; 5_000], vec![0; 300_000]] {
        let answer = device.sent(&asked.url, nonsense).await.expect("an answer");
        assert_eq!((answer.status, answer.body.len()), (400, 0));
    }
    let forged =
        ProfileService { challenge: shared::secret::Secret::new("forged".to_owned()), ..asked.clone() };
    refused(device.phase_identity(&forged).await);
    let mut others = asked.challenge.expose().clone();
    others.push('x');
    let forged = ProfileService { challenge: shared::secret::Secret::new(others), ..asked.clone() };
    refused(device.phase_identity(&forged).await);
    device.phase_identity(&asked).await.expect("nothing was lost");
}

#[tokio::test]
async fn an_identity_of_the_phases_is_good_for_nothing_else() {
    let app = TestApp::start().await;
    let tenant = phased_tenant(&app, "Green School").await;
    let (_, url) = tenant.link_with(json!({"uses": 5})).await;
    let asked = service(&app, &url).await;
    let mut device = made(&app, "D-1");
    let identity = device.phase_identity(&asked).await.expect("an identity");
    let profile = device.answer_service(&asked).await.expect("a profile");
    device.set_profile(profile);
    device.set_identity(identity.clone());
    refused(device.authenticate().await);
    tenant.get("enrollments/D-1").await.expect(404);

    // And an enrolled device's identity is none of the phases'.
    let mut enrolled = made(&app, "D-2");
    enrolled.enroll(&url, &app.runner.apns).await.expect("it enrolls");
    let answer = enrolled.told(&asked, enrolled.identity().unwrap()).await.expect("an answer");
    assert_eq!(answer.status, 400);
    // Nor does it last.
    pass_seconds(&app, 3_600);
    assert_eq!(device.told(&asked, &identity).await.expect("an answer").status, 400);
}

#[tokio::test]
async fn a_link_that_is_over_stops_every_phase() {
    let app = TestApp::start().await;
    let tenant = phased_tenant(&app, "Green School").await;
    let (id, url) = tenant.link_with(json!({"uses": 5})).await;
    let asked = service(&app, &url).await;
    let mut device = made(&app, "D-1");
    let identity: Credential = device.phase_identity(&asked).await.expect("an identity");
    device.set_profile(device.answer_service(&asked).await.expect("a profile"));
    let path = tenant.path(&format!("enrollment-links/{id}"));
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
    refused(device.phase_identity(&asked).await);
    assert_eq!(device.told(&asked, &identity).await.expect("an answer").status, 400);
    let issued = device.obtain_identity().await.expect_err("it is revoked");
    assert!(matches!(issued, DeviceError::IdentityRefused(FailInfo::BadRequest)), "{issued}");
}

#[tokio::test]
async fn nobody_steps_past_the_phases() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (_, url) = tenant.link_with(json!({})).await;
    let mut early = made(&app, "D-1");
    early.open_link(&url).await.expect("a profile of before");
    choose(&tenant, json!({"method": "over-the-air"})).await.expect(200);
    let issued = early.obtain_identity().await.expect_err("it proved nothing");
    assert!(matches!(issued, DeviceError::IdentityRefused(FailInfo::BadRequest)), "{issued}");
    early.enroll(&url, &app.runner.apns).await.expect("the link is still good");
    choose(&tenant, json!({})).await.expect(200);
    assert_eq!(early.idle().await.expect("it is managed"), None);
    ScepClient::new(&early.profile().unwrap().scep().unwrap().url)
        .authority()
        .await
        .expect("the same authority");
}

#[tokio::test]
async fn an_identity_in_the_profile_needs_no_phases() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let refused = choose(&tenant, json!({"method": "over-the-air", "identity": "pkcs12"})).await.expect(400);
    assert_eq!((refused.problem(), &refused.json["field"]), ("phases-need-scep", &json!("identity")));
}

#[tokio::test]
async fn a_message_of_one_tenant_is_nothing_at_another() {
    let app = TestApp::start().await;
    let (green, blue) = (phased_tenant(&app, "Green School").await, phased_tenant(&app, "Blue School").await);
    let (_, url) = green.link_with(json!({"uses": 5})).await;
    let asked = service(&app, &url).await;
    let astray = ProfileService { url: asked.url.replace(&green.id, &blue.id), ..asked.clone() };
    let device = made(&app, "D-1");
    let before = everything(&app).await;
    refused(device.phase_identity(&astray).await);
    unchanged(&app, &before).await;
    let identity = device.phase_identity(&asked).await.expect("an identity");
    assert_eq!(device.told(&astray, &identity).await.expect("an answer").status, 400);
    let message = profile_signature::sign(b"<plist version=\"1.0\"><dict/></plist>", &identity, &[]).unwrap();
    assert_eq!(device.sent(&asked.url, message).await.expect("an answer").status, 400);
}

#[tokio::test]
async fn the_devices_of_the_local_server_can_prove_who_they_are() {
    let app = TestApp::start().await;
    let tenant = phased_tenant(&app, "Green School").await;
    let (_, url) = tenant.link_with(json!({})).await;
    let device = app.stranger().post("/_local/devices", json!({"enroll": url})).await.expect(200).json;
    let udid = device["udid"].as_str().unwrap();
    assert_eq!(enrollment(&tenant, udid).await["state"], "enrolled");
}
