//! Profiles that bring their identity along (PKCS#12): made for one profile, used by one device, within the link's limits.

use openssl::x509::X509;
use pomarium_local::device::{DeviceError, IdentityPayload, ServedProfile, SimDevice};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::pki::scep::MessageType;

use crate::devices::{enrollment, pass_seconds, queue, status};
use crate::idle_cost::proxy::Proxy;

/// A tenant whose profiles bring their identities along.
pub(crate) async fn carrying_tenant(app: &TestApp) -> Tenant {
    let tenant = app.ready_tenant("Green School").await;
    choose(&tenant, "pkcs12").await.expect(200);
    tenant
}

async fn choose(tenant: &Tenant, identity: &str) -> Answer {
    let settings = json!({"identity": identity}).to_string();
    tenant.admin.call(Method::PUT, &tenant.path("enrollment-settings"), settings.into()).await
}

/// A device with the profile behind a link, and the identity in it.
async fn holding(url: &str, udid: &str) -> SimDevice {
    let mut device = SimDevice::new(udid, udid, "Jo's iPad");
    device.open_link(url).await.expect("a profile");
    device.obtain_identity().await.expect("the profile brings it along");
    device
}

fn certificate(device: &SimDevice) -> X509 {
    device.identity().expect("it has one").certificate.clone()
}

#[track_caller]
fn refused(begun: Result<(), DeviceError>) {
    assert_eq!(begun.expect_err("it may not begin").status(), Some(400));
}

#[tokio::test]
async fn a_device_enrolls_with_the_identity_in_its_profile_and_takes_a_command() {
    let app = TestApp::start().await;
    let tenant = carrying_tenant(&app).await;
    assert_eq!(tenant.get("enrollment-settings").await.expect(200).json["identity"], "pkcs12");
    let (id, url) = tenant.link_with(json!({"group": "Year 7"})).await;
    let mut device = SimDevice::new("D-1", "C02AAA", "Jo's iPad");
    device.enroll(&url, &app.runner.apns).await.expect("it enrolls");
    assert!(matches!(device.profile().unwrap().identity, IdentityPayload::Pkcs12(_)));
    assert_eq!(enrollment(&tenant, "D-1").await["groups"], json!(["Year 7"]));

    pass_seconds(&app, 1);
    let uuid = queue(&tenant, "D-1", "ProfileList").await;
    pass_seconds(&app, 1);
    device.answer_all().await.expect("it works");
    assert_eq!(status(&tenant, &uuid).await, "Acknowledged");

    let shown = tenant.get(&format!("enrollment-links/{id}")).await.expect(200).json;
    assert_eq!((&shown["state"], &shown["used"]), (&json!("used"), &json!(1)));
    assert_eq!(shown["used_by"][0]["enrollment"], "D-1");
    let calendar = tenant.get("expirations").await.expect(200).text();
    assert!(calendar.contains("\"issued\":1"), "{calendar}");
    assert_eq!(app.stranger().get(&url).await.expect(409).problem(), "link-over");
}

#[tokio::test]
async fn of_two_downloads_of_a_link_for_one_device_the_first_to_enroll_counts() {
    let app = TestApp::start().await;
    let tenant = carrying_tenant(&app).await;
    let (id, url) = tenant.link_with(json!({})).await;
    let (first, second) = (holding(&url, "D-1").await, holding(&url, "D-2").await);
    assert_ne!(certificate(&first), certificate(&second));
    assert!(
        !certificate(&first).public_key().unwrap().public_eq(&certificate(&second).public_key().unwrap())
    );
    let shown = tenant.get(&format!("enrollment-links/{id}")).await.expect(200).json;
    assert_eq!((&shown["state"], &shown["used"]), (&json!("open"), &json!(0)), "a download uses nothing up");

    second.authenticate().await.expect("it begins");
    refused(first.authenticate().await);
    tenant.get("enrollments/D-1").await.expect(404);
    second.authenticate().await.expect("its answer may have been lost");
    let shown = tenant.get(&format!("enrollment-links/{id}")).await.expect(200).json;
    assert_eq!((&shown["state"], &shown["used"]), (&json!("used"), &json!(1)));
}

#[tokio::test]
async fn an_identity_waits_no_longer_than_its_link_allows() {
    let app = TestApp::start().await;
    let tenant = carrying_tenant(&app).await;
    let (_, shared) = tenant.link_with(json!({"uses": 3})).await;
    let (in_time, late) = (holding(&shared, "D-1").await, holding(&shared, "D-2").await);
    pass_seconds(&app, 3_599);
    in_time.authenticate().await.expect("it begins");
    pass_seconds(&app, 1);
    refused(late.authenticate().await);

    let (_, ends) = tenant.link_with(json!({"valid_days": 1})).await;
    let late = holding(&ends, "D-3").await;
    app.pass_days(1);
    refused(late.authenticate().await);

    let (id, revoked) = tenant.link_with(json!({"uses": 3})).await;
    let late = holding(&revoked, "D-4").await;
    let path = tenant.path(&format!("enrollment-links/{id}"));
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
    refused(late.authenticate().await);

    let (_, named) = tenant.link_with(json!({"devices": ["D-6"]})).await;
    refused(holding(&named, "D-5").await.authenticate().await);
    holding(&named, "D-6").await.authenticate().await.expect("it is named");
}

#[tokio::test]
async fn a_file_installed_again_serves_the_same_device_and_no_other() {
    let app = TestApp::start().await;
    let tenant = carrying_tenant(&app).await;
    let (_, url) = tenant.link_with(json!({})).await;
    let mut device = holding(&url, "D-1").await;
    let (profile, identity) = (device.profile().unwrap().clone(), device.identity().unwrap().clone());
    device.authenticate().await.expect("it begins");

    // In between it enrolls with another.
    let (_, other) = tenant.link_with(json!({})).await;
    device.enroll(&other, &app.runner.apns).await.expect("it enrolls");
    device.set_profile(profile.clone());
    device.set_identity(identity.clone());
    device.authenticate().await.expect("the file is its own");

    let mut thief = SimDevice::new("D-2", "D-2", "Another");
    thief.set_profile(profile);
    thief.set_identity(identity);
    refused(thief.authenticate().await);
}

#[tokio::test]
async fn the_setting_changes_no_installed_enrollment_and_no_profile_that_was_served() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut enrolled = SimDevice::new("D-1", "D-1", "Jo's iPad");
    enrolled.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    let (_, url) = tenant.link_with(json!({})).await;
    let mut served = SimDevice::new("D-2", "D-2", "Jo's iPad");
    served.open_link(&url).await.expect("a profile");
    let direct = url.replace("/enroll/", "/scep/").replacen(
        &format!("{}/", tenant.id),
        &format!("{}/profile/", tenant.id),
        1,
    );
    app.stranger().get(&direct).await.expect(404);

    choose(&tenant, "pkcs12").await.expect(200);
    assert_eq!(enrolled.idle().await.expect("it is managed"), None);
    enrolled.renew_identity(MessageType::RenewalReq).await.expect("it is renewed as ever");
    served.obtain_identity().await.expect("the profile is good");
    served.authenticate().await.expect("it begins");
    assert_eq!(app.stranger().get(&direct).await.expect(409).problem(), "link-over");

    let carried = holding(&tenant.enrollment_link().await, "D-3").await;
    choose(&tenant, "scep").await.expect(200);
    carried.authenticate().await.expect("the profile is good");
}

#[tokio::test]
async fn a_link_leads_to_the_function_that_may_issue() {
    let app = TestApp::start().await;
    let tenant = carrying_tenant(&app).await;
    let (_, url) = tenant.link_with(json!({})).await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = http.get(format!("{url}/profile")).send().await.expect("an answer");
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(answer.status(), 303);
    assert!(location.contains(&format!("/scep/{}/profile/", tenant.id)), "{location}");
    let file = app.stranger().get(&location).await.expect(200);
    assert_eq!(file.header("content-type"), Some("application/x-apple-aspen-config"));
    assert_eq!(file.header("cache-control"), Some("no-store"));
    ServedProfile::read(&file.bytes).expect("a profile");
    let unknown = app.stranger().get(&format!("{location}x")).await.expect(404);
    assert_eq!(unknown.problem(), "not-found");
}

#[tokio::test]
async fn claiming_a_link_costs_authenticate_no_call_more() {
    let app = TestApp::start().await;
    let tenant = carrying_tenant(&app).await;
    let (_, url) = tenant.link_with(json!({})).await;
    let mut device = holding(&url, "D-1").await;
    let (proxy, address) = Proxy::start(&app).await;
    let mut profile = device.profile().unwrap().clone();
    profile.check_in_url = profile.check_in_url.replace(app.runner.base_url(), &address);
    device.set_profile(profile);
    proxy.take();
    device.authenticate().await.expect("it begins");
    // The first query is the cold process's look at the authorities.
    assert_eq!(proxy.take(), ["Query", "Query", "TransactWriteItems"]);
    device.authenticate().await.expect("it begins again");
    assert_eq!(proxy.take(), ["Query", "TransactWriteItems"]);
}
