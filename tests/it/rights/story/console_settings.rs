//! The console: expirations, settings, and the operator's pages.

use pomarium_local::runner::{QueueFunction, deliver_all, run};
use pomarium_tests::{Browser, Tenant, TestApp};

use reqwest::Method;
use shared::domain::dead_letter::DeadLetterQueue;
use shared::id::Fingerprint;

use super::Processes;
use crate::crypto::{KEY, certificate_pem, pem, self_signed};
use crate::devices::{enrolled, pass_seconds};
use crate::mails::{ending_token, listed};
use crate::profile_signer::Brought;
use crate::receiver::Receiver;

const SAM: &str = "sam@green.example";
/// What is changed on pages of one form each.
const FORMS: [(&str, &[(&str, &str)]); 5] = [
    (
        "organization",
        &[
            ("name", "Green School"),
            ("contacts", "new@green.example"),
            ("expiry_mails", "on"),
            ("hours", "0"),
        ],
    ),
    ("tokens", &[("name", "help desk"), ("role", "viewer"), ("days", "")]),
    ("refresh", &[("DeviceInformation", "24")]),
    ("support-access", &[("hours", "1"), ("level", "viewer")]),
    ("retention", &[("audit_days", "800"), ("events_days", "100"), ("commands_days", "60")]),
];

pub(super) async fn pages(app: &TestApp, jo: &mut Browser, tenant: &Tenant) {
    let base = format!("/console/{}", tenant.id);
    ending_token(tenant, "soon over", 20).await;
    let credential =
        listed(tenant, "api-token").await["credential"].as_str().expect("it is listed").to_owned();
    let at = |rest: &str| format!("{base}/expirations{rest}");
    jo.open(&at("")).await.expect(200);
    let form = [("credential", credential.as_str()), ("days", "3"), ("by", "Jo")];
    jo.submit(&at("/snooze"), &form).await.expect(200);
    pass_seconds(app, 3_601);
    jo.submit(&at("/ask"), &[]).await.expect(200);
    jo.submit(&at("/calendar"), &[]).await.expect(200);

    let at = |rest: &str| format!("{base}/settings/{rest}");
    jo.open(&format!("{base}/settings")).await.expect(200);
    for (page, form) in FORMS {
        jo.open(&at(page)).await.expect(200);
        jo.submit(&at(page), form).await.expect(200);
    }
    jo.submit(&at("support-access/end"), &[]).await.expect(200);
    let token = credential.split_once('.').expect("its kind comes first").1;
    jo.submit(&at("tokens/delete"), &[("token", token)]).await.expect(200);
    signing_certificate(app, jo, &at("signing-certificate")).await;
    jo.open(&at("groups")).await.expect(200);
    let made = jo.submit(&at("groups"), &[("name", "Room 99")]).await.expect(200);
    let group = made.between("Room 99", "Delete Room 99").expect("it is listed");
    let id = group.split("name=\"group\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let id = id.expect("it has an identifier");
    let page = at(&format!("groups/{id}"));
    jo.open(&page).await.expect(200);
    jo.submit(&format!("{page}/add"), &[("devices", "D-7\nC02XYZ")]).await.expect(200);
    jo.submit(&format!("{page}/remove"), &[("device", "D-7")]).await.expect(200);
    let delete = [("group", id), ("confirm", "Room 99")];
    jo.submit(&at("groups/delete"), &delete).await.expect(200);
    for page in ["audit-log", "audit-log/export", "device-log", "device-log/export"] {
        jo.open(&at(page)).await.expect(200);
    }
}

async fn signing_certificate(app: &TestApp, browser: &mut Browser, page: &str) {
    let files = Brought::new(app, "Signer", 200).files();
    let file = |name: &'static str| (name, "file.pem", files[name].as_str().expect("text").as_bytes());
    browser.open(page).await.expect(200);
    // The second one takes the first one's place.
    for _ in 0..2 {
        let all = [file("certificate"), file("key"), file("chain")];
        browser.upload(page, &[], &all).await.expect(200);
    }
    browser.submit(&format!("{page}/remove"), &[]).await.expect(200);
}

/// A webhook's whole life, while devices can still enroll.
pub(super) async fn webhook(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    tenant.let_in(SAM, "admin").await.expect(200);
    let mut sam = Browser::at(&processes.address);
    sam.sign_in(app, SAM).await.expect(200);
    let list = format!("/console/{}/settings/webhooks", tenant.id);
    let receiver = Receiver::start().await;
    receiver.answer(|body| if body["enrollment"] == "D-99" { 400 } else { 200 });
    sam.open(&list).await.expect(200);
    let target = ("target", receiver.url());
    let made = sam.submit(&list, &[target]).await.expect(200);
    let at = format!("{list}/{}", made.between("/settings/webhooks/", "\"").expect("it is linked"));
    let turn = async || {
        pass_seconds(app, 5);
        let events = processes.state("events");
        run(events.clone(), "events").await.unwrap();
        deliver_all(QueueFunction::Events, &events, app.runner.aws.queues()).await.unwrap();
    };
    let (device, other) = (enrolled(app, tenant, "D-99").await, enrolled(app, tenant, "D-98").await);
    turn().await;
    pass_seconds(app, 25 * 3_600);
    turn().await;
    receiver.answer(|_| 200);
    sam.sign_in(app, SAM).await.expect(200);
    let page = sam.open(&at).await.expect(200);
    let event = page.between("name=\"event\" value=\"", "\"").expect("it was given up");
    let forms: [(&str, &[(&str, &str)]); 6] = [
        ("/redeliver", &[("event", &event)]),
        ("/test", &[]),
        ("", &[target]),
        ("/switch", &[("enabled", "no")]),
        ("/switch", &[("enabled", "yes")]),
        ("/secret", &[("hours", "1")]),
    ];
    for (rest, form) in forms {
        sam.submit(&format!("{at}{rest}"), form).await.expect(200);
    }
    sam.open(&at).await.expect(200);
    sam.submit(&format!("{at}/replay"), &[("from", "2026-11-01T00:00")]).await.expect(200);
    sam.submit(&format!("{at}/delete"), &[("confirm", receiver.url())]).await.expect(200);
    for device in [device, other] {
        device.check_out().await.expect("it goes");
    }
}

/// The operator's own pages.
pub(super) async fn operators(app: &TestApp, ops: &mut Browser, tenant: &Tenant) {
    ops.sign_in(app, pomarium_local::runner::OPERATOR).await.expect(200);
    let at = |rest: &str| format!("/console/operator/{rest}");
    support(ops, tenant, &at(&format!("tenants/{}", tenant.id))).await;
    let vendor = self_signed(&[], app.clock.now(), (-1, 365));
    let (own, key) = (certificate_pem(&vendor), pem(&KEY));
    let files = [("certificate", "vendor.pem", own.as_bytes()), ("key", "key.pem", key.as_bytes())];
    ops.open(&at("vendor-certificates")).await.expect(200);
    ops.upload(&at("vendor-certificates"), &[], &files).await.expect(200);
    let fingerprint = Fingerprint::of(&vendor.to_der().unwrap()).to_string();
    let of = ("fingerprint", fingerprint.as_str());
    let page = ops.submit(&at("vendor-certificates/activate"), &[of]).await.expect(200);
    let former = page.between("name=\"fingerprint\" value=\"", "\"").expect("the former one");
    let name = page.between("Type its name: <strong>", "<").expect("it has a name");
    let delete = [("fingerprint", former.as_str()), ("confirm", name.as_str())];
    ops.submit(&at("vendor-certificates/delete"), &delete).await.expect(200);
    signing_certificate(app, ops, &at("signing-certificate")).await;
    ops.open(&at("health?check=1")).await.expect(200);
    dead_letters(app, ops, &at("dead-letters")).await;
    for page in ["audit-log", "audit-log/export"] {
        ops.open(&at(page)).await.expect(200);
    }
}

/// A letter in each queue, sent back where that can be, and discarded.
async fn dead_letters(app: &TestApp, ops: &mut Browser, page: &str) {
    for queue in DeadLetterQueue::ALL {
        let name = queue.name();
        let letters = format!("{name}-dead-letter");
        app.runner.aws.queues().send(&letters, &[("nonsense", 0)]).expect("it lies there");
        ops.open(page).await.expect(200).says("Discard for good");
        if queue.goes_back() {
            ops.submit(&format!("{page}/send-back"), &[("queue", name)]).await.expect(200);
        }
        ops.submit(&format!("{page}/discard"), &[("queue", name), ("confirm", name)]).await.expect(200);
    }
}

/// The operator asks to look in, and does while it is allowed.
async fn support(ops: &mut Browser, tenant: &Tenant, page: &str) {
    ops.open(page).await.expect(200);
    ops.submit(&format!("{page}/ask"), &[("reason", "Pushes fail")]).await.expect(200);
    let path = tenant.path("settings/support-access");
    let body = r#"{"hours": 1, "level": "viewer"}"#;
    tenant.admin.call(Method::PUT, &path, body.into()).await.expect(200);
    tenant.get("settings/support-access").await.expect(200);
    ops.open(&format!("/console/{}", tenant.id)).await.expect(200);
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
}
