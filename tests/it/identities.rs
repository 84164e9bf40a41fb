//! The life of identities: authorities that take each other's place, and identities that are revoked.

use openssl::asn1::Asn1Time;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use pomarium_local::device::{Ask, ScepClient, SimDevice, distinguished_name};
use pomarium_tests::{Answer, Tenant, TestApp};
use serde_json::{Value, json};
use shared::pki::scep::MessageType;

use crate::devices::{enrolled, enrollment, pass_seconds, queue};

/// A tenant whose devices can enroll.
async fn school() -> (TestApp, Tenant) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    (app, tenant)
}

/// The authorities: their states by identifier.
async fn states(tenant: &Tenant) -> Vec<(String, String)> {
    let listed = tenant.get("identity-authority").await.expect(200).json["authorities"].clone();
    let text = |authority: &Value, key: &str| authority[key].as_str().unwrap().to_owned();
    listed.as_array().unwrap().iter().map(|each| (text(each, "id"), text(each, "state"))).collect()
}

async fn retire(tenant: &Tenant, authority: &str, body: Value) -> Answer {
    tenant.post(&format!("identity-authority/{authority}/retire"), body).await
}

/// Who issued the identity that the server says the device signs with.
async fn issuer(tenant: &Tenant, device: &str) -> Value {
    let fingerprint = enrollment(tenant, device).await["identity"]["authority"].clone();
    let listed = tenant.get("identity-authority").await.expect(200).json["authorities"].clone();
    let found = listed.as_array().unwrap().iter().find(|each| each["fingerprint"] == fingerprint);
    found.map(|each| each["id"].clone()).unwrap()
}

/// What was written down of a device, the newest first.
async fn noted(tenant: &Tenant, action: &str) -> Vec<Value> {
    let entries = tenant.get("events").await.expect(200).json["events"].clone();
    entries.as_array().unwrap().iter().filter(|entry| entry["action"] == action).cloned().collect()
}

#[tokio::test]
async fn devices_move_to_a_new_authority_at_their_renewal_and_the_old_one_retires() {
    let (app, tenant) = school().await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let again = json!({"common_name": "A", "organization": "B"});
    let refused = tenant.post("identity-authority", again).await.expect(409);
    assert_eq!(
        (refused.problem(), &refused.json["field"]),
        ("identity-authority-exists", &json!("replaces"))
    );

    let (former, new) = tenant.replace_authority().await;
    assert!(refused.text().contains(&former));
    let expected = [(new.clone(), "active".to_owned()), (former.clone(), "trusted".to_owned())];
    assert_eq!(states(&tenant).await, expected);
    assert!(device.idle().await.expect("the former one is trusted").is_none());
    enrolled(&app, &tenant, "D-2").await;
    assert_eq!((issuer(&tenant, "D-1").await, issuer(&tenant, "D-2").await), (json!(former), json!(new)));

    let kept = retire(&tenant, &former, json!({})).await.expect(409);
    assert_eq!(
        (kept.problem(), &kept.json["field"]),
        ("retirement-not-confirmed", &json!("confirm_devices"))
    );
    assert!(kept.text().contains("1 device signs"), "{}", kept.text());
    assert_eq!(retire(&tenant, &former, json!({"confirm_devices": 2})).await.status, 409);
    let issues = retire(&tenant, &new, json!({})).await.expect(409);
    assert_eq!(issues.problem(), "identity-authority-issues");
    retire(&tenant, "aaaaaaaaaaaaaaaa", json!({})).await.expect(404);

    device.renew_identity(MessageType::RenewalReq).await.expect("it moves over");
    device.idle().await.expect("it is known by the new one");
    assert_eq!(issuer(&tenant, "D-1").await, json!(new));
    for _ in 0..2 {
        assert_eq!(retire(&tenant, &former, json!({})).await.expect(200).json["state"], "retired");
    }
    assert_eq!(states(&tenant).await[1], (former.clone(), "retired".to_owned()));
    assert!(device.idle().await.expect("nothing changed for it").is_none());
    // Nobody is reminded of the end of a retired one.
    let ends = tenant.get("expirations").await.expect(200).json["expirations"].clone();
    let ends = ends.as_array().unwrap().iter().filter(|each| each["kind"] == "identity-authority");
    assert_eq!(ends.count(), 1);
}

#[tokio::test]
async fn who_signs_with_a_retired_authoritys_identity_is_refused_and_stays_enrolled() {
    let (app, tenant) = school().await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let (former, _) = tenant.replace_authority().await;
    retire(&tenant, &former, json!({"confirm_devices": 1})).await.expect(200);
    assert_eq!(device.idle().await.unwrap_err().status(), Some(400));
    assert_eq!(device.authenticate().await.unwrap_err().status(), Some(400));
    // Its identity cannot be exchanged for one of the new authority either.
    let mut late = device;
    late.renew_identity(MessageType::RenewalReq).await.expect_err("it is refused");
    let shown = enrollment(&tenant, "D-1").await;
    assert_eq!((&shown["state"], &shown["identity"]["revoked"]), (&json!("enrolled"), &json!(false)));
    enrolled(&app, &tenant, "D-1").await.idle().await.expect("it enrolls anew");
}

#[tokio::test]
async fn a_device_in_the_middle_of_its_enrollment_meets_the_authority_of_its_profile() {
    let (app, tenant) = school().await;
    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    device.open_link(&tenant.enrollment_link().await).await.expect("it opens");
    let (former, new) = tenant.replace_authority().await;
    // It compares the authority's certificate with its profile, enciphers for it, and checks who answers.
    device.obtain_identity().await.expect("an identity");
    device.authenticate().await.expect("it begins");
    device.listen(&app.runner.apns).unwrap();
    device.token_update(None).await.expect("it enrolls");
    assert_eq!(issuer(&tenant, "D-1").await, json!(former));
    device.renew_identity(MessageType::PkcsReq).await.expect("it moves over");
    device.idle().await.expect("it is known");
    assert_eq!(issuer(&tenant, "D-1").await, json!(new));
}

#[tokio::test]
async fn who_names_no_authority_or_an_unknown_one_meets_the_newest() {
    let (_app, tenant) = school().await;
    let served = tenant.admin.get(&tenant.enrollment_link().await).await.expect(200);
    let profile = pomarium_local::device::ServedProfile::read(&served.bytes).expect("a profile");
    let (former, _) = tenant.replace_authority().await;
    let newest = ScepClient::new(&profile.scep().unwrap().url).authority().await.expect("an answer");
    let named = ScepClient::of(profile.scep().unwrap()).authority().await.expect("an answer");
    assert!(profile.check(&named).is_ok() && profile.check(&newest).is_err());
    let mut unknown = profile.scep().unwrap().clone();
    unknown.name = Some("another".to_owned());
    assert_eq!(ScepClient::of(&unknown).authority().await.expect("an answer"), newest);
    retire(&tenant, &former, json!({})).await.expect(200);
    assert_eq!(ScepClient::of(profile.scep().unwrap()).authority().await.expect("an answer"), newest);
    // Its envelopes are not opened any more.
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let ask = Ask {
        message_type: MessageType::PkcsReq,
        subject: &distinguished_name(&profile.scep().unwrap().subject).unwrap(),
        key: &key,
        challenge: Some(&profile.scep().unwrap().challenge),
        signer: None,
    };
    ScepClient::of(profile.scep().unwrap())
        .request(&ask)
        .await
        .expect("the newest issues to whoever asks it");
}

#[tokio::test]
async fn of_two_new_authorities_at_once_one_issues() {
    let (_app, tenant) = school().await;
    let (present, _) = tenant.replace_authority().await;
    let before = states(&tenant).await[0].0.clone();
    assert_ne!(present, before);
    let new = json!({"common_name": "A", "organization": "B", "replaces": before});
    let (one, other) =
        tokio::join!(tenant.post("identity-authority", new.clone()), tenant.post("identity-authority", new));
    let mut both = [one.status, other.status];
    both.sort_unstable();
    assert_eq!(both, [201, 409]);
    let active = states(&tenant).await.into_iter().filter(|(_, state)| state == "active");
    assert_eq!(active.count(), 1);
}

#[tokio::test]
async fn a_retired_authority_from_elsewhere_can_be_trusted_again() {
    let (_app, tenant) = school().await;
    let other = crate::crypto::certificate_pem(&shared_root());
    let made = tenant.post("identity-authority/trusted", json!({"certificate": other})).await.expect(201);
    let id = made.json["id"].as_str().unwrap();
    assert_eq!(retire(&tenant, id, json!({})).await.expect(200).json["state"], "retired");
    tenant.post("identity-authority/trusted", json!({"certificate": other})).await.expect(201);
    let states: Vec<String> = states(&tenant).await.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["active", "trusted"]);
}

/// Somebody else's authority.
fn shared_root() -> openssl::x509::X509 {
    use shared::pki::authority::{AuthoritySubject, create};
    let name = "Blue School".to_owned();
    let subject = AuthoritySubject { common_name: name.clone(), organization: name, country: None };
    let key = shared::pki::key::generate().unwrap();
    create(&subject, &key, [1; 16], pomarium_tests::app::start()).unwrap()
}

#[tokio::test]
async fn a_renewed_identity_takes_the_former_ones_place_at_its_first_use() {
    let (app, tenant) = school().await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let first = device.identity().unwrap().clone();
    let shown = async || enrollment(&tenant, "D-1").await["identity"]["fingerprint"].clone();
    let before = shown().await;
    device.renew_identity(MessageType::RenewalReq).await.expect("a second one");
    let second = device.identity().unwrap().clone();
    // Its answer was lost on the way to the key store: the device goes on with the first and renews once more.
    device.set_identity(first.clone());
    device.idle().await.expect("the first is still good");
    assert_eq!(shown().await, before);
    device.renew_identity(MessageType::RenewalReq).await.expect("a third one");
    let third = device.identity().unwrap().clone();
    device.set_identity(first.clone());
    device.idle().await.expect("the first is still good");
    assert!(noted(&tenant, "identity-renewed").await.is_empty());

    pass_seconds(&app, 1);
    device.set_identity(second.clone());
    device.idle().await.expect("so is the second");
    let renewed = noted(&tenant, "identity-renewed").await;
    assert_eq!((renewed.len(), &renewed[0]["facts"]["former"]), (1, &before));
    assert_eq!(renewed[0]["facts"]["fingerprint"], shown().await);
    device.set_identity(first);
    assert_eq!(device.idle().await.unwrap_err().status(), Some(400));
    // The third was issued later: the device may be about to use it.
    device.set_identity(third);
    device.token_update(None).await.expect("any word does");
    assert_eq!(noted(&tenant, "identity-renewed").await.len(), 2);
    device.set_identity(second);
    assert_eq!(device.idle().await.unwrap_err().status(), Some(400));
}

#[tokio::test]
async fn a_revoked_identity_is_refused_reported_once_a_day_and_cannot_come_back() {
    let (app, tenant) = school().await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let user = device.user("U-1", "jo");
    user.token_update(None).await.expect("the channel begins");
    let first = device.identity().unwrap().clone();
    device.renew_identity(MessageType::RenewalReq).await.expect("not used yet");
    let second = device.identity().unwrap().clone();
    queue(&tenant, "D-1", "ProfileList").await;
    for _ in 0..2 {
        let revoked = tenant.post("enrollments/D-1/revoke-identity", json!({})).await.expect(200).json;
        assert_eq!((&revoked["state"], &revoked["identity"]["revoked"]), (&json!("enrolled"), &json!(true)));
    }
    let access = tenant.get("access?udid=D-1").await.expect(200).json;
    assert_eq!((&access["allow"], &access["reason"]), (&json!(false), &json!("locked")));
    for identity in [&first, &second] {
        device.set_identity(identity.clone());
        assert_eq!(device.idle().await.unwrap_err().status(), Some(400));
        assert_eq!(device.token_update(None).await.unwrap_err().status(), Some(400));
        assert_eq!(device.authenticate().await.unwrap_err().status(), Some(400));
        assert_eq!(device.check_out().await.unwrap_err().status(), Some(400));
        assert_eq!(device.set_bootstrap_token(b"token").await.unwrap_err().status(), Some(400));
        device.renew_identity(MessageType::RenewalReq).await.expect_err("no renewal of it");
    }
    assert_eq!(user.idle().await.unwrap_err().status(), Some(400));
    let used = noted(&tenant, "revoked-identity-used").await;
    assert_eq!(used.len(), 2, "each identity once, whoever of the device used it: {used:#?}");
    app.pass_days(1);
    assert_eq!(device.idle().await.unwrap_err().status(), Some(400));
    assert_eq!(noted(&tenant, "revoked-identity-used").await.len(), 3);
    let entries = tenant.get("audit").await.expect(200).json["entries"].clone();
    let count =
        |action: &str| entries.as_array().unwrap().iter().filter(|each| each["action"] == action).count();
    assert_eq!(count("identity-revoked"), 1);
    assert!(noted(&tenant, "duplicate-refused").await.is_empty());

    let again = enrolled(&app, &tenant, "D-1").await;
    again.idle().await.expect("with a link of its own it is heard again");
    let shown = enrollment(&tenant, "D-1").await;
    assert_eq!((&shown["identity"]["revoked"], &shown["locked_at"].is_string()), (&json!(false), &true));
    assert_eq!(device.idle().await.unwrap_err().status(), Some(400));
    assert_eq!(noted(&tenant, "revoked-identity-used").await.len(), 3, "told this day already");
}

#[tokio::test]
async fn only_an_enrolled_devices_identity_can_be_revoked() {
    let (app, tenant) = school().await;
    let device = enrolled(&app, &tenant, "D-1").await;
    tenant.post("enrollments/D-9/revoke-identity", json!({})).await.expect(404);
    device.check_out().await.expect("it goes");
    let refused = tenant.post("enrollments/D-1/revoke-identity", json!({})).await.expect(409);
    assert_eq!(refused.problem(), "not-enrolled");
}

#[tokio::test]
async fn a_devices_wrong_clock_refuses_it_nothing() {
    let (app, tenant) = school().await;
    for (number, moment) in
        ["1970-01-02T00:00:00Z", "2001-09-09T01:46:40Z", "2049-12-31T23:59:59Z"].iter().enumerate()
    {
        let name = format!("D-{number}");
        let mut device = SimDevice::new(&name, "C02XYZ", "A wrong clock").believing(moment.parse().unwrap());
        device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
        queue(&tenant, &name, "ProfileList").await;
        assert_eq!(device.answer_all().await.expect("it is served").len(), 1, "{moment}");
        for message_type in [MessageType::RenewalReq, MessageType::PkcsReq] {
            device.renew_identity(message_type).await.expect("it renews");
            assert!(device.idle().await.expect("it is known").is_none());
        }
        let identity = &device.identity().unwrap().certificate;
        // A clock that is a little slow does not see an identity from the future.
        let ten_minutes_ago = Asn1Time::from_unix(app.clock.now().as_second() - 600).unwrap();
        assert!(identity.not_before() == ten_minutes_ago, "{}", identity.not_before());
    }
}
