//! Enrollment links: how often, for whom, until when; and who used them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use pomarium_local::device::{
    Ask, DeviceError, IdentityPayload, ScepClient, ScepPayload, ServedProfile, SimDevice, distinguished_name,
};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::pki::scep::{FailInfo, MessageType};
use shared::secret::Secret;

use crate::devices::{enrollment, pass_seconds};

/// Makes a link; returns its identifier and its URL.
async fn link(tenant: &Tenant, body: Value) -> (String, String) {
    let made = tenant.post("enrollment-links", body).await.expect(201).json;
    (made["id"].as_str().unwrap().to_owned(), made["url"].as_str().unwrap().to_owned())
}

async fn enroll(app: &TestApp, link: &str, udid: &str, serial: &str) -> Result<SimDevice, DeviceError> {
    let mut device = SimDevice::new(udid, serial, "Jo's iPad");
    device.enroll(link, &app.runner.apns).await?;
    Ok(device)
}

async fn shown(tenant: &Tenant, link: &str) -> Value {
    tenant.get(&format!("enrollment-links/{link}")).await.expect(200).json
}

async fn opened(app: &TestApp, link: &str) -> ServedProfile {
    ServedProfile::read(&app.stranger().get(link).await.expect(200).bytes).expect("a profile")
}

/// Asks for an identity with what stands in a profile, as a device with a new key.
async fn obtain(profile: &ServedProfile) -> Result<(), DeviceError> {
    let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
    let ask = Ask {
        message_type: MessageType::PkcsReq,
        subject: &*distinguished_name(&profile.scep().unwrap().subject)?,
        key: &key,
        challenge: Some(&profile.scep().unwrap().challenge),
        signer: None,
    };
    ScepClient::new(&profile.scep().unwrap().url).request(&ask).await.map(drop)
}

#[track_caller]
fn refused(asked: Result<(), DeviceError>) {
    let refusal = asked.expect_err("no certificate");
    assert!(matches!(refusal, DeviceError::IdentityRefused(FailInfo::BadRequest)), "{refusal}");
}

#[tokio::test]
async fn a_class_enrolls_by_one_link_and_each_device_gets_its_own_identity() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (id, url) = link(&tenant, json!({"uses": 2, "group": "Year 7"})).await;
    let first = enroll(&app, &url, "D-1", "C02AAA").await.expect("it enrolls");
    pass_seconds(&app, 1);
    let second = enroll(&app, &url, "D-2", "C02BBB").await.expect("it enrolls");
    let subjects = [&first, &second].map(|device| {
        let certificate = &device.identity().expect("issued").certificate;
        format!("{:?}", certificate.subject_name())
    });
    assert_ne!(subjects[0], subjects[1]);
    assert_eq!(enrollment(&tenant, "D-1").await["groups"], json!(["Year 7"]));

    let third = enroll(&app, &url, "D-3", "C02CCC").await.err().expect("two were allowed");
    assert_eq!(third.status(), Some(409));
    let link = shown(&tenant, &id).await;
    assert_eq!((&link["state"], &link["used"], &link["uses"]), (&json!("used"), &json!(2), &json!(2)));
    let users = link["used_by"].as_array().unwrap().iter().map(|used| &used["enrollment"]);
    assert_eq!(users.collect::<Vec<_>>(), ["D-1", "D-2"]);
    assert_eq!(first.idle().await.expect("it is managed"), None);
}

#[tokio::test]
async fn a_profile_of_a_shared_link_is_good_for_one_device_and_one_hour() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (id, url) = link(&tenant, json!({"uses": null})).await;
    let (first, second) = (opened(&app, &url).await, opened(&app, &url).await);
    assert_ne!(first.scep().unwrap().challenge, second.scep().unwrap().challenge);
    obtain(&first).await.expect("a certificate");
    refused(obtain(&first).await);
    pass_seconds(&app, 3_600);
    refused(obtain(&second).await);
    obtain(&opened(&app, &url).await).await.expect("the link itself is still good");
    let link = shown(&tenant, &id).await;
    assert_eq!((&link["state"], &link["used"], &link["uses"]), (&json!("open"), &json!(2), &Value::Null));
}

#[tokio::test]
async fn profiles_that_nobody_installs_use_nothing_up() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (_, url) = link(&tenant, json!({"uses": 2})).await;
    let profiles = [opened(&app, &url).await, opened(&app, &url).await, opened(&app, &url).await];
    for profile in &profiles[..2] {
        obtain(profile).await.expect("a certificate");
    }
    refused(obtain(&profiles[2]).await);
}

#[tokio::test]
async fn a_challenge_of_one_link_is_nothing_at_another() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (_, url) = link(&tenant, json!({"uses": 5})).await;
    let (other, _) = link(&tenant, json!({"uses": 5})).await;
    let mut profile = opened(&app, &url).await;
    let challenge = profile.scep().unwrap().challenge.expose().clone();
    let (_, rest) = challenge.split_once('.').expect("two parts");
    for crafted in
        [format!("{other}.{rest}"), challenge.replacen(".1.", ".2.", 1), challenge.replacen(".1.", ".", 1)]
    {
        assert_ne!(crafted, challenge);
        let scep = ScepPayload { challenge: Secret::new(crafted), ..profile.scep().unwrap().clone() };
        profile.identity = IdentityPayload::Scep(scep);
        refused(obtain(&profile).await);
    }
}

#[tokio::test]
async fn a_revoked_link_opens_no_more_and_its_challenges_obtain_nothing() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for uses in [1, 3] {
        let (id, url) = link(&tenant, json!({"uses": uses})).await;
        let profile = opened(&app, &url).await;
        let path = tenant.path(&format!("enrollment-links/{id}"));
        for _ in 0..2 {
            tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
        }
        let answer = app.stranger().get(&url).await.expect(409);
        assert_eq!(answer.problem(), "link-over");
        assert_eq!(answer.json["detail"], "This enrollment link was withdrawn.");
        refused(obtain(&profile).await);
        assert_eq!(shown(&tenant, &id).await["state"], "revoked");
    }
    let path = tenant.path("enrollment-links/aaaaaaaaaaaaaaaa");
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(404);
}

#[tokio::test]
async fn only_the_named_devices_may_enroll() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (_, url) = link(&tenant, json!({"uses": 9, "devices": ["c02aaa", "D-2"]})).await;
    enroll(&app, &url, "D-1", "C02AAA").await.expect("its serial number is named");
    enroll(&app, &url, "d-2", "C02BBB").await.expect("its UDID is named");
    let stranger = enroll(&app, &url, "D-3", "C02CCC").await.err().expect("it is not named");
    assert_eq!(stranger.status(), Some(400));
    tenant.get("enrollments/D-3").await.expect(404);

    // A renewed identity is bound as its former one was.
    let mut device = enroll(&app, &url, "D-1", "C02AAA").await.expect("it enrolls anew");
    device.renew_identity(MessageType::RenewalReq).await.expect("it is renewed");
    device.authenticate().await.expect("it is the same device");
    let mut thief = SimDevice::new("D-3", "C02CCC", "Another");
    thief.set_profile(device.profile().expect("installed").clone());
    thief.set_identity(device.identity().expect("issued").clone());
    assert_eq!(thief.authenticate().await.expect_err("it is another's").status(), Some(400));
}

#[tokio::test]
async fn links_are_listed_with_whom_they_are_for_and_never_with_their_token() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let whom = json!({"name": "Jo Green", "email": "jo@green.example", "group": "Year 7", "valid_days": 3});
    let made = tenant.post("enrollment-links", whom).await.expect(201).json;
    let listed = tenant.get("enrollment-links").await.expect(200);
    let only = &listed.json["links"][0];
    for (field, value) in [
        ("id", made["id"].clone()),
        ("state", json!("open")),
        ("name", json!("Jo Green")),
        ("email", json!("jo@green.example")),
        ("group", json!("Year 7")),
        ("expires_at", made["expires_at"].clone()),
    ] {
        assert_eq!(only[field], value, "{field}");
    }
    let (_, secret) = made["url"].as_str().unwrap().rsplit_once('.').expect("two parts");
    assert!(!listed.text().contains(secret));
    let blue = app.ready_tenant("Blue School").await;
    assert_eq!(blue.get("enrollment-links").await.expect(200).json["links"], json!([]));
    app.pass_days(3);
    assert_eq!(shown(&tenant, made["id"].as_str().unwrap()).await["state"], "ended");
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for _ in 0..101 {
        link(&tenant, json!({})).await;
    }
    let first = tenant.get("enrollment-links").await.expect(200).json;
    let next = first["next"].as_str().expect("there are more");
    let second = tenant.get(&format!("enrollment-links?after={next}")).await.expect(200).json;
    let count = |page: &Value| page["links"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second), &second["next"]), (100, 1, &Value::Null));
}

#[tokio::test]
async fn the_qr_code_comes_in_both_forms() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let made = tenant.post("enrollment-links", json!({})).await.expect(201).json;
    let svg = made["qr"]["svg"].as_str().unwrap();
    assert!(svg.starts_with("<?xml") && svg.contains("<svg"), "{svg}");
    let png = STANDARD.decode(made["qr"]["png"].as_str().unwrap()).expect("base64");
    assert!(png.starts_with(b"\x89PNG\r\n"));
}

async fn browse(app: &TestApp, url: &str) -> Answer {
    app.stranger().browse(url, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Safari/604.1").await
}

#[tokio::test]
async fn a_person_sees_two_steps_and_the_button_leads_to_the_profile() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (_, url) = link(&tenant, json!({"name": "Jo <Green>", "uses": 2})).await;
    let page = browse(&app, &url).await.expect(200);
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let text = page.text();
    for words in [
        "Set up this device for Green School",
        "Jo &lt;Green&gt;",
        "1. Download",
        "2. Install",
        "iPad",
        "Mac",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("<script") && !text.contains("http"), "it loads nothing");

    let href = text.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a button");
    let profile = reqwest::Url::parse(&url).unwrap().join(href).unwrap();
    assert_eq!(profile.as_str(), format!("{url}/profile"));
    let served = browse(&app, profile.as_str()).await.expect(200);
    assert_eq!(served.header("content-type"), Some("application/x-apple-aspen-config"));
    obtain(&ServedProfile::read(&served.bytes).expect("a profile")).await.expect("a certificate");
}

#[tokio::test]
async fn a_person_reads_why_a_link_does_not_work() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let url = tenant.enrollment_link().await;
    let wrong = browse(&app, &format!("{url}x")).await.expect(404);
    assert!(wrong.text().contains("It was not copied whole"));
    app.pass_days(7);
    for path in [url.clone(), format!("{url}/profile")] {
        let over = browse(&app, &path).await.expect(409);
        assert_eq!(over.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(over.text().contains("This enrollment link has ended."));
    }
    assert_eq!(app.stranger().get(&format!("{url}/profile")).await.problem(), "link-over");
}
