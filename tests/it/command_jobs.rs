//! Commands to many devices: accepted at once, done by pages, whatever dies in between.

mod deaths;
mod installed;
mod pins;
mod taken_back;

use std::time::Duration;

use pomarium_local::aws::Counts;
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::command_job::{CommandJob, JobHint};
use shared::service::command_jobs::do_page;

use crate::devices::{enrolled, enrollment, pass_seconds, uuid_of};
use crate::fleet::{fleet, topic};
use crate::groups::group;
use crate::idle_cost::proxy::Proxy;
use crate::killed::scope;

const HOUR: i64 = 3_600;

fn order(targets: Value) -> Value {
    json!({"targets": targets, "command": {"RequestType": "RestartDevice"}})
}

/// Sends a command to many and returns its UUID.
async fn send(tenant: &Tenant, targets: Value) -> String {
    uuid_of(&tenant.post("commands", order(targets)).await.expect(202))
}

async fn job(tenant: &Tenant, uuid: &str) -> Value {
    tenant.get(&format!("command-jobs/{uuid}")).await.expect(200).json
}

async fn stop(tenant: &Tenant, uuid: &str) -> pomarium_tests::Answer {
    tenant.admin.call(Method::DELETE, &tenant.path(&format!("command-jobs/{uuid}")), Vec::new()).await
}

/// The targets on which the command was queued, over all pages.
async fn queued_on(tenant: &Tenant, uuid: &str) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = tenant.get(&format!("command-jobs/{uuid}/targets{after}")).await.expect(200).json;
        let targets = page["targets"].as_array().unwrap().iter();
        found.extend(targets.map(|target| target["enrollment"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { return found };
        after = format!("?after={next}");
    }
}

fn names(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("D-{number:05}")).collect()
}

/// Devices with these names, enrolled.
async fn devices(app: &TestApp, tenant: &Tenant, names: Vec<String>) {
    let topic = topic(app, tenant).await;
    fleet(app, tenant, &topic, names, 0).await;
}

#[tokio::test]
async fn ten_thousand_targets_are_accepted_in_one_call() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    // One in two hundred is there.
    devices(&app, &tenant, (0..50).map(|number| format!("D-{:05}", number * 200)).collect()).await;
    let uuid = send(&tenant, json!({"enrollments": names(0..10_000)})).await;
    let accepted = job(&tenant, &uuid).await;
    assert_eq!((&accepted["state"], &accepted["looked_at"]), (&json!("running"), &json!(0)));
    assert_eq!(accepted["targets"], json!({"enrollments": 10_000}));
    assert_eq!(app.deliver_jobs().await, 100, "a hundred pages");
    let done = job(&tenant, &uuid).await;
    assert_eq!(done["state"], "done");
    assert_eq!((&done["looked_at"], &done["found"]), (&json!(10_000), &json!(10_000)));
    assert_eq!((&done["queued"], &done["failed"]), (&json!(50), &json!(0)));
    assert_eq!(done["skipped"], json!({"unknown": 9_950}));
    assert_eq!(enrollment(&tenant, "D-09800").await["waiting_commands"], 1);
    let hints = app.runner.aws.queues().counts("wake").unwrap();
    assert_eq!(hints.visible + hints.delayed, 50);
    assert!(hints.delayed > 25, "they are not all woken in the same second: {hints:?}");
    let shown = tenant.get(&format!("commands/{uuid}")).await.expect(200).json;
    assert_eq!((&shown["is_job"], &shown["targets"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn hundreds_of_devices_get_a_command_each() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..320)).await;
    let uuid = send(&tenant, json!({"all": true})).await;
    let pages = app.deliver_jobs().await;
    assert!((4..=5).contains(&pages), "{pages} pages");
    let done = job(&tenant, &uuid).await;
    assert_eq!((&done["state"], &done["queued"]), (&json!("done"), &json!(320)));
    for name in ["D-00000", "D-00319"] {
        assert_eq!(enrollment(&tenant, name).await["waiting_commands"], 1);
    }
}

#[tokio::test]
async fn a_group_a_filter_and_all_hit_whom_they_name_as_the_preview_says() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for udid in ["D-1", "D-2", "D-3"] {
        enrolled(&app, &tenant, udid).await;
    }
    let user = enrolled(&app, &tenant, "D-4").await.user("U-1", "jo");
    user.token_update(None).await.expect("the user's channel begins");
    let year = group(&tenant, "Year 7").await;
    let members = json!({"add": ["D-1", "D-2", "D-4:U-1"]});
    tenant.post(&format!("{year}/members"), members).await.expect(200);
    tenant.post("enrollments/D-2/retire", json!({})).await.expect(200);
    pass_seconds(&app, HOUR);
    let seen_before = app.clock.now();
    for (targets, hit, skipped) in [
        (json!({"group": "Year 7"}), vec!["D-1", "D-4:U-1"], json!({"not-enrolled": 1})),
        (json!({"all": true}), vec!["D-1", "D-3", "D-4"], json!({})),
        (json!({"filter": {"group": "Year 7"}}), vec!["D-1"], json!({})),
        (
            json!({"filter": {"last_seen_before": seen_before, "serial_prefix": "c02"}}),
            vec!["D-1", "D-3", "D-4"],
            json!({}),
        ),
        (json!({"filter": {"last_seen_after": seen_before}}), vec![], json!({})),
    ] {
        let preview = tenant.post("commands/preview", order(targets.clone())).await.expect(200).json;
        assert_eq!(
            (&preview["would_hit"], &preview["complete"]),
            (&json!(hit.len()), &json!(true)),
            "{targets}"
        );
        assert_eq!(preview["skipped"], skipped, "{targets}");
        let first: Vec<&str> = preview["first"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["enrollment"].as_str().unwrap())
            .collect();
        assert_eq!(first, hit, "{targets}");
        let uuid = send(&tenant, targets.clone()).await;
        app.deliver_jobs().await;
        let done = job(&tenant, &uuid).await;
        assert_eq!((&done["queued"], &done["skipped"]), (&json!(hit.len()), &skipped), "{targets}");
        assert_eq!(done["targets"], targets);
        assert_eq!(queued_on(&tenant, &uuid).await, hit, "{targets}");
    }
    // The latest first.
    let listed = tenant.get("command-jobs").await.expect(200).json;
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 5);
    assert_eq!(listed["next"], Value::Null);
}

#[tokio::test]
async fn a_preview_says_what_speaks_against_it_and_writes_nothing() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for udid in ["D-1", "D-2"] {
        enrolled(&app, &tenant, udid).await;
    }
    devices(&app, &tenant, vec!["D-3".to_owned()]).await;
    let before = crate::stored::everything(&app).await;
    let clear =
        json!({"targets": ["D-1", "D-2", "D-3", "nobody"], "command": {"RequestType": "ClearPasscode"}});
    let preview = tenant.post("commands/preview", clear).await.expect(200).json;
    assert_eq!((&preview["would_hit"], &preview["looked_at"]), (&json!(2), &json!(4)));
    assert_eq!(preview["skipped"], json!({"unknown": 1, "unlock-token": 1}));
    let user =
        json!({"targets": {"all": true}, "command": {"RequestType": "EnableLostMode", "Message": "x"}});
    let preview = tenant.post("commands/preview", user).await.expect(200).json;
    assert_eq!(preview["would_hit"], 3);
    assert_eq!(preview["first"][0]["device_name"], "Jo's iPad");
    crate::stored::unchanged(&app, &before).await;
}

#[tokio::test]
async fn jobs_of_two_tenants_take_turns() {
    let app = TestApp::start().await;
    let large = app.ready_tenant("Green School").await;
    let small = app.ready_tenant("Blue School").await;
    devices(&app, &small, names(0..2)).await;
    let first = send(&large, json!({"enrollments": names(0..350)})).await;
    let second = send(&small, json!({"all": true})).await;
    let (queues, state) = (app.runner.aws.queues(), &app.runner.state);
    for _ in 0..2 {
        let [message] = &queues.receive("jobs", 1, Some(360), Duration::ZERO).await.unwrap()[..] else {
            panic!("a message")
        };
        do_page(state, &serde_json::from_str(&message.body).unwrap()).await.unwrap();
        queues.delete("jobs", &message.receipt_handle).unwrap();
    }
    let (large_job, small_job) = (job(&large, &first).await, job(&small, &second).await);
    assert_eq!((&large_job["looked_at"], &large_job["state"]), (&json!(100), &json!("running")));
    assert_eq!((&small_job["queued"], &small_job["state"]), (&json!(2), &json!("done")));
    app.deliver_jobs().await;
    assert_eq!(job(&large, &first).await["looked_at"], 350);
}

#[tokio::test]
async fn a_stopped_job_queues_no_more() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, vec!["D-00000".into(), "D-00100".into(), "D-00200".into()]).await;
    let uuid = send(&tenant, json!({"enrollments": names(0..300)})).await;
    let hint =
        JobHint { tenant: tenant.id.parse().unwrap(), command: uuid.parse().unwrap(), if_stalled: false };
    do_page(&app.runner.state, &hint).await.unwrap();
    // Another page is under way when somebody stops the job: it is done and counted.
    let store = &app.runner.state.store;
    let under_way = store.job(&scope(&tenant), &hint.command, app.clock.now()).await.unwrap().unwrap();
    let stopped = stop(&tenant, &uuid).await.expect(200).json;
    assert_eq!((&stopped["state"], &stopped["queued"]), (&json!("cancelled"), &json!(1)));
    let mut next = CommandJob { step: under_way.step + 1, ..under_way.clone() };
    next.tally.queued += 1;
    assert!(!store.advance_job(&scope(&tenant), &under_way, &next).await.unwrap());
    app.deliver_jobs().await;
    let job = job(&tenant, &uuid).await;
    assert_eq!(
        (&job["state"], &job["queued"], &job["looked_at"]),
        (&json!("cancelled"), &json!(2), &json!(100))
    );
    assert_eq!(enrollment(&tenant, "D-00000").await["waiting_commands"], 1);
    assert_eq!(enrollment(&tenant, "D-00200").await["waiting_commands"], 0);
    // Again, and no sweep reminds of it.
    stop(&tenant, &uuid).await.expect(200);
    pass_seconds(&app, HOUR);
    app.begin_sweep().await;
    assert_eq!(app.runner.aws.queues().counts("jobs").unwrap(), Counts::default());
    let mut again = order(json!({"enrollments": names(0..300)}));
    again["command_uuid"] = json!(uuid);
    assert_eq!(tenant.post("commands", again).await.expect(409).problem(), "command-cancelled");

    let done = send(&tenant, json!({"all": true})).await;
    app.deliver_jobs().await;
    assert_eq!(stop(&tenant, &done).await.expect(409).problem(), "job-over");
}

#[tokio::test]
async fn erasing_many_waits_for_a_second_administrator() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..2)).await;
    let path = format!("/v1/tenants/{}", tenant.id);
    let setting = json!({"erase_needs_approval": true}).to_string();
    tenant.admin.call(Method::PATCH, &path, setting.into()).await.expect(200);
    let made = tenant.post("tokens", json!({"name": "Jo", "role": "admin"})).await.expect(201);
    let colleague = app.api(made.json["token"].as_str().unwrap());
    let erase = json!({"targets": {"all": true}, "command": {"RequestType": "EraseDevice"}});
    let uuid = uuid_of(&tenant.post("commands", erase.clone()).await.expect(202));
    pass_seconds(&app, HOUR);
    app.begin_sweep().await;
    app.deliver_jobs().await;
    let held = job(&tenant, &uuid).await;
    assert_eq!((&held["state"], &held["looked_at"]), (&json!("awaits-approval"), &json!(0)));
    assert_eq!(enrollment(&tenant, "D-00000").await["waiting_commands"], 0);
    let approve = format!("commands/{uuid}/approve");
    assert_eq!(tenant.post(&approve, json!({})).await.expect(403).problem(), "approval-own");
    for _ in 0..2 {
        colleague.post(&tenant.path(&approve), json!({})).await.expect(200);
    }
    app.deliver_jobs().await;
    let done = job(&tenant, &uuid).await;
    assert_eq!((&done["state"], &done["queued"]), (&json!("done"), &json!(2)));

    // One that was stopped before, and one whose time was over before.
    let stopped = uuid_of(&tenant.post("commands", erase.clone()).await.expect(202));
    stop(&tenant, &stopped).await.expect(200);
    let refused = colleague.post(&tenant.path(&format!("commands/{stopped}/approve")), json!({})).await;
    assert_eq!(refused.expect(409).problem(), "command-cancelled");
    let mut short = erase;
    short["expires_in"] = json!(60);
    let late = uuid_of(&tenant.post("commands", short).await.expect(202));
    pass_seconds(&app, HOUR);
    app.begin_sweep().await;
    app.deliver_jobs().await;
    assert_eq!(job(&tenant, &late).await["state"], "expired");
}

#[tokio::test]
async fn a_lost_hint_is_repaired_by_the_next_sweep() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..2)).await;
    let uuid = send(&tenant, json!({"all": true})).await;
    let queues = app.runner.aws.queues();
    for hint in queues.receive("jobs", 10, None, Duration::ZERO).await.unwrap() {
        queues.delete("jobs", &hint.receipt_handle).unwrap();
    }
    app.begin_sweep().await;
    app.deliver_jobs().await;
    assert_eq!(job(&tenant, &uuid).await["state"], "running", "its page may be under way");
    pass_seconds(&app, 900);
    app.begin_sweep().await;
    app.deliver_jobs().await;
    assert_eq!(job(&tenant, &uuid).await["state"], "done");
    pass_seconds(&app, HOUR);
    app.begin_sweep().await;
    assert_eq!(queues.counts("jobs").unwrap(), Counts::default(), "it is over");
}

#[tokio::test]
async fn a_repeated_call_begins_nothing_twice() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..2)).await;
    let mut body = order(json!({"enrollments": names(0..101)}));
    body["command_uuid"] = json!("0A0A0A0A-0000-4000-8000-00000000000B");
    for _ in 0..2 {
        let uuid = uuid_of(&tenant.post("commands", body.clone()).await.expect(202));
        app.deliver_jobs().await;
        assert_eq!(job(&tenant, &uuid).await["queued"], 2);
    }
    assert_eq!(enrollment(&tenant, "D-00001").await["waiting_commands"], 1);
    for targets in [json!({"enrollments": names(0..102)}), json!({"all": true})] {
        body["targets"] = targets;
        assert_eq!(tenant.post("commands", body.clone()).await.expect(409).problem(), "command-uuid-used");
    }
    body["targets"] = json!(["D-00000"]);
    assert_eq!(tenant.post("commands", body.clone()).await.expect(409).problem(), "command-uuid-used");
}

#[tokio::test]
async fn who_may_not_or_asks_for_what_is_not_is_refused() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.ready_tenant("Green School").await, app.ready_tenant("Blue School").await);
    devices(&app, &tenant, names(0..1)).await;
    group(&other, "Year 7").await;
    let uuid = send(&tenant, json!({"all": true})).await;
    for path in [format!("command-jobs/{uuid}"), format!("command-jobs/{uuid}/targets")] {
        other.get(&path).await.expect(404);
    }
    stop(&other, &uuid).await.expect(404);
    assert_eq!(other.get("command-jobs").await.expect(200).json["jobs"], json!([]));
    let made = tenant.post("tokens", json!({"name": "Jo", "role": "viewer"})).await.expect(201);
    let viewer = app.api(made.json["token"].as_str().unwrap());
    viewer.get(&tenant.path(&format!("command-jobs/{uuid}"))).await.expect(200);
    viewer.post(&tenant.path("commands"), order(json!({"all": true}))).await.expect(403);
    viewer.post(&tenant.path("commands/preview"), order(json!({"all": true}))).await.expect(403);

    for (targets, status, code, field) in [
        (json!({}), 400, "command-targets", "targets"),
        (json!({"all": false}), 400, "command-targets", "targets"),
        (json!({"all": true, "group": "Year 7"}), 400, "command-targets", "targets"),
        (json!({"filter": {}}), 400, "command-targets", "targets.filter"),
        (json!({"filter": {"os_version_below": "x"}}), 400, "json-body", "targets.filter.os_version_below"),
        (json!({"filter": {"colour": "red"}}), 400, "json-body", "targets.filter.colour"),
        (json!({"enrollments": names(0..10_001)}), 400, "command-targets", "targets"),
        (json!({"enrollments": ["a b"]}), 400, "json-body", "targets.enrollments[0]"),
        (json!({"group": "Year 7"}), 404, "not-found", "targets.group"),
        (json!({"group": ""}), 400, "group-name", "targets.group"),
    ] {
        let refused = tenant.post("commands", order(targets.clone())).await.expect(status);
        assert_eq!((refused.problem(), &refused.json["field"]), (code, &json!(field)), "{targets}");
    }
    app.deliver_jobs().await;
    app.pass_days(366);
    let refused = tenant.post("commands", order(json!({"all": true}))).await.expect(409);
    assert_eq!(refused.problem(), "push-certificate-expired");
}

#[tokio::test]
async fn a_page_costs_five_calls_and_one_for_each_device() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..3)).await;
    let (proxy, state) = Proxy::beside(&app).await;
    let cost = async |targets: Value, request_type: &str| {
        let body = json!({"targets": targets, "command": {"RequestType": request_type}});
        let uuid = uuid_of(&tenant.post("commands", body).await.expect(202));
        let hint =
            JobHint { tenant: tenant.id.parse().unwrap(), command: uuid.parse().unwrap(), if_stalled: false };
        proxy.take();
        do_page(&state, &hint).await.unwrap();
        proxy.take().join(" ")
    };
    let each = "TransactWriteItems TransactWriteItems TransactWriteItems";
    let all = cost(json!({"all": true}), "RestartDevice").await;
    assert_eq!(
        all,
        format!("Query Query BatchGetItem Query {each} GetItem TransactWriteItems"),
        "page, devices, job; for how long it is kept"
    );
    let again = cost(json!({"all": true}), "RestartDevice").await;
    assert_eq!(
        again,
        format!("Query Query BatchGetItem {each} TransactWriteItems"),
        "certificates are remembered"
    );
    let listed = cost(json!({"enrollments": names(0..101)}), "RestartDevice").await;
    assert_eq!(listed, format!("Query BatchGetItem {each} TransactWriteItems"), "the list is in the bucket");
    let query = cost(json!({"all": true}), "ProfileList").await;
    assert_eq!(query.matches("Query").count(), 5, "each may supersede another: {query}");
}
