//! A tenant moves to another installation, with its devices, and back.

mod elsewhere;
mod from_nanomdm;
mod interrupted;
mod refused;
mod whole;

use std::time::Duration;

use plist::{Dictionary, Value};
use pomarium_local::device::{Reply, SimDevice};
use pomarium_move::{Export, Passphrase, Places, look};
use pomarium_tests::{Answer, Tenant, TestApp};
use serde_json::json;
use shared::id::TenantId;
use shared::protocol::report::Status;
use tempfile::NamedTempFile;

use self::elsewhere::{Elsewhere, here, leads};
use crate::devices::{enrolled, outcome, pass_seconds, queue, status};
use crate::groups::group;
use crate::stored::of_tenant;

/// What seals the archives of these tests.
pub(crate) fn passphrase() -> Passphrase {
    Passphrase::new("five words that seal it".into()).unwrap().cheap()
}

/// Exports a tenant into a file; with `closes` it is closed there.
pub(crate) async fn export(places: &Places, tenant: &TenantId, closes: bool) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let close = closes.then_some(Duration::ZERO);
    let export = Export { places, tenant, passphrase: &passphrase(), close };
    let tally = export.write(&file, |_| {}).await.expect("it is exported");
    assert_eq!(look(file.path(), &passphrase()).expect("it is whole").tally, tally);
    file
}

async fn import(places: &Places, file: &NamedTempFile) -> shared::Result<pomarium_move::Plan> {
    pomarium_move::import(places, file.path(), &passphrase(), |_| {}).await
}

/// A tenant with a little of everything, a device of it for which a command waits, and what that device answered to another:
/// too much for a table.
async fn settled(app: &TestApp) -> (Tenant, SimDevice, [String; 2]) {
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(app, &tenant, "D-1").await;
    device.set_bootstrap_token(b"bootstrap").await.expect("it is kept");
    let mut user = device.user("U-1", "jo");
    user.listen(&app.runner.apns).unwrap();
    user.token_update(None).await.expect("the user has a channel");
    let room = group(&tenant, "Room 12").await;
    tenant.post(&format!("{room}/members"), json!({"add": ["D-1"]})).await.expect(200);
    tenant.let_in("jo@green.example", "admin").await.expect(200);
    tenant.enrollment_link().await;
    tenant.record_ownership().await;
    let bus = "arn:aws:events:eu-central-1:123456789012:event-bus/pomarium-green";
    tenant.post("webhooks", json!({"event_bus": bus, "description": "Bus", "events": []})).await.expect(201);
    let calendar = tenant.post("expirations/calendar", json!({})).await;
    assert!(calendar.status < 300, "{}", calendar.text());
    let large = Dictionary::from_iter([("CertificateList".to_owned(), Value::Data(vec![7; 100_000]))]);
    device.will_answer("CertificateList", Reply::Acknowledge(large));
    let answered = queue(&tenant, "D-1", "CertificateList").await;
    device.answer_all().await.expect("it answers");
    app.seal().await;
    let waits = queue(&tenant, "D-1", "ProfileList").await;
    (tenant, device, [answered, waits])
}

/// The tenant's identifier.
pub(crate) fn id(tenant: &Tenant) -> TenantId {
    tenant.id.parse().unwrap()
}

#[tokio::test]
async fn a_tenant_moves_with_its_devices_and_comes_back() {
    let app = TestApp::start().await;
    let (tenant, mut device, [answered, waits]) = settled(&app).await;
    let neighbour = app.tenant("Blue School").await;
    let before = outcome(&tenant, &answered).await;

    // It is closed here: nobody gets in, and nobody is unenrolled.
    let file = export(&here(&app), &id(&tenant), true).await;
    let known = of_tenant(&app.runner.aws.sdk_config(), &tenant.id).await;
    pass_seconds(&app, 61);
    assert_eq!(device.idle().await.expect_err("it is closed").status(), Some(400));
    tenant.get("enrollments").await.expect(401);
    app.sweep().await;
    assert_eq!(app.runner.apns.pushes(), [], "nothing is pushed from here any more");
    neighbour.get("enrollments").await.expect(200);
    assert!(!known.keys().any(|place| place.contains("Blue")));

    // It opens there, with all it had.
    let there = Elsewhere::start(&app).await;
    let plan = import(&there.places(&app), &file).await.expect("it is imported");
    assert_eq!((plan.name.as_str(), plan.tenant.as_str()), ("Green School", tenant.id.as_str()));
    assert_eq!((plan.tally.items["CHANNEL"], plan.tally.objects), (2, 1));
    let moved = there.tenant(&tenant);
    leads(&mut device, app.runner.base_url(), &there.address);
    let done = device.answer_all().await.expect("its identity is as good as ever");
    assert_eq!(
        done.iter().map(|done| (done.uuid.as_str(), done.status)).collect::<Vec<_>>(),
        [(waits.as_str(), Status::Acknowledged)]
    );
    assert_eq!(status(&moved, &waits).await, "Acknowledged");
    assert_eq!(outcome(&moved, &answered).await, before, "with its large result");
    assert_eq!(device.bootstrap_token().await.expect("it is kept").as_deref(), Some(&b"bootstrap"[..]));
    let asked = queue(&moved, "D-1", "DeviceInformation").await;
    assert_eq!(there.deliver_hints().await, 1);
    assert!(device.wait_for_push().await, "the push certificate moved, too");
    device.answer_all().await.expect("it answers");
    assert_eq!(status(&moved, &asked).await, "Acknowledged");
    let actions = |audit: &Answer| {
        let entries = audit.json["entries"].as_array().unwrap().iter();
        entries.take(2).map(|entry| entry["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut written = actions(&moved.get("audit?action=tenant-imported").await.expect(200));
    written.extend(actions(&moved.get("audit?action=tenant-exported").await.expect(200)));
    assert_eq!(written, ["tenant-imported", "tenant-exported"]);
    let again = import(&there.places(&app), &file).await.expect_err("it is there");
    assert_eq!(again.code(), "tenant-exists");
    let mut newcomer = SimDevice::new("D-9", "C02NEW", "New");
    let link = moved.enrollment_link().await.replace(app.runner.base_url(), &there.address);
    newcomer.open_link(&link).await.expect("profiles are signed there");

    // And it comes back: what was left here of the former days does not.
    let file = export(&there.places(&app), &id(&tenant), true).await;
    import(&here(&app), &file).await.expect("it is imported");
    pass_seconds(&app, 61);
    leads(&mut device, &there.address, app.runner.base_url());
    assert_eq!(device.idle().await.expect("it is at home"), None, "what it did there, it need not do again");
    assert_eq!(status(&tenant, &waits).await, "Acknowledged");
    let last = queue(&tenant, "D-1", "SecurityInfo").await;
    app.deliver_hints().await;
    assert!(device.wait_for_push().await);
    device.answer_all().await.expect("it answers");
    assert_eq!(status(&tenant, &last).await, "Acknowledged");
}

#[tokio::test]
async fn every_item_every_secret_and_every_result_is_there_and_nothing_of_anybody_else() {
    let app = TestApp::start().await;
    let (tenant, ..) = settled(&app).await;
    app.ready_tenant("Blue School").await;
    let file = export(&here(&app), &id(&tenant), false).await;
    let text = String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned();
    assert!(!text.contains(&tenant.id) && !text.contains("TENANT"), "it is sealed");
    let mut there = Elsewhere::start(&app).await;
    import(&there.places(&app), &file).await.expect("it is imported");

    let expected = of_tenant(&app.runner.aws.sdk_config(), &tenant.id).await;
    let mut arrived = of_tenant(&there.data.aws.sdk_config(), &tenant.id).await;
    arrived.retain(|_, words| !words.contains("tenant-imported"));
    assert_eq!(arrived, expected, "index by tenant, index by expiry and queue are attributes of these");
    assert!(expected.len() > 40, "only {} items", expected.len());
    let all = there.everything().await;
    let foreign: Vec<_> = all.iter().filter(|place| !place.contains(&tenant.id)).collect();
    assert!(
        foreign
            .iter()
            .all(|place| place.starts_with("core OPERATOR#AUDIT#") || place.starts_with("pki TOPIC#")),
        "{foreign:?}"
    );
    let secrets = elsewhere::secrets(&app.runner.aws.sdk_config(), &tenant.id).await;
    assert!(secrets.len() >= 4, "{:?}", secrets.keys());
    assert_eq!(elsewhere::secrets(&there.data.aws.sdk_config(), &tenant.id).await, secrets);
    tenant.get("enrollments").await.expect(200);

    // An index and a schedule find it there.
    let listed = there.operator().get("/v1/tenants").await.expect(200);
    assert_eq!(listed.json["tenants"].as_array().map(Vec::len), Some(1), "{}", listed.text());
    let here_expire = tenant.get("expirations").await.expect(200).json;
    assert_eq!(there.tenant(&tenant).get("expirations").await.expect(200).json, here_expire);
}
