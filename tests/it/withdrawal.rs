//! Commands that are taken back, replaced, too late or unanswered; and what a second administrator approves.

use plist::{Dictionary, Value};
use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::{Api, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::devices::{enrolled, enrollment, outcome, pass_seconds, queue, status, uuid_of};

async fn world() -> (TestApp, Tenant, SimDevice) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    (app, tenant, device)
}

fn done() -> Reply {
    Reply::Acknowledge(Dictionary::new())
}

async fn idle(device: &SimDevice) -> Option<String> {
    device.idle().await.expect("the poll is accepted").map(|command| command.uuid)
}

async fn report(device: &SimDevice, uuid: &str, reply: Reply) -> Option<String> {
    device.report(uuid, reply).await.expect("the report is accepted").map(|command| command.uuid)
}

async fn waiting(tenant: &Tenant) -> Json {
    enrollment(tenant, "D-1").await["waiting_commands"].clone()
}

async fn delete(tenant: &Tenant, rest: &str, status: u16) -> Json {
    tenant.admin.call(Method::DELETE, &tenant.path(rest), Vec::new()).await.expect(status).json
}

async fn send(tenant: &Tenant, order: Json) -> String {
    uuid_of(&tenant.post("commands", order).await.expect(201))
}

#[tokio::test]
async fn a_cancelled_command_is_never_served() {
    let (app, tenant, device) = world().await;
    enrolled(&app, &tenant, "D-2").await;
    let both =
        send(&tenant, json!({"targets": ["D-1", "D-2"], "command": {"RequestType": "RestartDevice"}})).await;
    delete(&tenant, &format!("commands/{both}/targets/D-1"), 204).await;
    assert_eq!((idle(&device).await, waiting(&tenant).await), (None, json!(0)));
    let shown = tenant.get(&format!("commands/{both}")).await.expect(200).json;
    assert_eq!(shown["targets"][0]["status"], "Cancelled");
    assert_eq!(shown["targets"][0]["explanation"], "Cancelled at 09:00.");
    assert_eq!(shown["targets"][1]["status"], "Pending");
    for _ in 0..2 {
        delete(&tenant, &format!("commands/{both}"), 204).await;
    }
    let shown = tenant.get(&format!("commands/{both}")).await.expect(200).json;
    assert_eq!(shown["targets"][1]["status"], "Cancelled");
    assert!(shown["cancelled_at"].is_string());
    assert_eq!(enrollment(&tenant, "D-2").await["waiting_commands"], 0);
    let again = json!({
        "targets": ["D-1", "D-2"], "command": {"RequestType": "RestartDevice"}, "command_uuid": both,
    });
    assert_eq!(tenant.post("commands", again).await.expect(409).problem(), "command-cancelled");
    delete(&tenant, "commands/00000000-0000-4000-8000-000000000000", 404).await;
}

#[tokio::test]
async fn a_command_that_was_fetched_before_its_cancellation_may_still_be_answered() {
    let (app, tenant, device) = world().await;
    let lock = json!({"RequestType": "DeviceLock", "PIN": "271828"});
    let uuid = send(&tenant, json!({"targets": ["D-1"], "command": lock})).await;
    pass_seconds(&app, 1);
    let behind = queue(&tenant, "D-1", "RestartDevice").await;
    assert_eq!(idle(&device).await.as_ref(), Some(&uuid));
    delete(&tenant, &format!("commands/{uuid}"), 204).await;
    assert_eq!(report(&device, &uuid, Reply::NotNow).await, Some(behind.clone()));
    assert_eq!(status(&tenant, &uuid).await, "Cancelled");
    assert_eq!(report(&device, &uuid, done()).await, Some(behind.clone()));
    let after = outcome(&tenant, &uuid).await;
    assert_eq!((&after["status"], &after["after_cancel"]), (&json!("Acknowledged"), &json!(true)));
    assert_eq!(after["result"]["Status"], "Acknowledged");
    // Its effect is as if it had never been cancelled: the PIN is there for whoever has the device in hand.
    let pin = tenant.post(&format!("commands/{uuid}/targets/D-1/pin"), json!({})).await.expect(200);
    assert_eq!(pin.json["pin"], "271828");
    assert_eq!(waiting(&tenant).await, 1);
    report(&device, &behind, done()).await;
    report(&device, &uuid, Reply::Error(Vec::new())).await;
    assert_eq!(outcome(&tenant, &uuid).await, after);
    assert_eq!((idle(&device).await, waiting(&tenant).await), (None, json!(0)));
}

#[tokio::test]
async fn a_queue_is_cleared_however_long() {
    let (app, tenant, device) = world().await;
    let first = queue(&tenant, "D-1", "RestartDevice").await;
    for _ in 0..60 {
        pass_seconds(&app, 1);
        queue(&tenant, "D-1", "RestartDevice").await;
    }
    let page = tenant.get("enrollments/D-1/commands").await.expect(200).json;
    assert_eq!(page["commands"].as_array().map(Vec::len), Some(50));
    assert_eq!(page["commands"][0]["command_uuid"], first.as_str());
    let next = page["next"].as_str().expect("another page");
    let rest = tenant.get(&format!("enrollments/D-1/commands?after={next}")).await.expect(200).json;
    assert_eq!((rest["commands"].as_array().map(Vec::len), &rest["next"]), (Some(11), &Json::Null));
    let other = tenant.get(&format!("enrollments/D-1/commands?stuck=true&after={next}")).await.expect(400);
    assert_eq!(other.problem(), "page-mark");

    assert_eq!(delete(&tenant, "enrollments/D-1/commands", 200).await["cancelled"], 61);
    assert_eq!((idle(&device).await, waiting(&tenant).await), (None, json!(0)));
    assert_eq!(status(&tenant, &first).await, "Cancelled");
    assert_eq!(delete(&tenant, "enrollments/D-1/commands", 200).await["cancelled"], 0);
    delete(&tenant, "enrollments/D-9/commands", 404).await;
}

#[tokio::test]
async fn a_command_whose_time_is_over_is_not_served() {
    let (app, tenant, device) = world().await;
    let restart = json!({"RequestType": "RestartDevice"});
    let short = send(&tenant, json!({"targets": ["D-1"], "command": restart, "expires_in": 60})).await;
    pass_seconds(&app, 1);
    let path = format!("/v1/tenants/{}", tenant.id);
    let setting = json!({"command_expires_in": 600}).to_string();
    tenant.admin.call(Method::PATCH, &path, setting.into()).await.expect(200);
    let usual = send(&tenant, json!({"targets": ["D-1"], "command": restart})).await;
    assert_eq!(outcome(&tenant, &short).await["expires_at"], "2026-11-21T09:01:00Z");
    assert_eq!(idle(&device).await.as_ref(), Some(&short));

    pass_seconds(&app, 59);
    assert_eq!(status(&tenant, &short).await, "Expired", "before any poll has written it down");
    assert_eq!(idle(&device).await.as_ref(), Some(&usual));
    assert_eq!((status(&tenant, &short).await, waiting(&tenant).await), ("Expired".into(), json!(1)));
    // It was fetched in time: its answer counts.
    assert_eq!(report(&device, &short, done()).await.as_ref(), Some(&usual));
    let late = outcome(&tenant, &short).await;
    assert_eq!((&late["status"], &late["after_cancel"]), (&json!("Acknowledged"), &json!(true)));

    pass_seconds(&app, 600);
    assert_eq!((idle(&device).await, waiting(&tenant).await), (None, json!(0)));
    assert_eq!(status(&tenant, &usual).await, "Expired");
    for seconds in [59, 31_536_001] {
        let order = json!({"targets": ["D-1"], "command": restart, "expires_in": seconds});
        assert_eq!(tenant.post("commands", order).await.expect(400).problem(), "command-expires-in");
        let setting = json!({"command_expires_in": seconds}).to_string();
        let refused = tenant.admin.call(Method::PATCH, &path, setting.into()).await.expect(400);
        assert_eq!(
            (refused.problem(), &refused.json["field"]),
            ("command-expires-in", &json!("command_expires_in"))
        );
    }
}

#[tokio::test]
async fn a_later_command_about_the_same_takes_the_earlier_ones_place() {
    let (app, tenant, device) = world().await;
    let install = |name: &str, text: &str| {
        let profile = format!(
            "<plist><dict><key>PayloadIdentifier</key><string>{name}</string><key>X</key><string>{text}</string></dict></plist>"
        );
        let payload = openssl::base64::encode_block(profile.as_bytes());
        json!({"targets": ["D-1"], "command": {"RequestType": "InstallProfile", "Payload": payload}})
    };
    let mut sent = Vec::new();
    for order in [
        install("wifi", "one"),
        install("mail", "one"),
        json!({"targets": ["D-1"], "command": {"RequestType": "ProfileList"}}),
        json!({"targets": ["D-1"], "command": {"RequestType": "RestartDevice"}}),
        install("wifi", "two"),
        json!({"targets": ["D-1"], "command": {"RequestType": "ProfileList"}}),
        json!({"targets": ["D-1"], "command": {"RequestType": "RestartDevice"}}),
    ] {
        sent.push(send(&tenant, order).await);
        pass_seconds(&app, 1);
    }
    assert_eq!(waiting(&tenant).await, 5);
    for (index, expected) in
        [(0, "Superseded"), (1, "Pending"), (2, "Superseded"), (3, "Pending"), (4, "Pending")]
    {
        assert_eq!(status(&tenant, &sent[index]).await, expected, "{index}");
    }
    let mut served = Vec::new();
    let mut next = idle(&device).await;
    while let Some(uuid) = next {
        next = report(&device, &uuid, done()).await;
        served.push(uuid);
    }
    assert_eq!(served, [1, 3, 4, 5, 6].map(|index: usize| sent[index].clone()));
}

#[tokio::test]
async fn a_command_without_an_answer_is_set_aside_and_can_be_tried_again() {
    let (app, tenant, device) = world().await;
    let first = queue(&tenant, "D-1", "RestartDevice").await;
    pass_seconds(&app, 1);
    let behind = queue(&tenant, "D-1", "ShutDownDevice").await;
    for _ in 0..10 {
        assert_eq!(idle(&device).await.as_ref(), Some(&first));
    }
    assert_eq!(idle(&device).await.as_ref(), Some(&behind));
    assert_eq!((status(&tenant, &first).await, waiting(&tenant).await), ("Stuck".into(), json!(1)));
    let letters = tenant.get("enrollments/D-1/commands?stuck=true").await.expect(200).json;
    assert_eq!(letters["commands"][0]["command_uuid"], first.as_str());
    assert!(letters["commands"][0]["explanation"].as_str().is_some_and(|text| text.starts_with("Set aside")));
    assert_eq!(report(&device, &behind, done()).await, None);

    let retry = format!("commands/{first}/targets/D-1/retry");
    tenant.post(&retry, json!({})).await.expect(204);
    assert_eq!(tenant.post(&retry, json!({})).await.expect(409).problem(), "command-not-stuck");
    assert_eq!(idle(&device).await.as_ref(), Some(&first));
    assert_eq!(report(&device, &first, done()).await, None);
    assert_eq!((status(&tenant, &first).await, waiting(&tenant).await), ("Acknowledged".into(), json!(0)));
    let letters = tenant.get("enrollments/D-1/commands?stuck=true").await.expect(200).json;
    assert_eq!(letters["commands"], json!([]));
}

async fn colleague(app: &TestApp, tenant: &Tenant) -> Api {
    let made = tenant.post("tokens", json!({"name": "Kim", "role": "admin"})).await.expect(201);
    app.api(made.json["token"].as_str().expect("a token"))
}

#[tokio::test]
async fn erasing_takes_four_eyes_where_the_tenant_wants_them() {
    let (app, tenant, device) = world().await;
    let kim = colleague(&app, &tenant).await;
    let path = format!("/v1/tenants/{}", tenant.id);
    let setting = |on: bool| json!({"erase_needs_approval": on}).to_string().into_bytes();
    tenant.admin.call(Method::PATCH, &path, setting(true)).await.expect(200);
    let refused = tenant.admin.call(Method::PATCH, &path, setting(false)).await.expect(403);
    assert_eq!(refused.problem(), "approval-rule");

    let erase = json!({"targets": ["D-1"], "command": {"RequestType": "EraseDevice", "PIN": "271828"}});
    let asked = tenant.post("commands", erase.clone()).await.expect(201);
    assert_eq!(asked.json["awaits_approval"], true);
    let uuid = uuid_of(&asked);
    assert_eq!((idle(&device).await, waiting(&tenant).await), (None, json!(0)));
    let target = outcome(&tenant, &uuid).await;
    assert_eq!(target["explanation"], "Waiting for a second administrator to approve it.");
    let approve = tenant.path(&format!("commands/{uuid}/approve"));
    assert_eq!(tenant.admin.post(&approve, json!({})).await.expect(403).problem(), "approval-own");
    for _ in 0..2 {
        kim.post(&approve, json!({})).await.expect(200);
    }
    assert_eq!((idle(&device).await, waiting(&tenant).await), (Some(uuid.clone()), json!(1)));
    report(&device, &uuid, done()).await;

    let cancelled = uuid_of(&tenant.post("commands", erase).await.expect(201));
    delete(&tenant, &format!("commands/{cancelled}"), 204).await;
    let late = kim.post(&tenant.path(&format!("commands/{cancelled}/approve")), json!({})).await.expect(409);
    assert_eq!(late.problem(), "command-cancelled");
    let limited = json!({"targets": ["D-1"], "command": {"RequestType": "EraseDevice"}, "expires_in": 60});
    let limited = uuid_of(&tenant.post("commands", limited).await.expect(201));
    pass_seconds(&app, 60);
    let late = kim.post(&tenant.path(&format!("commands/{limited}/approve")), json!({})).await.expect(409);
    assert_eq!(late.problem(), "command-expired");
    let lock = queue(&tenant, "D-1", "DeviceLock").await;
    let needless = kim.post(&tenant.path(&format!("commands/{lock}/approve")), json!({})).await.expect(409);
    assert_eq!(needless.problem(), "approval-not-asked");
    app.operator().call(Method::PATCH, &path, setting(false)).await.expect(200);

    let log = tenant.get("audit").await.expect(200).json["entries"].to_string();
    for action in ["command-approval-asked", "command-approved", "command-cancelled"] {
        assert!(log.contains(action), "{action}");
    }
    assert!(!log.contains("271828"));
}

#[tokio::test]
async fn a_waiting_command_explains_itself() {
    let (app, tenant, mut device) = world().await;
    pass_seconds(&app, 3_600);
    let uuid = queue(&tenant, "D-1", "RestartDevice").await;
    app.deliver_hints().await;
    assert!(device.wait_for_push().await);
    pass_seconds(&app, 600);
    device.will_answer("RestartDevice", Reply::NotNow);
    device.answer_all().await.expect("it answers");
    pass_seconds(&app, 7_200);
    let expected = "Waiting: last seen 2 h ago; push accepted at 10:00; NotNow once since 10:10 (device locked or in use).";
    assert_eq!(outcome(&tenant, &uuid).await["explanation"], expected);
    let listed = tenant.get("enrollments/D-1/commands").await.expect(200).json;
    assert_eq!(listed["commands"][0]["explanation"], expected);
}

#[tokio::test]
async fn a_passcode_is_cleared_with_the_token_that_the_device_deposited() {
    let (app, tenant, device) = world().await;
    let uuid = queue(&tenant, "D-1", "ClearPasscode").await;
    let command = device.idle().await.expect("it is served").expect("a command");
    assert_eq!(command.uuid, uuid);
    let token = command.keys.get("UnlockToken").and_then(Value::as_data);
    assert_eq!(token, Some(device.unlock_token()));
    report(&device, &uuid, done()).await;

    let mut user = device.user("U-1", "jo");
    user.listen(&app.runner.apns).expect("a push token");
    user.token_update(None).await.expect("a channel without a token");
    let order = json!({"targets": ["D-1:U-1"], "command": {"RequestType": "ClearPasscode"}});
    assert_eq!(tenant.post("commands", order).await.expect(409).problem(), "unlock-token-missing");
}
