//! A job's command is taken back as a whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pomarium_local::runner::{QueueFunction, deliver_all};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::command_job::{CommandJob, JobHint};
use shared::service::command_jobs::do_page;

use super::{HOUR, devices, job, names, order, send};
use crate::devices::{enrolled, enrollment, pass_seconds, queue};
use crate::groups::group;
use crate::killed::{Death, dying_state, scope};

async fn take_back(tenant: &Tenant, uuid: &str) -> Answer {
    tenant.admin.call(Method::DELETE, &tenant.path(&format!("commands/{uuid}")), Vec::new()).await
}

/// Where the job stands, on how many devices its command was taken back, and how many had answered.
fn outcome(job: &Value) -> (&str, u64, u64) {
    let number = |key: &str| job[key].as_u64().unwrap();
    (job["state"].as_str().unwrap(), number("withdrawn"), number("delivered"))
}

async fn waiting(tenant: &Tenant, name: &str) -> Value {
    enrollment(tenant, name).await["waiting_commands"].clone()
}

#[tokio::test]
async fn it_is_taken_back_wherever_it_still_waits() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..220)).await;
    let (mut answers, fetches) = (enrolled(&app, &tenant, "E-1").await, enrolled(&app, &tenant, "E-2").await);
    let mut body = order(json!({"all": true}));
    body["command_uuid"] = json!("0A0A0A0A-0000-4000-8000-00000000000B");
    tenant.post("commands", body.clone()).await.expect(202);
    let uuid = "0A0A0A0A-0000-4000-8000-00000000000B";
    app.deliver_jobs().await;
    let other = queue(&tenant, "D-00001", "ShutDownDevice").await;
    answers.answer_all().await.expect("the device answers");
    fetches.idle().await.expect("it fetches").expect("the command");

    let begun = take_back(&tenant, uuid).await.expect(202).json;
    assert_eq!(outcome(&begun), ("withdrawing", 0, 0));
    assert_eq!(app.deliver_jobs().await, 0, "a page may still be under way");
    pass_seconds(&app, 90);
    let pages = app.deliver_jobs().await;
    assert!((3..=4).contains(&pages), "{pages} pages");
    let done = job(&tenant, uuid).await;
    assert_eq!((outcome(&done), &done["queued"]), (("withdrawn", 221, 1), &json!(222)));
    assert_eq!((waiting(&tenant, "D-00000").await, waiting(&tenant, "D-00219").await), (json!(0), json!(0)));
    assert_eq!(waiting(&tenant, "D-00001").await, 1, "another command stays: {other}");
    assert!(tenant.get(&format!("commands/{uuid}")).await.expect(200).json["cancelled_at"].is_string());
    // Again changes nothing, stopping neither, and the same call begins nothing anew.
    assert_eq!(outcome(&take_back(&tenant, uuid).await.expect(202).json), ("withdrawn", 221, 1));
    super::stop(&tenant, uuid).await.expect(200);
    assert_eq!(tenant.post("commands", body).await.expect(409).problem(), "command-cancelled");
    assert_eq!(app.deliver_jobs().await, 0);
}

#[tokio::test]
async fn a_running_job_is_taken_back_behind_its_page_and_who_left_the_group_is_found() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..101)).await;
    let path = group(&tenant, "Year 7").await;
    tenant.post(&format!("{path}/members"), json!({"add": names(0..101)})).await.expect(200);
    let uuid = send(&tenant, json!({"group": "Year 7"})).await;
    let (state, store) = (&app.runner.state, &app.runner.state.store);
    let hint =
        JobHint { tenant: tenant.id.parse().unwrap(), command: uuid.parse().unwrap(), if_stalled: false };
    do_page(state, &hint).await.unwrap();
    let under_way = store.job(&scope(&tenant), &hint.command, app.clock.now()).await.unwrap().unwrap();
    take_back(&tenant, &uuid).await.expect(202);
    // Its message comes at once, and the page that was under way ends after it.
    do_page(state, &hint).await.unwrap();
    let mut next = CommandJob { step: under_way.step + 1, ..under_way.clone() };
    next.tally.queued += 1;
    assert!(!store.advance_job(&scope(&tenant), &under_way, &next).await.unwrap());
    let begun = job(&tenant, &uuid).await;
    assert_eq!((outcome(&begun), &begun["queued"]), (("withdrawing", 0, 0), &json!(101)));
    tenant.post(&format!("{path}/members"), json!({"remove": ["D-00000"]})).await.expect(200);
    pass_seconds(&app, 90);
    app.deliver_jobs().await;
    assert_eq!(outcome(&job(&tenant, &uuid).await), ("withdrawn", 100, 0));
    assert_eq!((waiting(&tenant, "D-00000").await, waiting(&tenant, "D-00099").await), (json!(0), json!(0)));
}

#[tokio::test]
async fn wherever_its_page_dies_it_is_taken_back_and_counted_once() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let there = ["D-00000", "D-00001", "D-00100"];
    devices(&app, &tenant, there.map(str::to_owned).to_vec()).await;
    for takes_effect in [false, true] {
        for calls in 0.. {
            let uuid = send(&tenant, json!({"enrollments": names(0..101)})).await;
            app.deliver_jobs().await;
            take_back(&tenant, &uuid).await.expect(202);
            pass_seconds(&app, 90);
            let happened = Arc::new(AtomicBool::new(false));
            let left = Arc::new(AtomicUsize::new(calls));
            let dying = dying_state(&app, Death::new(&app, left, takes_effect, &happened)).await;
            deliver_all(QueueFunction::CommandJobs, &dying, app.runner.aws.queues()).await.unwrap();
            let alive = !happened.load(Ordering::SeqCst);
            if !alive {
                pass_seconds(&app, HOUR);
                app.begin_sweep().await;
                app.deliver_jobs().await;
            }
            let place = format!("died at call {calls}, effect: {takes_effect}");
            assert_eq!(outcome(&job(&tenant, &uuid).await), ("withdrawn", 3, 0), "{place}");
            for name in there {
                assert_eq!(waiting(&tenant, name).await, 0, "{place}");
            }
            if alive {
                assert!(calls >= 10, "it made too few calls to be true");
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_awaits_approval_is_only_stopped() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..1)).await;
    let path = format!("/v1/tenants/{}", tenant.id);
    let setting = json!({"erase_needs_approval": true}).to_string();
    tenant.admin.call(Method::PATCH, &path, setting.into()).await.expect(200);
    let erase = json!({"targets": {"all": true}, "command": {"RequestType": "EraseDevice"}});
    let uuid = crate::devices::uuid_of(&tenant.post("commands", erase).await.expect(202));
    assert_eq!(take_back(&tenant, &uuid).await.expect(202).json["state"], "cancelled");
    app.deliver_jobs().await;
    assert_eq!(waiting(&tenant, "D-00000").await, 0);
    // A job that was stopped before: what it had queued until then is taken back.
    let stopped = send(&tenant, json!({"all": true})).await;
    app.deliver_jobs().await;
    take_back(&tenant, &stopped).await.expect(202);
    pass_seconds(&app, 90);
    app.deliver_jobs().await;
    assert_eq!(outcome(&job(&tenant, &stopped).await), ("withdrawn", 1, 0));
    crate::devices::enrolled(&app, &tenant, "E-1").await;
    let other = app.ready_tenant("Blue School").await;
    take_back(&other, &stopped).await.expect(404);
}
