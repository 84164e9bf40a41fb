//! Finished commands end when their tenant says, and nothing that waits does.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use plist::Dictionary;
use pomarium_local::device::Reply;
use pomarium_local::device::SimDevice;
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::{enrolled, enrollment, outcome, pass_seconds, queue, status, uuid_of};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// What DynamoDB does by itself: deletes what is over, some time after its end. Returns what is left of commands, by the
/// beginning of its sort key.
async fn end(app: &TestApp, late: i64) -> BTreeMap<&'static str, usize> {
    let client = Client::new(&app.runner.aws.sdk_config());
    let now = app.clock.now().as_second() - late;
    let mut left = BTreeMap::from([("CALL", 0), ("COMMAND", 0), ("JOB", 0), ("LISTED", 0), ("DROPPED", 0)]);
    let items = client.scan().table_name("core").into_paginator().items().send();
    for item in items.collect::<Result<Vec<_>, _>>().await.unwrap() {
        let over = |end: &AttributeValue| end.as_n().is_ok_and(|end| end.parse::<i64>().unwrap() <= now);
        if item.get("expires_at").is_some_and(over) {
            let delete = client.delete_item().table_name("core");
            let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone())).into();
            delete.set_key(Some(key)).send().await.unwrap();
            continue;
        }
        let (pk, sk) = (item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap());
        let kind = match sk.split('#').next().unwrap() {
            "COMMAND" if !sk.contains('#') => "CALL",
            _ if pk.ends_with("#JOBS") => "LISTED",
            other => other,
        };
        if let Some((_, count)) = left.iter_mut().find(|(name, _)| **name == kind) {
            *count += 1;
        }
    }
    left
}

async fn keep(tenant: &Tenant, days: u32) {
    let days = json!({"events_days": 400, "audit_days": 1_095, "commands_days": days}).to_string();
    tenant.admin.call(Method::PUT, &tenant.path("retention"), days.into()).await.expect(200);
}

async fn delete(tenant: &Tenant, rest: &str, status: u16) {
    tenant.admin.call(Method::DELETE, &tenant.path(rest), Vec::new()).await.expect(status);
}

/// How many commands the table has in the queue of the device, and how many it counts.
async fn waiting(app: &TestApp, tenant: &Tenant) -> (usize, u64) {
    let client = Client::new(&app.runner.aws.sdk_config());
    let items = client.scan().table_name("core").index_name("queue").into_paginator().items().send();
    let items = items.collect::<Result<Vec<_>, _>>().await.unwrap();
    let queued = items.iter().filter(|item| !item["queue"].as_s().unwrap().contains("#stuck#")).count();
    (queued, enrollment(tenant, "D-1").await["waiting_commands"].as_u64().unwrap())
}

#[tokio::test]
async fn a_year_of_commands_leaves_the_last_months_and_what_waits() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    keep(&tenant, 30).await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let first = queue(&tenant, "D-1", "ShutDownDevice").await;
    let mut left = BTreeMap::new();
    for week in 0..50 {
        queue(&tenant, "D-1", "RestartDevice").await;
        let withdrawn = queue(&tenant, "D-1", "ProfileList").await;
        delete(&tenant, &format!("commands/{withdrawn}"), 204).await;
        device.will_answer("ShutDownDevice", Reply::NotNow);
        device.answer_all().await.expect("the device answers");
        assert_eq!(waiting(&app, &tenant).await, (1, 1), "week {week}");
        app.pass_days(7);
        left = end(&app, if week % 2 == 0 { 2 * DAY } else { 0 }).await;
        // Two a week for a month, until they are deleted, and the one that waits.
        assert!(left["COMMAND"] <= 1 + 2 * 6, "week {week}: {left:?}");
    }
    assert_eq!(left["COMMAND"], 1 + 2 * 4);
    assert_eq!(left["CALL"], 1 + 2 * 50, "who was sent what is known for as long as it could wait");
    assert_eq!(status(&tenant, &first).await, "NotNow");
    app.pass_days(365 + 30);
    let later = end(&app, 0).await;
    assert_eq!((later["COMMAND"], later["CALL"]), (1, 0), "what waits does not end");
    device.will_answer("ShutDownDevice", Reply::Acknowledge(Dictionary::new()));
    device.answer_all().await.expect("the device answers");
    assert_eq!(waiting(&app, &tenant).await, (0, 0));
    app.pass_days(30);
    assert_eq!(end(&app, 0).await["COMMAND"], 0);
}

/// Lets the device fetch a command until it is set aside.
async fn set_aside(device: &SimDevice) {
    while device.idle().await.expect("the poll is accepted").is_some() {}
}

#[tokio::test]
async fn what_is_over_is_not_shown_though_the_table_still_has_it() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let stuck = queue(&tenant, "D-1", "RestartDevice").await;
    set_aside(&device).await;
    assert_eq!(status(&tenant, &stuck).await, "Stuck");
    let list = "enrollments/D-1/commands?stuck=true";
    app.pass_days(89);
    assert_eq!(tenant.get(list).await.expect(200).json["commands"].as_array().unwrap().len(), 1);
    // Tried again it waits, however long.
    let retry = format!("commands/{stuck}/targets/D-1/retry");
    tenant.post(&retry, json!({})).await.expect(204);
    app.pass_days(91);
    assert_eq!(end(&app, 0).await["COMMAND"], 1);
    assert_eq!((status(&tenant, &stuck).await.as_str(), waiting(&app, &tenant).await), ("Pending", (1, 1)));
    set_aside(&device).await;
    app.pass_days(90);
    assert_eq!(tenant.get(list).await.expect(200).json["commands"], json!([]));
    let shown = outcome(&tenant, &stuck).await;
    assert_eq!(shown["status"], Value::Null);
    assert_eq!(shown["explanation"], "What became of it here is not kept any more.");
    tenant.post(&retry, json!({})).await.expect(404);
    // Nor does an answer that comes now raise it.
    device.report(&stuck, Reply::Acknowledge(Dictionary::new())).await.expect("it is ignored");
    assert_eq!(outcome(&tenant, &stuck).await["status"], Value::Null);
    let left = end(&app, 0).await;
    assert_eq!((left["COMMAND"], left["CALL"]), (0, 1));
    app.pass_days(365);
    tenant.get(&format!("commands/{stuck}")).await.expect(404);
    assert_eq!(end(&app, 0).await["CALL"], 0);
}

#[tokio::test]
async fn an_answer_after_a_withdrawal_is_kept_as_long_as_any() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let uuid = queue(&tenant, "D-1", "RestartDevice").await;
    device.idle().await.expect("it fetches").expect("the command");
    delete(&tenant, &format!("commands/{uuid}"), 204).await;
    app.pass_days(60);
    device.report(&uuid, Reply::Acknowledge(Dictionary::new())).await.expect("it is recorded");
    app.pass_days(60);
    end(&app, 0).await;
    let shown = outcome(&tenant, &uuid).await;
    assert_eq!((&shown["status"], &shown["after_cancel"]), (&json!("Acknowledged"), &json!(true)));
}

#[tokio::test]
async fn the_pin_of_a_mac_outlives_everything_else() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let lock = json!({"targets": ["D-1"], "command": {"RequestType": "DeviceLock", "PIN": "123456"}});
    let (answered, withdrawn) = (
        uuid_of(&tenant.post("commands", lock.clone()).await.expect(201)),
        uuid_of(&tenant.post("commands", lock).await.expect(201)),
    );
    delete(&tenant, &format!("commands/{withdrawn}/targets/D-1"), 204).await;
    device.answer_all().await.expect("the device answers");
    app.pass_days(9 * 365);
    assert_eq!(end(&app, 0).await["COMMAND"], 2);
    for uuid in [answered, withdrawn] {
        let pin = tenant.post(&format!("commands/{uuid}/targets/D-1/pin"), json!({})).await.expect(200);
        assert_eq!(pin.json["pin"], "123456");
    }
    app.pass_days(2 * 365);
    assert_eq!(end(&app, 0).await["COMMAND"], 0);
}

#[tokio::test]
async fn what_was_dropped_ends_too() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let user = device.user("U-1", "jo");
    user.token_update(None).await.expect("the user's channel begins");
    let mut sent = Vec::new();
    for target in ["D-1", "D-1", "D-1:U-1"] {
        sent.push(queue(&tenant, target, "RestartDevice").await);
    }
    enrolled(&app, &tenant, "D-1").await;
    sent.push(queue(&tenant, "D-1", "RestartDevice").await);
    assert_eq!(end(&app, 0).await["DROPPED"], 1);
    for _ in 0..2 {
        app.begin_sweep().await;
        assert_eq!(end(&app, 0).await["DROPPED"], 0);
        let mut statuses = Vec::new();
        for uuid in &sent {
            statuses.push(status(&tenant, uuid).await);
        }
        assert_eq!(statuses, ["Dropped", "Dropped", "Dropped", "Pending"]);
        assert_eq!(waiting(&app, &tenant).await, (1, 1));
    }
    // It leaves, and the lists with it.
    tenant.post("enrollments/D-1/retire", json!({})).await.expect(200);
    app.begin_sweep().await;
    app.pass_days(365 + 90);
    let left = end(&app, 0).await;
    assert_eq!((left["CALL"], left["COMMAND"], left["DROPPED"]), (0, 0, 0));
}

#[tokio::test]
async fn a_job_ends_after_the_last_of_its_commands_could() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let order = |expires_in: i64| {
        let command = json!({"RequestType": "RestartDevice"});
        json!({"targets": {"all": true}, "command": command, "expires_in": expires_in})
    };
    let done = uuid_of(&tenant.post("commands", order(10 * DAY)).await.expect(202));
    let stopped = uuid_of(&tenant.post("commands", order(HOUR)).await.expect(202));
    delete(&tenant, &format!("command-jobs/{stopped}"), 200).await;
    app.pass_days(0);
    let late = uuid_of(&tenant.post("commands", order(60)).await.expect(202));
    pass_seconds(&app, 61);
    app.deliver_jobs().await;
    let mut states = Vec::new();
    for uuid in [&done, &stopped, &late] {
        states.push(tenant.get(&format!("command-jobs/{uuid}")).await.expect(200).json["state"].clone());
    }
    assert_eq!(states, [json!("done"), json!("cancelled"), json!("expired")]);
    device.answer_all().await.expect("the device answers");
    app.pass_days(99);
    assert_eq!(tenant.get("command-jobs").await.expect(200).json["jobs"].as_array().unwrap().len(), 1);
    tenant.get(&format!("command-jobs/{done}")).await.expect(200);
    app.pass_days(1);
    tenant.get(&format!("command-jobs/{done}")).await.expect(404);
    tenant.get(&format!("commands/{done}")).await.expect(404);
    let left = end(&app, 0).await;
    assert!(left.values().all(|left| *left == 0), "{left:?}");
}

#[tokio::test]
async fn a_call_is_not_repeated_when_its_commands_may_be_forgotten() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    keep(&tenant, 30).await;
    let order = json!({
        "targets": ["D-1"],
        "command": {"RequestType": "EraseDevice"},
        "command_uuid": "0A0A0A0A-0000-4000-8000-00000000000B",
    });
    tenant.post("commands", order.clone()).await.expect(201);
    device.answer_all().await.expect("the device answers");
    app.pass_days(28);
    tenant.post("commands", order.clone()).await.expect(201);
    assert_eq!(waiting(&app, &tenant).await, (0, 0), "it is there, answered");
    app.pass_days(2);
    end(&app, 0).await;
    assert_eq!(tenant.post("commands", order).await.expect(409).problem(), "command-uuid-used");
    assert_eq!(waiting(&app, &tenant).await, (0, 0));
}
