//! Identities are renewed by themselves: asked for in time, asked again, and never at a device's cost.

use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use plist::Dictionary;
use pomarium_local::device::{Ask, Command, Reply, ScepClient, ServedProfile, SimDevice, distinguished_name};
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};
use shared::pki::Credential;
use shared::pki::scep::MessageType;
use shared::service::sweep::sweep;
use shared::time::Timestamp;

use crate::devices::{enrolled, enrollment, pass_seconds, queue, status};
use crate::idle_cost::proxy::Proxy;
use crate::sweeper::renew as renew_push_certificate;

const HOUR: i64 = 3_600;

/// A school with one device.
async fn school() -> (TestApp, Tenant, SimDevice) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    (app, tenant, device)
}

async fn identity(tenant: &Tenant) -> Value {
    enrollment(tenant, "D-1").await["identity"].clone()
}

/// Where the renewal stands, and how often the device was asked.
async fn standing(tenant: &Tenant) -> (String, u64) {
    let renewal = identity(tenant).await["renewal"].clone();
    (renewal["state"].as_str().unwrap().to_owned(), renewal["attempts"].as_u64().unwrap())
}

fn stands(state: &str, attempts: u64) -> (String, u64) {
    (state.to_owned(), attempts)
}

/// The time when the device is to be asked next.
async fn next_at(tenant: &Tenant) -> Timestamp {
    identity(tenant).await["renewal"]["next_at"].as_str().unwrap().parse().unwrap()
}

fn set(app: &TestApp, now: Timestamp) {
    app.clock.set(now);
    app.runner.aws.queues().look_again();
}

/// Lets the time of the next try come, and a sweep with it.
async fn sweep_when_due(app: &TestApp, tenant: &Tenant) {
    set(app, next_at(tenant).await);
    app.sweep().await;
}

async fn noted(tenant: &Tenant, action: &str) -> usize {
    let path = format!("events?action={action}");
    tenant.get(&path).await.expect(200).json["events"].as_array().unwrap().len()
}

/// The same device with another identity.
fn signing_with(device: &SimDevice, identity: Credential) -> SimDevice {
    let mut other = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    other.set_profile(device.profile().unwrap().clone());
    other.set_identity(identity);
    other
}

/// A key for which the profile's SCEP server is asked.
async fn ask(profile: &ServedProfile, key: &PKey<openssl::pkey::Private>) -> Option<openssl::x509::X509> {
    let ask = Ask {
        message_type: MessageType::PkcsReq,
        subject: &distinguished_name(&profile.scep().unwrap().subject).unwrap(),
        key,
        challenge: Some(&profile.scep().unwrap().challenge),
        signer: None,
    };
    ScepClient::of(profile.scep().unwrap()).request(&ask).await.ok()
}

fn key() -> PKey<openssl::pkey::Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

/// The device's next command, which brings its enrollment profile.
pub(crate) async fn fetch(device: &SimDevice) -> (Command, ServedProfile) {
    let command = device.idle().await.expect("it is served").expect("something waits");
    let profile = device.enrollment_profile(&command).expect("the enrollment profile");
    (command, profile)
}

#[tokio::test]
async fn a_life_over_three_renewals() {
    let (app, tenant, mut device) = school().await;
    let mut user = device.user("U-1", "jo");
    user.token_update(None).await.expect("the user's channel begins");
    for round in 0..3 {
        let former = device.identity().unwrap().clone();
        let before = identity(&tenant).await;
        assert_eq!(standing(&tenant).await, stands("fresh", 0));
        let (begins, ends) = (next_at(&tenant).await, before["not_after"].as_str().unwrap());
        let days = ends.parse::<Timestamp>().unwrap().duration_since(begins).as_hours() / 24;
        assert!((30..=60).contains(&days), "{days} days before the end");

        set(&app, begins.checked_sub(shared::time::SignedDuration::from_hours(1)).unwrap());
        if round < 2 {
            // The last one lasts, and the vendor's own certificate does not.
            renew_push_certificate(&app, &tenant).await;
        }
        device.idle().await.expect("it is heard");
        app.sweep().await;
        assert_eq!((device.pushes_waiting(), standing(&tenant).await), (0, stands("fresh", 0)));
        sweep_when_due(&app, &tenant).await;
        assert_eq!(standing(&tenant).await, stands("asked", 1));
        pass_seconds(&app, 1);
        let waits = queue(&tenant, "D-1", "ProfileList").await;
        assert!(device.wait_for_push().await);
        let done = device.answer_all().await.expect("it does what it is asked");
        let done: Vec<_> =
            done.iter().map(|done| (done.request_type.as_str(), format!("{:?}", done.status))).collect();
        // What waited is not dropped, although the device began anew in between.
        let both =
            [("InstallProfile", "Acknowledged".to_owned()), ("ProfileList", "Acknowledged".to_owned())];
        assert_eq!(done, both);
        assert_eq!(status(&tenant, &waits).await, "Acknowledged");

        let after = identity(&tenant).await;
        assert_ne!(after["fingerprint"], before["fingerprint"]);
        assert!(after["not_after"].as_str() > before["not_after"].as_str());
        assert_eq!(standing(&tenant).await, stands("fresh", 0));
        assert_eq!(noted(&tenant, "identity-renewed").await, 1, "in round {round}");
        assert_eq!(signing_with(&device, former).idle().await.unwrap_err().status(), Some(400));
        user.set_identity(device.identity().unwrap().clone());
        user.idle().await.expect("its users are served as before");
    }
    let shown = enrollment(&tenant, "D-1").await;
    assert_eq!((&shown["state"], &shown["waiting_commands"]), (&json!("enrolled"), &json!(0)));
}

#[tokio::test]
async fn a_device_that_only_tells_its_push_address_has_renewed_as_well() {
    let (app, tenant, device) = school().await;
    let mut device = device.without_beginning_anew();
    sweep_when_due(&app, &tenant).await;
    device.answer_all().await.expect("it does what it is asked");
    assert_eq!((standing(&tenant).await, noted(&tenant, "identity-renewed").await), (stands("fresh", 0), 1));
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_and_a_challenge_is_good_for_one_key() {
    let (app, tenant, mut device) = school().await;
    let former = identity(&tenant).await["fingerprint"].clone();
    sweep_when_due(&app, &tenant).await;
    let (command, profile) = fetch(&device).await;
    assert_eq!(profile.topic, device.profile().unwrap().topic);
    let mine = key();
    let issued = ask(&profile, &mine).await.expect("a certificate");
    // The answer did not arrive. The same key gets it again, another one does not.
    assert_eq!(ask(&profile, &mine).await.expect("the same"), issued);
    assert!(ask(&profile, &key()).await.is_none());
    assert!(device.idle().await.expect("the former one is good still").is_some());
    assert_eq!(identity(&tenant).await["fingerprint"], former);
    // The device gives up, and is asked again with another challenge.
    device.report(&command.uuid, Reply::Error(Vec::new())).await.expect("it says so");
    assert_eq!(standing(&tenant).await, stands("failed", 1));
    pass_seconds(&app, HOUR);
    app.sweep().await;
    assert_eq!(standing(&tenant).await, stands("asked", 2));
    device.answer_all().await.expect("it does what it is asked");
    assert_ne!(identity(&tenant).await["fingerprint"], former);
    assert!(ask(&profile, &mine).await.is_none_or(|again| again == issued));
    // What was issued before the one in use is refused from now on.
    let lost = Credential { certificate: issued, key: mine };
    assert_eq!(signing_with(&device, lost).idle().await.unwrap_err().status(), Some(400));
}

#[tokio::test]
async fn a_device_that_fails_twice_is_asked_a_third_time() {
    let (app, tenant, mut device) = school().await;
    device.will_answer("InstallProfile", Reply::Error(Vec::new()));
    device.will_answer("InstallProfile", Reply::FormatError);
    for (attempt, pause) in [(1, HOUR), (2, 4 * HOUR)] {
        sweep_when_due(&app, &tenant).await;
        device.answer_all().await.expect("it fails");
        assert_eq!(standing(&tenant).await, stands("failed", attempt));
        pass_seconds(&app, pause - 16 * 60);
        app.sweep().await;
        assert_eq!(standing(&tenant).await, stands("failed", attempt), "too early");
    }
    sweep_when_due(&app, &tenant).await;
    device.answer_all().await.expect("it succeeds");
    assert_eq!(standing(&tenant).await, stands("fresh", 0));
}

#[tokio::test]
async fn a_device_that_says_yes_and_renews_nothing_is_asked_again() {
    let (app, tenant, mut device) = school().await;
    for _ in 0..5 {
        device.will_answer("InstallProfile", Reply::Acknowledge(Dictionary::new()));
    }
    for (attempt, days) in [(1, 1), (2, 2), (3, 4), (4, 7), (5, 7)] {
        sweep_when_due(&app, &tenant).await;
        let asked: Timestamp =
            identity(&tenant).await["renewal"]["asked_at"].as_str().unwrap().parse().unwrap();
        device.answer_all().await.expect("it says yes");
        assert_eq!(standing(&tenant).await, stands("asked", attempt));
        assert_eq!(next_at(&tenant).await.duration_since(asked).as_hours(), days * 24);
    }
}

#[tokio::test]
async fn a_device_that_sleeps_beyond_the_end_of_its_identity_is_not_lost() {
    let (app, tenant, mut device) = school().await;
    sweep_when_due(&app, &tenant).await;
    let ends: Timestamp = identity(&tenant).await["not_after"].as_str().unwrap().parse().unwrap();
    renew_push_certificate(&app, &tenant).await;
    // Nothing is heard of it until twenty days after the end.
    while app.clock.now() < ends {
        app.pass_days(9);
        app.sweep().await;
    }
    app.pass_days(20);
    let (state, attempts) = standing(&tenant).await;
    assert_eq!(state, "overdue");
    assert!((2..=4).contains(&attempts), "asked {attempts} times, once a month");
    assert_eq!(
        enrollment(&tenant, "D-1").await["waiting_commands"],
        1,
        "the later one supersedes the earlier"
    );
    let overdue = tenant.get("events?action=identity-overdue").await.expect(200).json["events"].clone();
    let before =
        tenant.get(&format!("events?action=identity-overdue&month={}", &ends.to_string()[..7])).await;
    let before = before.expect(200).json["events"].clone();
    let told = overdue.as_array().unwrap().len().max(before.as_array().unwrap().len());
    assert_eq!(told, 1, "once");
    device.answer_all().await.expect("it wakes up");
    assert_eq!(standing(&tenant).await, stands("fresh", 0));
}

#[tokio::test]
async fn an_administrator_has_it_renewed_at_once() {
    let (app, tenant, mut device) = school().await;
    let former = identity(&tenant).await["fingerprint"].clone();
    let wanted = tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(202).json;
    assert_eq!(wanted["identity"]["renewal"]["state"], "due");
    assert_eq!(app.deliver_pages().await, 1);
    assert_eq!(standing(&tenant).await, stands("asked", 1));
    // A second order takes the first one's place.
    pass_seconds(&app, 1);
    tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(202);
    app.deliver_pages().await;
    assert_eq!(
        (standing(&tenant).await, enrollment(&tenant, "D-1").await["waiting_commands"].clone()),
        (stands("asked", 2), json!(1))
    );
    app.deliver_hints().await;
    assert!(device.wait_for_push().await);
    device.answer_all().await.expect("it does what it is asked");
    assert_ne!(identity(&tenant).await["fingerprint"], former);
    let entries = tenant.get("audit?action=identity-renewal-asked").await.expect(200);
    assert_eq!(entries.json["entries"].as_array().unwrap().len(), 2);

    // A lost message is repaired by the next sweep.
    tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(202);
    let queues = app.runner.aws.queues();
    for message in queues.receive("sweep", 10, None, std::time::Duration::ZERO).await.unwrap() {
        queues.delete("sweep", &message.receipt_handle).unwrap();
    }
    app.sweep().await;
    assert_eq!(standing(&tenant).await, stands("asked", 1));

    tenant.post("enrollments/D-1/revoke-identity", json!({})).await.expect(200);
    let refused = tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(409);
    assert_eq!(refused.problem(), "identity-not-renewable");
    tenant.post("enrollments/D-1/retire", json!({})).await.expect(200);
    let refused = tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(409);
    assert_eq!(refused.problem(), "not-enrolled");
    tenant.post("enrollments/D-9/renew-identity", json!({})).await.expect(404);
}

#[tokio::test]
async fn a_renewal_is_one_devices_and_ends_with_its_enrollment() {
    let (app, tenant, device) = school().await;
    let other = enrolled(&app, &tenant, "D-2").await;
    sweep_when_due(&app, &tenant).await;
    let (_, profile) = fetch(&device).await;
    let mine = key();
    let certificate = ask(&profile, &mine).await.expect("a certificate");
    let mut thief = SimDevice::new("D-2", "C02XYZ", "Jo's iPad");
    thief.set_profile(other.profile().unwrap().clone());
    thief.set_identity(Credential { certificate, key: mine });
    assert_eq!(thief.idle().await.unwrap_err().status(), Some(400));
    assert_eq!(thief.authenticate().await.unwrap_err().status(), Some(400));
    other.idle().await.expect("nothing happened to it");

    let (app, tenant, device) = school().await;
    sweep_when_due(&app, &tenant).await;
    let (_, profile) = fetch(&device).await;
    device.check_out().await.expect("it leaves");
    assert!(ask(&profile, &key()).await.is_none());
    app.sweep().await;
    assert_eq!(enrollment(&tenant, "D-1").await["identity"], Value::Null);
}

#[tokio::test]
async fn a_device_in_setup_assistant_stays_there_while_it_renews() {
    let (app, tenant, mut device) = school().await;
    let profile = device.profile().unwrap();
    let keys = [
        ("Topic", profile.topic.as_str().into()),
        ("Token", plist::Value::Data(device.push_token().to_vec())),
        ("PushMagic", device.push_magic().into()),
        ("AwaitingConfiguration", true.into()),
    ];
    let keys = keys.into_iter().map(|(key, value): (&str, plist::Value)| (key.to_owned(), value)).collect();
    device.send_checkin("TokenUpdate", keys).await.unwrap().accepted("TokenUpdate").unwrap();
    tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(202);
    app.deliver_pages().await;
    device.answer_all().await.expect("it does what it is asked");
    let shown = enrollment(&tenant, "D-1").await;
    assert_eq!((&shown["awaiting_configuration"], &shown["has_unlock_token"]), (&json!(true), &json!(true)));
    assert_eq!(noted(&tenant, "enrollment-restarted").await, 0);
}

#[tokio::test]
async fn who_has_no_renewal_due_costs_a_sweep_nothing() {
    let (app, tenant, _device) = school().await;
    enrolled(&app, &tenant, "D-2").await;
    pass_seconds(&app, HOUR);
    let (proxy, state) = Proxy::beside(&app).await;
    let page = shared::domain::sweep::DevicePage::first(tenant.id.parse().unwrap());
    proxy.take();
    sweep(&state, &shared::domain::sweep::Sweep::Devices(page)).await.unwrap();
    // The last of them says when somebody was heard, as before.
    assert_eq!(proxy.take(), ["Query", "BatchGetItem", "BatchGetItem", "UpdateItem"]);
}

#[tokio::test]
async fn without_a_push_certificate_nobody_is_asked_and_nobody_forgotten() {
    let (app, tenant, mut device) = school().await;
    app.pass_days(366);
    app.sweep().await;
    let (_, attempts) = standing(&tenant).await;
    assert_eq!(attempts, 0);
    renew_push_certificate(&app, &tenant).await;
    pass_seconds(&app, HOUR);
    app.sweep().await;
    assert!(device.wait_for_push().await);
    device.answer_all().await.expect("it does what it is asked");
    assert_eq!(standing(&tenant).await, stands("fresh", 0));
}
