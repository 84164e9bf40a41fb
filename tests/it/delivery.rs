//! Pushes that Apple accepts and no device answers: noticed after an activation, told once, over when devices come back.

use pomarium_local::device::SimDevice;
use pomarium_local::runner;
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};
use shared::time::SignedDuration;

use crate::devices::{enrolled, pass_seconds};
use crate::stored::{everything, unchanged};

/// A tenant with so many devices.
async fn school(app: &TestApp, devices: usize) -> (Tenant, Vec<SimDevice>) {
    let tenant = app.ready_tenant("Green School").await;
    let mut fleet = Vec::new();
    for number in 0..devices {
        fleet.push(enrolled(app, &tenant, &format!("D-{number}")).await);
    }
    (tenant, fleet)
}

/// Every device is pushed; the first `awake` come back at once, and eleven minutes pass.
async fn push(app: &TestApp, tenant: &Tenant, fleet: &mut [SimDevice], awake: usize) {
    pass_seconds(app, 1);
    let targets: Vec<String> = fleet.iter().map(SimDevice::id).collect();
    let order = json!({"targets": targets, "command": {"RequestType": "ProfileList"}});
    tenant.post("commands", order).await.expect(201);
    app.deliver_hints().await;
    for device in &mut fleet[..awake] {
        assert!(!device.answer_all().await.expect("it answers").is_empty());
    }
    pass_seconds(app, 660);
}

async fn renew(app: &TestApp, tenant: &Tenant) {
    let topic = tenant.get("push-certificate").await.json["active"]["topic"].as_str().unwrap().to_owned();
    app.pass_days(1);
    tenant.request().await;
    let renewed = app.runner.portal.renew(&topic, &tenant.request_file().await).map_err(|_| ()).unwrap();
    assert_eq!(tenant.stage(&renewed.pem).await.json["source"], "Renewal");
    tenant.activate(json!({})).await;
}

/// What a run of the schedule says, and what the tenant is told then.
async fn look(app: &TestApp, tenant: &Tenant) -> (Value, Value) {
    let told = runner::run(app.runner.state.clone(), "apns-probe").await.expect("it runs");
    let status = tenant.get("push-certificate/status").await.expect(200).json;
    (told["delivery"]["silent"].clone(), status["delivery"].clone())
}

fn says(delivery: &Value, words: &str) {
    assert!(delivery["meaning"].as_str().unwrap().contains(words), "{delivery}");
}

#[tokio::test]
async fn devices_that_stay_silent_after_a_renewal_ring_once_until_they_come_back() {
    let app = TestApp::start().await;
    let (tenant, mut fleet) = school(&app, 10).await;
    assert_eq!(tenant.get("push-certificate/status").await.expect(200).json["delivery"], Value::Null);
    push(&app, &tenant, &mut fleet, 10).await;
    let (_, told) = look(&app, &tenant).await;
    assert_eq!((&told["alert"], &told["present"]), (&json!(false), &json!({"in_time": 10, "pushed": 10})));
    says(&told, "nothing to compare with");

    renew(&app, &tenant).await;
    says(&tenant.get("push-certificate/status").await.json["delivery"], "within three hours");
    push(&app, &tenant, &mut fleet, 4).await;
    // Those who come later than ten minutes were not woken by the push.
    for device in &mut fleet[4..] {
        device.answer_all().await.expect("it answers");
    }
    let (silent, told) = look(&app, &tenant).await;
    assert_eq!((silent, &told["alert"]), (json!(1), &json!(true)));
    assert_eq!(told["present"], json!({"in_time": 4, "pushed": 10}));
    assert_eq!(told["baseline"], json!({"in_time": 10, "pushed": 10}));
    assert_eq!((&told["since"], &told["looked_at"]), (&json!(app.clock.now()), &json!(app.clock.now())));
    says(&told, "since this certificate was activated");
    assert!(told["next_step"].as_str().unwrap().contains("roll back"), "{told}");

    let since = told["since"].clone();
    pass_seconds(&app, 3 * 3_600);
    let (silent, told) = look(&app, &tenant).await;
    assert_eq!((silent, &told["alert"], &told["since"]), (json!(0), &json!(true), &since), "it is told once");

    push(&app, &tenant, &mut fleet, 10).await;
    let (silent, told) = look(&app, &tenant).await;
    assert_eq!((silent, &told["alert"], &told["since"]), (json!(0), &json!(false), &Value::Null));
    assert_eq!(told["next_step"], Value::Null);
    says(&told, "as they did before");
}

#[tokio::test]
async fn devices_that_keep_answering_ring_nothing() {
    let app = TestApp::start().await;
    let (tenant, mut fleet) = school(&app, 10).await;
    push(&app, &tenant, &mut fleet, 10).await;
    look(&app, &tenant).await;
    renew(&app, &tenant).await;
    // Half of them is not under half of them.
    push(&app, &tenant, &mut fleet, 5).await;
    let (silent, told) = look(&app, &tenant).await;
    assert_eq!((silent, &told["alert"]), (json!(0), &json!(false)));
    says(&told, "as they did before");
}

#[tokio::test]
async fn a_handful_of_devices_proves_nothing() {
    let app = TestApp::start().await;
    let (tenant, mut fleet) = school(&app, 2).await;
    push(&app, &tenant, &mut fleet, 2).await;
    look(&app, &tenant).await;
    renew(&app, &tenant).await;
    push(&app, &tenant, &mut fleet, 0).await;
    let (silent, told) = look(&app, &tenant).await;
    assert_eq!((silent, &told["alert"]), (json!(0), &json!(false)));
    says(&told, "too few");
}

#[tokio::test]
async fn one_tenants_trouble_and_a_run_without_time_leave_the_others_to_be_looked_at() {
    let app = TestApp::start().await;
    let (tenant, mut fleet) = school(&app, 1).await;
    let broken = app.ready_tenant("Broken School").await;
    push(&app, &tenant, &mut fleet, 1).await;
    let state = app.runner.state.clone();
    let soon = app.clock.now() + SignedDuration::from_secs(30);
    let error = apns_probe::handle(state.clone(), soon).await.unwrap_err();
    assert!(error.chain().contains("2 are left"), "{}", error.chain());

    spoil(&app, &broken).await;
    let later = app.clock.now() + SignedDuration::from_secs(600);
    let error = apns_probe::handle(state.clone(), later).await.unwrap_err();
    assert!(error.chain().contains("1 tenants could not be looked at, 0 are left"), "{}", error.chain());
    let told = tenant.get("push-certificate/status").await.expect(200).json["delivery"].clone();
    assert_eq!(told["present"], json!({"in_time": 1, "pushed": 1}));
    // Looking again at the same moment finds the same.
    let before = everything(&app).await;
    apns_probe::handle(state, later).await.unwrap_err();
    unchanged(&app, &before).await;
}

/// Writes a record among a tenant's push certificates that nobody can read.
async fn spoil(app: &TestApp, tenant: &Tenant) {
    use aws_sdk_dynamodb::types::AttributeValue::S;
    let client = aws_sdk_dynamodb::Client::new(&app.runner.aws.sdk_config());
    let put = client.put_item().table_name("pki").item("pk", S(format!("TENANT#{}#PUSH", tenant.id)));
    put.item("sk", S("INSTALLED#0".to_owned())).send().await.expect("it is written");
}
