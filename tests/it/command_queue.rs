//! The queue of commands: what is served when, and what a device's word changes.

mod lives;
mod model;

use plist::{Dictionary, Value};
use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::{Tenant, TestApp};
use serde_json::json;
use shared::protocol::report::{ErrorChainItem, Status};

use crate::devices::{enrolled, enrollment, outcome, pass_seconds, queue, status, uuid_of};

/// A tenant with one enrolled device.
async fn world() -> (TestApp, Tenant, SimDevice) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    (app, tenant, device)
}

/// Queues commands of these types, one a second, for the order among equals is by age.
async fn queue_all<const N: usize>(app: &TestApp, tenant: &Tenant, types: [&str; N]) -> [String; N] {
    let mut uuids = [const { String::new() }; N];
    for (uuid, request_type) in uuids.iter_mut().zip(types) {
        *uuid = queue(tenant, "D-1", request_type).await;
        pass_seconds(app, 1);
    }
    uuids
}

async fn idle(device: &SimDevice) -> Option<String> {
    device.idle().await.expect("the poll is accepted").map(|command| command.uuid)
}

async fn report(device: &SimDevice, uuid: &str, reply: Reply) -> Option<String> {
    device.report(uuid, reply).await.expect("the report is accepted").map(|command| command.uuid)
}

fn done() -> Reply {
    Reply::Acknowledge(Dictionary::new())
}

#[tokio::test]
async fn a_command_is_served_until_its_final_answer() {
    let (app, tenant, device) = world().await;
    let [first, second] = queue_all(&app, &tenant, ["ProfileList", "SecurityInfo"]).await;
    for _ in 0..3 {
        assert_eq!(idle(&device).await.as_deref(), Some(first.as_str()));
    }
    assert_eq!(report(&device, &first, done()).await, Some(second.clone()));
    let chain = vec![ErrorChainItem {
        code: Some(12_021),
        domain: Some("MCMDMErrorDomain".to_owned()),
        localized_description: None,
        us_english_description: Some("Unknown command".to_owned()),
    }];
    assert_eq!(report(&device, &second, Reply::Error(chain)).await, None);
    assert_eq!(idle(&device).await, None);
    assert_eq!(status(&tenant, &first).await, "Acknowledged");
    let failed = outcome(&tenant, &second).await;
    assert_eq!(failed["status"], "Error");
    assert_eq!(failed["result"]["ErrorChain"][0]["ErrorCode"], 12_021);
    assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 0);
}

#[tokio::test]
async fn what_was_refused_for_now_rests_until_the_next_session() {
    let (app, tenant, device) = world().await;
    let [first, second, third] =
        queue_all(&app, &tenant, ["ProfileList", "SecurityInfo", "CertificateList"]).await;
    assert_eq!(idle(&device).await, Some(first.clone()));
    assert_eq!(report(&device, &first, Reply::NotNow).await, Some(second.clone()));
    assert_eq!(report(&device, &second, done()).await, Some(third.clone()));
    assert_eq!(report(&device, &third, Reply::NotNow).await, None);
    assert_eq!(status(&tenant, &first).await, "NotNow");

    assert_eq!(idle(&device).await, Some(first.clone()));
    assert_eq!(report(&device, &first, Reply::NotNow).await, Some(third.clone()));
    assert_eq!(report(&device, &third, done()).await, None);
    assert_eq!(outcome(&tenant, &first).await["not_now_tally"], 2);

    assert_eq!(idle(&device).await, Some(first.clone()));
    assert_eq!(report(&device, &first, done()).await, None);
    for uuid in [first, second, third] {
        assert_eq!(status(&tenant, &uuid).await, "Acknowledged");
    }
}

#[tokio::test]
async fn a_command_behind_many_that_were_refused_is_found() {
    let (app, tenant, device) = world().await;
    let first: [String; 20] = queue_all(&app, &tenant, ["RestartDevice"; 20]).await;
    let mut next = idle(&device).await;
    for uuid in &first {
        assert_eq!(next.as_ref(), Some(uuid));
        next = report(&device, uuid, Reply::NotNow).await;
    }
    assert_eq!(next, None);
    let last = queue(&tenant, "D-1", "SecurityInfo").await;
    assert_eq!(report(&device, &first[0], Reply::NotNow).await, Some(last));
}

#[tokio::test]
async fn a_final_answer_stays_whatever_comes_late() {
    let (app, tenant, device) = world().await;
    let [uuid] = queue_all(&app, &tenant, ["DeviceLock"]).await;
    let result = |word: &str| {
        Reply::Acknowledge(Dictionary::from_iter([("MessageResult".to_owned(), Value::from(word))]))
    };
    report(&device, &uuid, result("Success")).await;
    let before = outcome(&tenant, &uuid).await;
    for late in [Reply::NotNow, result("NoPasscodeSet"), Reply::FormatError, Reply::Error(Vec::new())] {
        pass_seconds(&app, 60);
        assert_eq!(report(&device, &uuid, late).await, None);
    }
    assert_eq!(outcome(&tenant, &uuid).await, before);
    assert_eq!(before["result"]["MessageResult"], "Success");
    assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 0);
}

#[tokio::test]
async fn a_report_on_an_unknown_command_is_no_error_and_costs_nothing() {
    let (app, tenant, device) = world().await;
    let [waiting] = queue_all(&app, &tenant, ["ProfileList"]).await;
    for unknown in ["6B2F1D0A-0000-4000-8000-000000000001", "not a UUID at all"] {
        for reply in [done(), Reply::NotNow, Reply::Error(Vec::new())] {
            assert_eq!(report(&device, unknown, reply).await, Some(waiting.clone()));
        }
    }
    assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 1);
}

#[tokio::test]
async fn a_device_may_write_the_uuid_in_lower_case() {
    let (app, tenant, device) = world().await;
    let [uuid] = queue_all(&app, &tenant, ["ProfileList"]).await;
    report(&device, &uuid.to_lowercase(), done()).await;
    assert_eq!(status(&tenant, &uuid).await, "Acknowledged");
}

#[tokio::test]
async fn the_more_urgent_goes_first_and_among_equals_the_older() {
    let (app, tenant, mut device) = world().await;
    let mut sent = Vec::new();
    for priority in [5, 0, 9, 5, 9] {
        let order =
            json!({"targets": ["D-1"], "command": {"RequestType": "RestartDevice"}, "priority": priority});
        sent.push(uuid_of(&tenant.post("commands", order).await.expect(201)));
        pass_seconds(&app, 1);
    }
    let done = device.answer_all().await.expect("it answers");
    let order: Vec<_> = done.iter().map(|done| sent.iter().position(|uuid| *uuid == done.uuid)).collect();
    assert_eq!(order, [2, 4, 0, 3, 1].map(Some));
}

#[tokio::test]
async fn a_new_enrollment_drops_what_was_queued_for_the_old_one_and_its_users() {
    let (app, tenant, device) = world().await;
    let mut user = device.user("U-1", "jo");
    user.listen(&app.runner.apns).expect("a push token");
    user.token_update(None).await.expect("the user's channel begins");
    let [answered, dropped] = queue_all(&app, &tenant, ["ProfileList", "SecurityInfo"]).await;
    let users = queue(&tenant, "D-1:U-1", "ProfileList").await;
    report(&device, &answered, done()).await;

    device.authenticate().await.expect("it enrolls anew");
    let stale = user.idle().await.expect("its signature is still good");
    assert_eq!(stale, None);
    device.token_update(None).await.expect("it enrolls anew");
    assert_eq!(idle(&device).await, None);
    assert_eq!(status(&tenant, &answered).await, "Acknowledged");
    for uuid in [&dropped, &users] {
        assert_eq!(status(&tenant, uuid).await, "Dropped");
    }
    // A word on a dropped command comes too late.
    assert_eq!(report(&device, &dropped, done()).await, None);
    assert_eq!(status(&tenant, &dropped).await, "Dropped");
    let again = queue(&tenant, "D-1", "ProfileList").await;
    assert_eq!(idle(&device).await, Some(again));
}

#[tokio::test]
async fn a_repeated_call_with_its_own_uuid_queues_nothing_twice() {
    let (_app, tenant, mut device) = world().await;
    let uuid = "0A0A0A0A-0000-4000-8000-00000000000B";
    let order = |request_type| json!({"targets": ["D-1"], "command": {"RequestType": request_type}, "command_uuid": uuid});
    for _ in 0..2 {
        let sent = tenant.post("commands", order("ProfileList")).await.expect(201);
        assert_eq!(uuid_of(&sent), uuid);
    }
    assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 1);
    let other = tenant.post("commands", order("SecurityInfo")).await.expect(409);
    assert_eq!(other.problem(), "command-uuid-used");
    assert_eq!(device.answer_all().await.expect("it answers").len(), 1);
    tenant.post("commands", order("ProfileList")).await.expect(201);
    assert_eq!(idle(&device).await, None);
}

#[tokio::test]
async fn a_device_that_said_not_now_is_woken_after_fifteen_minutes() {
    let (app, tenant, mut device) = world().await;
    let uuid = queue(&tenant, "D-1", "ProfileList").await;
    app.deliver_hints().await;
    device.will_answer("ProfileList", Reply::NotNow);
    assert!(device.wait_for_push().await);
    device.answer_all().await.expect("it answers");
    pass_seconds(&app, 899);
    assert_eq!((app.deliver_hints().await, device.pushes_waiting()), (0, 0));
    pass_seconds(&app, 1);
    assert_eq!((app.deliver_hints().await, device.pushes_waiting()), (1, 1));
    let done = device.answer_all().await.expect("it answers");
    assert_eq!((done[0].uuid.as_str(), done[0].status), (uuid.as_str(), Status::Acknowledged));
    pass_seconds(&app, 900);
    assert_eq!(app.deliver_hints().await, 0);
}

#[tokio::test]
async fn a_large_result_goes_to_the_bucket_and_is_shown_all_the_same() {
    let (app, tenant, device) = world().await;
    let uuid = queue(&tenant, "D-1", "InstalledApplicationList").await;
    let application = |number: usize| {
        let name = format!("{number:05} {}", "x".repeat(200));
        Value::Dictionary(Dictionary::from_iter([("Name".to_owned(), Value::from(name))]))
    };
    let list = Value::Array((0..4_000).map(application).collect());
    let answer = Dictionary::from_iter([("InstalledApplicationList".to_owned(), list)]);
    assert_eq!(report(&device, &uuid, Reply::Acknowledge(answer)).await, None);

    let key = format!("{}/{}/{uuid}", tenant.id, hex::encode("D-1"));
    let stored = app.runner.state.results.get(&key).await.expect("the bucket answers").expect("it is there");
    assert!(stored.len() > 1_000_000, "{}", stored.len());
    let shown = outcome(&tenant, &uuid).await;
    let list = shown["result"]["InstalledApplicationList"].as_array().expect("a list");
    assert_eq!(list.len(), 4_000);
    assert!(list[3_999]["Name"].as_str().is_some_and(|name| name.starts_with("03999 ")));
}
