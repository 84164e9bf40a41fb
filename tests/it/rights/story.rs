//! A story in which every function does everything it can.

mod console;
mod console_devices;
mod console_enrollment;
mod console_openid;
mod console_settings;
mod external;
mod many;
mod renewed;
mod silence;
mod told;
mod withdrawn;

use std::sync::Arc;

use plist::{Dictionary, Value};
use pomarium_local::apns::Answer;
use pomarium_local::device::{Reply, SimDevice};
use pomarium_local::runner::{QueueFunction, deliver_all, deliver_reports, run};
use pomarium_tests::{Api, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::domain::dead_letter::DeadLetterQueue;
use shared::pki::scep::MessageType;
use shared::time::{SignedDuration, Timestamp};

use super::Rights;
use super::recorder::{Processes, Written};
use crate::crypto::{KEY, certificate_pem, issued_elsewhere, pem, self_signed};
use crate::devices::{enrolled, pass_seconds};
use crate::faults::trouble::Trouble;
use crate::mails::confirmations;

use withdrawn::{named, withdrawals};

/// What a story left behind.
pub(crate) struct Played {
    /// What every function needed.
    pub(super) rights: Rights,
    /// The actions in the audit log, by the call that wrote them.
    pub(crate) written: Written,
}

/// Plays it with a look into the audit log after each call; or, while this goes wrong, without what uses the same services twice.
pub(crate) async fn play(app: &Arc<TestApp>, trouble: Option<&Trouble>) -> Played {
    let processes = Processes::start(app, trouble).await;
    let operator = Api::new(&processes.address, Some(app.runner.operator_token.expose()));
    let tenant = tenants(&operator, &processes).await;
    let topic = push_certificate(app, &operator, &tenant).await;
    authorities(app, &tenant).await;
    for (udid, path) in &[("D-1", "checkin"), ("D-2", "command")][usize::from(trouble.is_some())..] {
        a_devices_life(app, &processes, &tenant, udid, path).await;
    }
    many::groups(app, &processes, &tenant).await;
    silence::silence(app, &processes, &tenant).await;
    renewed::renewals(app, &processes, &tenant).await;
    told::webhooks(app, &processes, &tenant).await;
    told::event_bus(app, &processes, &tenant).await;
    console_settings::webhook(app, &processes, &tenant).await;
    signers(app, &operator, &processes, &tenant).await;
    links(&tenant).await;
    mutual_tls(app, &processes, &tenant).await;
    carried_identities(app, &processes, &tenant).await;
    external::external_scep(app, &processes, &tenant).await;
    replacement_and_renewal(app, &tenant, &topic).await;
    calendar(app, &processes, &operator, &tenant).await;
    expiry(app, &processes, &tenant).await;
    deletion(&tenant).await;
    told::logs(app, &processes, &tenant).await;
    if trouble.is_none() {
        console::pages(app, &processes, &operator, &tenant).await;
    }
    Played { rights: processes.used(), written: processes.written() }
}

async fn tenants(operator: &Api, processes: &Processes) -> Tenant {
    let new = json!({"name": "Green School", "contacts": ["it@green.invalid", "head@green.example"]});
    let created = operator.post("/v1/tenants", new).await.expect(201);
    let text = |pointer: &str| created.json.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let tenant = Tenant::new(text("/tenant/id"), Api::new(&processes.address, Some(&text("/token"))));
    operator.get("/v1/tenants").await.expect(200);
    let made =
        tenant.post("tokens", json!({"name": "ci", "role": "viewer", "valid_days": 30})).await.expect(201);
    tenant.get("tokens").await.expect(200);
    let token = tenant.path(&format!("tokens/{}", made.json["id"].as_str().unwrap()));
    tenant.admin.call(Method::DELETE, &token, Vec::new()).await.expect(204);
    tenant
}

/// The tenant's first push certificate; returns its topic.
async fn push_certificate(app: &TestApp, operator: &Api, tenant: &Tenant) -> String {
    vendor_certificates(app, operator).await;
    dead_letters(app, operator).await;

    // Given up, and asked again.
    tenant.request().await;
    let request = tenant.path("push-certificate/request");
    tenant.admin.call(Method::DELETE, &request, Vec::new()).await.expect(204);
    tenant.request().await;
    let again = json!({"subject": pomarium_tests::actors::subject(), "replace": true});
    tenant.post("push-certificate/request", again).await.expect(201);
    let brought = json!({"certificate": certificate_pem(&issued_elsewhere(app)), "key": pem(&KEY)});
    tenant.post("push-certificate/staged", brought).await.expect(201);
    tenant.get("push-certificate/staged").await.expect(200);
    let staged = tenant.path("push-certificate/staged");
    tenant.admin.call(Method::DELETE, &staged, Vec::new()).await.expect(204);

    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(|_| ()).unwrap();
    tenant.stage(&issued.pem).await;
    let password = "correct horse battery";
    tenant.activate(json!({"expiry_mails": true, "password": password, "password_again": password})).await;
    pass_seconds(app, 600);
    let export = json!({"password": password, "format": "pem"});
    tenant.post("push-certificate/export", export).await.expect(200);
    let owner = json!({"apple_account": "push@green.example", "second_factor_holder": "Jo"});
    let path = tenant.path("push-certificate/ownership");
    tenant.admin.call(Method::PUT, &path, owner.to_string().into()).await.expect(200);
    tenant.post("push-certificate/ownership/confirm", json!({})).await.expect(200);
    tenant.get("push-certificate").await.expect(200);
    issued.uid
}

/// A letter in each queue, sent back where that can be, and discarded.
async fn dead_letters(app: &TestApp, operator: &Api) {
    for queue in DeadLetterQueue::ALL {
        let name = queue.name();
        let letters = format!("{name}-dead-letter");
        app.runner.aws.queues().send(&letters, &[("nonsense", 0)]).expect("it lies there");
        operator.get("/v1/dead-letters").await.expect(200);
        if queue.goes_back() {
            operator.post(&format!("/v1/dead-letters/{name}/send-back"), json!({})).await.expect(200);
        }
        operator.call(Method::DELETE, &format!("/v1/dead-letters/{name}"), Vec::new()).await.expect(204);
    }
    pass_seconds(app, 60);
}

/// The operator installs a second one, lets it sign, deletes it, and comes back to it.
async fn vendor_certificates(app: &TestApp, operator: &Api) {
    const PATH: &str = "/v1/vendor-certificates";
    let own = certificate_pem(&self_signed(&[], app.clock.now(), (-1, 366)));
    let files = json!({"certificate": own, "key": pem(&KEY)});
    let first = operator.get(PATH).await.expect(200).json["vendor_certificates"][0]["fingerprint"].clone();
    let second = operator.post(PATH, files.clone()).await.expect(201).json["fingerprint"].clone();
    let path = |fingerprint: &serde_json::Value| format!("{PATH}/{}", fingerprint.as_str().unwrap());
    for fingerprint in [&second, &first] {
        operator.post(&format!("{}/activate", path(fingerprint)), json!({})).await.expect(200);
    }
    operator.call(Method::DELETE, &path(&second), Vec::new()).await.expect(204);
    operator.post(PATH, files).await.expect(201);
}

async fn authorities(app: &TestApp, tenant: &Tenant) {
    tenant.create_authority().await;
    let [root, _] = &app.runner.portal.issuer_roots()[..] else { panic!("root and intermediate") };
    let certificate = json!({"certificate": certificate_pem(root)});
    tenant.post("identity-authority/trusted", certificate.clone()).await.expect(201);
    let (former, _) = tenant.replace_authority().await;
    tenant.post(&format!("identity-authority/{former}/retire"), json!({})).await.expect(200);
}

/// A whole life over one URL, so that the function behind it does all that devices ask.
async fn a_devices_life(app: &TestApp, processes: &Processes, tenant: &Tenant, udid: &str, path: &str) {
    let mut device = SimDevice::new(udid, udid, "iPad");
    device.open_link(&tenant.enrollment_link().await).await.expect("it opens");
    device.obtain_identity().await.expect("it is issued");
    let mut profile = device.profile().unwrap().clone();
    let url = format!("{}/mdm/{}/{path}", processes.address, tenant.id);
    (profile.server_url, profile.check_in_url) = (url.clone(), url);
    device.set_profile(profile);
    device.authenticate().await.expect("it begins");
    device.listen(&app.runner.apns).unwrap();
    device.token_update(Some(b"unlock token")).await.expect("it enrolls");
    device.set_bootstrap_token(b"bootstrap token").await.expect("it is kept");
    device.bootstrap_token().await.expect("it is given");
    device.user("U-1", "jane").token_update(None).await.expect("the user is known");
    device.user("U-1", "jane").idle().await.expect("the user is served");

    let order = |request_type: &str| named(app, udid, json!({"RequestType": request_type}));
    let first = tenant.post("commands", order("CertificateList")).await.expect(201);
    pass_seconds(app, 1);
    tenant.post("commands", order("ProfileList")).await.expect(201);
    deliver_all(QueueFunction::Push, &processes.state("push"), app.runner.aws.queues()).await.unwrap();
    pass_seconds(app, 1);
    let uuid = device.idle().await.unwrap().unwrap().uuid;
    let large = Dictionary::from_iter([("CertificateList".to_owned(), Value::Data(vec![7; 100_000]))]);
    let next = device.report(&uuid, Reply::Acknowledge(large)).await.unwrap().unwrap();
    assert!(device.report(&next.uuid, Reply::NotNow).await.unwrap().is_none());
    let shown =
        tenant.get(&format!("commands/{}", first.json["command_uuid"].as_str().unwrap())).await.expect(200);
    assert_eq!(shown.json["targets"][0]["status"], "Acknowledged");
    tenant.get("enrollments").await.expect(200);
    tenant.get(&format!("enrollments/{udid}")).await.expect(200);

    let other = enrolled(app, tenant, &format!("{udid}-other")).await;
    let mut clone = SimDevice::new(udid, udid, "iPad");
    clone.set_profile(device.profile().unwrap().clone());
    clone.set_identity(other.identity().unwrap().clone());
    for _ in 0..2 {
        clone.idle().await.expect_err("it is another device");
    }
    tenant.post(&format!("enrollments/{udid}-other/retire"), json!({})).await.expect(200);
    withdrawals(app, processes, tenant, &device, udid).await;

    device.renew_identity(MessageType::RenewalReq).await.expect("it is renewed");
    device.idle().await.expect("it is known by the new one");
    // Apple calls its address no good.
    let topic = device.profile().unwrap().topic.clone();
    let refusal = Answer::Status { status: 410, reason: "Unregistered", retry_after: None };
    app.runner.apns.script(&topic, [refusal]);
    tenant.post("commands", order("ProfileList")).await.expect(201);
    deliver_all(QueueFunction::Push, &processes.state("push"), app.runner.aws.queues()).await.unwrap();
    let other = enrolled(app, tenant, &format!("{udid}-other")).await;
    tenant.post(&format!("enrollments/{udid}-other/revoke-identity"), json!({})).await.expect(200);
    let mut revoked = SimDevice::new(&format!("{udid}-other"), udid, "iPad");
    revoked.set_profile(device.profile().unwrap().clone());
    revoked.set_identity(other.identity().unwrap().clone());
    for _ in 0..2 {
        revoked.idle().await.expect_err("its identity was revoked");
    }
    tenant.post(&format!("enrollments/{udid}-other/retire"), json!({})).await.expect(200);
    tenant.post(&format!("enrollments/{udid}/unenroll"), json!({"reason": "Sold."})).await.expect(200);
    device.idle().await.expect_err("it is told to go");
    device.check_out().await.expect("it goes");
}

async fn signers(app: &TestApp, operator: &Api, processes: &Processes, tenant: &Tenant) {
    let device = enrolled(app, tenant, "D-5").await;
    let certificate = certificate_pem(&self_signed(&[], app.clock.now(), (-1, 364)));
    let files = json!({"certificate": certificate, "key": pem(&KEY)}).to_string();
    let own = tenant.path("profile-signer");
    for (api, path) in [(operator, "/v1/profile-signer"), (&tenant.admin, own.as_str())] {
        api.call(Method::PUT, path, files.clone().into()).await.expect(200);
        // The second takes the first one's place.
        api.call(Method::PUT, path, files.clone().into()).await.expect(200);
        api.get(path).await.expect(200);
    }
    tenant.admin.get(&tenant.enrollment_link().await).await.expect(200);
    let setting = async |identity: &str| {
        let settings = json!({"identity": identity}).to_string();
        let path = tenant.path("enrollment-settings");
        tenant.admin.call(Method::PUT, &path, settings.into()).await.expect(200);
    };
    setting("pkcs12").await;
    tenant.admin.get(&tenant.enrollment_link().await).await.expect(200);
    setting("scep").await;
    let locked = json!({"removal": {"rule": "with-password", "password": "open sesame"}}).to_string();
    let settings = tenant.path("enrollment-settings");
    tenant.admin.call(Method::PUT, &settings, locked.into()).await.expect(200);
    renewed::want_renewal(app, processes, tenant).await;
    device.check_out().await.expect("it goes");
    for (api, path) in [(operator, "/v1/profile-signer"), (&tenant.admin, own.as_str())] {
        api.call(Method::DELETE, path, Vec::new()).await.expect(204);
    }
}

/// A link for several devices: used, listed, revoked.
async fn links(tenant: &Tenant) {
    tenant.get("enrollment-settings").await.expect(200);
    let locked = json!({"removal": {"rule": "with-password", "password": "open sesame"}}).to_string();
    let settings = tenant.path("enrollment-settings");
    tenant.admin.call(Method::PUT, &settings, locked.into()).await.expect(200);
    let made = tenant.post("enrollment-links", json!({"uses": 2, "group": "Year 7"})).await.expect(201).json;
    let mut device = SimDevice::new("D-9", "C02XYZ", "Jo's iPad");
    device.open_link(made["url"].as_str().unwrap()).await.expect("the link holds a profile");
    device.obtain_identity().await.expect("an identity");
    tenant.get("enrollment-links").await.expect(200);
    let people = "email\njo@green.example\njo@green.invalid\n".into();
    let invitations = tenant.path("enrollment-links/invitations");
    tenant.admin.call(Method::POST, &invitations, people).await.expect(200);
    let path = tenant.path(&format!("enrollment-links/{}", made["id"].as_str().unwrap()));
    tenant.admin.get(&path).await.expect(200);
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
}

/// A device that shows its identity in TLS, from the note that the gateway knows its authority on.
async fn mutual_tls(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let settings = tenant.path("enrollment-settings");
    let wanted =
        json!({"device_authentication": "mutual-tls", "removal": {"rule": "with-password"}}).to_string();
    tenant.admin.call(Method::PUT, &settings, wanted.into()).await.expect(200);
    for progress in ["told", "settled"] {
        let round = run(processes.state("trust-store"), "trust-store").await.unwrap();
        assert_eq!(round["progress"], progress);
    }
    tenant.get("enrollment-settings").await.expect(200);
    pass_seconds(app, 61);
    let mut device = SimDevice::new("D-12", "D-12", "iPad").trusting(&app.runner.tls_root);
    device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    assert!(!device.profile().unwrap().sign_messages);
    device.check_out().await.expect("it goes");
    let usual = json!({"removal": {"rule": "with-password"}}).to_string();
    tenant.admin.call(Method::PUT, &settings, usual.into()).await.expect(200);
}

/// Profiles with a removal password that bring their identity along, for devices of either URL.
async fn carried_identities(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let settings = tenant.path("enrollment-settings");
    let carried = json!({"identity": "pkcs12", "removal": {"rule": "with-password"}}).to_string();
    tenant.admin.call(Method::PUT, &settings, carried.into()).await.expect(200);
    for (udid, path) in [("D-10", "checkin"), ("D-11", "command")] {
        let mut device = SimDevice::new(udid, udid, "iPad");
        device.open_link(&tenant.enrollment_link().await).await.expect("it opens");
        device.obtain_identity().await.expect("it came along");
        let mut profile = device.profile().unwrap().clone();
        profile.check_in_url = format!("{}/mdm/{}/{path}", processes.address, tenant.id);
        device.set_profile(profile);
        device.authenticate().await.expect("it begins");
        device.listen(&app.runner.apns).unwrap();
        device.token_update(None).await.expect("it enrolls");
        device.check_out().await.expect("it goes");
    }
    let usual = json!({"removal": {"rule": "with-password"}}).to_string();
    tenant.admin.call(Method::PUT, &settings, usual.into()).await.expect(200);
}

async fn replacement_and_renewal(app: &TestApp, tenant: &Tenant, topic: &str) {
    enrolled(app, tenant, "D-3").await;
    app.pass_days(1);
    tenant.request().await;
    let file = tenant.request_file().await;
    // Longer than a warm process remembers the key that it has just made.
    pass_seconds(app, 600);
    let other = app.runner.portal.issue(&file).map_err(|_| ()).unwrap();
    assert_eq!(tenant.stage(&other.pem).await.json["source"], "Replacement");
    let renewed = app.runner.portal.renew(topic, &file).map_err(|_| ()).unwrap();
    tenant.stage(&renewed.pem).await;
    tenant.post("push-certificate/staged/check", json!({})).await.expect(200);
    tenant.activate(json!({})).await;
    tenant.post("push-certificate/rollback", json!({})).await.expect(200);
}

/// The calendar, and what the pages behind links write and read.
async fn calendar(app: &TestApp, processes: &Processes, operator: &Api, tenant: &Tenant) {
    let servers = operator.get("/v1/expirations").await.expect(200);
    let listed = tenant.get("expirations").await.expect(200);
    let credential = listed.json["expirations"][0]["credential"].as_str().unwrap();
    let until = app.clock.now() + SignedDuration::from_hours(24);
    let snooze = json!({"until": until, "by": "Jo"});
    tenant.post(&format!("expirations/{credential}/snooze"), snooze.clone()).await.expect(201);
    let credential = servers.json["expirations"][0]["credential"].as_str().unwrap();
    operator.post(&format!("/v1/expirations/{credential}/snooze"), snooze).await.expect(201);
    let made = tenant.post("expirations/calendar", json!({})).await.expect(201);
    let anybody = Api::new(&processes.address, None);
    anybody.get(made.json["url"].as_str().unwrap()).await.expect(200);
    let page = confirmations(app, "head@green.example").remove(0);
    anybody.get(&page).await.expect(200);
    anybody.call(Method::POST, &page, Vec::new()).await.expect(200);
}

async fn deletion(tenant: &Tenant) {
    let typed = json!({"confirm": "Green School", "confirm_orphaned": 1}).to_string();
    tenant.admin.call(Method::DELETE, &tenant.path("push-certificate"), typed.into()).await.expect(200);
}

async fn expiry(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    app.pass_days(300);
    apns_probe::handle(processes.state("apns-probe"), Timestamp::MAX).await.unwrap();
    tenant.get("push-certificate/status").await.expect(200);
    // The last week, in which every contact is told, confirmed or not.
    app.pass_days(58);
    // The first contact's mail is refused: its claim is given back, and the schedule tries again.
    expiry_notifier::handle(processes.state("expiry-notifier"), Timestamp::MAX).await.unwrap_err();
    let path = format!("/v1/tenants/{}", tenant.id);
    let change = json!({"contacts": ["it@green.example", "head@green.example"]});
    tenant.admin.call(Method::PATCH, &path, change.to_string().into()).await.expect(200);
    // One that bounces is disabled.
    let bounces = json!({"contacts": ["it@green.example", "bounce@simulator.amazonses.com"]});
    tenant.admin.call(Method::PATCH, &path, bounces.to_string().into()).await.expect(200);
    let reported = deliver_reports(&processes.state("mail-feedback"), app.runner.aws.queues()).await.unwrap();
    assert_eq!(reported, 1);
    tenant.admin.call(Method::PATCH, &path, change.to_string().into()).await.expect(200);
    pass_seconds(app, 3_601);
    tenant.post("contacts/confirmations", json!({})).await.expect(200);
    expiry_notifier::handle(processes.state("expiry-notifier"), Timestamp::MAX).await.unwrap();
}
