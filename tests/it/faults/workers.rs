//! Functions that work by themselves, from a queue or a schedule: they die between any two of their calls of AWS, before and
//! after the last one took effect. The next run completes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pomarium_local::runner::{
    QUEUES, QueueFunction, SCHEDULED, begin_seals, deliver_all, deliver_reports, run,
};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::error::Result;
use shared::state::AppState;

use crate::devices::{enrolled, pass_seconds, queue, status};
use crate::killed::{Death, dying_state};
use crate::mails::{ending_token, notices};
use crate::receiver::Receiver;
use crate::repository::{folders, read};
use crate::seals::{export, verify};
use crate::sweeper::lose_hints;

const DAY: i64 = 86_400;

/// Who works by itself, and the tests here or elsewhere in which it dies.
const WORKERS: &[(&str, &str, &str)] = &[
    ("push", "faults/workers.rs", "a_push_that_dies_wakes_the_device_all_the_same"),
    (
        "command-jobs",
        "command_jobs/deaths.rs",
        "wherever_a_page_dies_the_job_is_done_and_nothing_is_queued_twice",
    ),
    ("inactivity-sweeper", "faults/workers.rs", "a_sweep_that_dies_is_made_up_for_by_the_next"),
    ("events", "faults/workers.rs", "a_turn_that_dies_skips_no_event"),
    ("events", "faults/workers.rs", "a_seal_that_dies_is_set_by_the_next_run"),
    ("expiry-notifier", "faults/workers.rs", "a_notifier_that_dies_loses_no_mail"),
    ("apns-probe", "faults/workers.rs", "a_probe_that_dies_is_made_up_for_by_the_next"),
    ("mail-feedback", "faults/workers.rs", "a_report_that_was_half_taken_is_taken_once"),
    ("trust-store", "faults/workers.rs", "a_round_that_dies_is_completed_by_the_next"),
];

#[test]
fn nobody_who_works_by_itself_is_left_out() {
    for folder in folders("functions") {
        let library = read(&format!("functions/{folder}/src/lib.rs"));
        let is_listed = WORKERS.iter().any(|(name, _, _)| *name == folder);
        assert_eq!(is_listed, library.contains("pub async fn handle"), "{folder}");
    }
    assert_eq!((QUEUES.len(), SCHEDULED.len()), (4, 5), "somebody new works by itself");
    for (name, file, test) in WORKERS {
        assert!(read(&format!("tests/it/{file}")).contains(&format!("fn {test}()")), "{name}: {test}");
    }
}

/// Plays some work with a death at each of its calls and repeats it after `wait` seconds. `check` is told where it died; its
/// answer says whether somebody outside got something twice. Returns how often that was.
async fn wherever_it_dies<P>(
    app: &TestApp,
    least: usize,
    wait: i64,
    prepare: impl AsyncFn(usize) -> P,
    work: impl AsyncFn(AppState) -> Result<()>,
    check: impl AsyncFn(P, &str) -> bool,
) -> usize {
    let (mut number, mut twice) = (0, 0);
    for takes_effect in [false, true] {
        for calls in 0.. {
            number += 1;
            let prepared = prepare(number).await;
            let (left, happened) = (Arc::new(AtomicUsize::new(calls)), Arc::new(AtomicBool::new(false)));
            let death = Death::new(app, left, takes_effect, &happened);
            let died = death.died();
            let dying = dying_state(app, death).await;
            let place = format!("died at call {calls}, effect: {takes_effect}");
            // It ends there and then: nobody hears what it would have said.
            let lived = tokio::select! {
                biased;
                () = died.notified() => false,
                done = work(dying) => {
                    let lived = !happened.load(Ordering::SeqCst);
                    if let Err(error) = done.as_ref().map_err(|error| error.chain())
                        && lived
                    {
                        panic!("it was left alone: {error}");
                    }
                    lived
                }
            };
            if !lived {
                pass_seconds(app, wait);
                let again = work(Arc::clone(&app.runner.state)).await;
                again.unwrap_or_else(|error| panic!("{place}, then: {}", error.chain()));
            }
            twice += usize::from(check(prepared, &place).await);
            if lived {
                assert!(calls >= least, "it made too few calls to be true: {calls}");
                break;
            }
        }
    }
    twice
}

/// Every message of a queue that is due.
async fn deliver(app: &TestApp, function: QueueFunction, state: &AppState) -> Result<()> {
    deliver_all(function, state, app.runner.aws.queues()).await.map(drop)
}

async fn school() -> (TestApp, Tenant) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    (app, tenant)
}

#[tokio::test]
async fn a_push_that_dies_wakes_the_device_all_the_same() {
    let (app, tenant) = school().await;
    let device = tokio::sync::Mutex::new(enrolled(&app, &tenant, "D-1").await);
    let prepare = async |_| queue(&tenant, "D-1", "ProfileList").await;
    let work = async |state: AppState| deliver(&app, QueueFunction::Push, &state).await;
    wherever_it_dies(&app, 4, 90, prepare, work, async |uuid, place| {
        let mut device = device.lock().await;
        let pushes = device.pushes_waiting();
        assert!((1..=2).contains(&pushes), "{place}: {pushes} pushes");
        for _ in 0..pushes {
            assert!(device.wait_for_push().await);
        }
        device.answer_all().await.expect("it answers");
        assert_eq!(status(&tenant, &uuid).await, "Acknowledged", "{place}");
        pushes > 1
    })
    .await;
    assert_eq!(app.runner.aws.queues().counts("wake-dead-letter").unwrap().visible, 0);
}

#[tokio::test]
async fn a_sweep_that_dies_is_made_up_for_by_the_next() {
    let (app, tenant) = school().await;
    let device = tokio::sync::Mutex::new(enrolled(&app, &tenant, "D-1").await);
    let prepare = async |_| {
        let uuid = queue(&tenant, "D-1", "ProfileList").await;
        lose_hints(&app).await;
        pass_seconds(&app, 3_600);
        uuid
    };
    let work = async |state: AppState| {
        run(state.clone(), "inactivity-sweeper").await?;
        deliver(&app, QueueFunction::InactivitySweeper, &state).await
    };
    wherever_it_dies(&app, 5, 3_600, prepare, work, async |uuid, place| {
        pass_seconds(&app, 900);
        app.deliver_hints().await;
        let mut device = device.lock().await;
        let pushes = device.pushes_waiting();
        assert!((1..=2).contains(&pushes), "{place}: {pushes} pushes");
        for _ in 0..pushes {
            assert!(device.wait_for_push().await);
        }
        // Whoever answers in the very second of the push is taken for silent.
        pass_seconds(&app, 1);
        device.answer_all().await.expect("it answers");
        assert_eq!(status(&tenant, &uuid).await, "Acknowledged", "{place}");
        pushes > 1
    })
    .await;
}

#[tokio::test]
async fn a_turn_that_dies_skips_no_event() {
    let (app, tenant) = school().await;
    let receiver = Receiver::start().await;
    tenant.post("webhooks", json!({"url": receiver.url()})).await.expect(201);
    let prepare = async |number| {
        let udid = format!("D-{number}");
        let device = enrolled(&app, &tenant, &udid).await;
        pass_seconds(&app, 1);
        device.check_out().await.expect("it goes");
        pass_seconds(&app, 5);
        udid
    };
    let work = async |state: AppState| {
        run(state.clone(), "events").await?;
        deliver(&app, QueueFunction::Events, &state).await?;
        // The others of a minute's turns.
        pass_seconds(&app, 45);
        deliver(&app, QueueFunction::Events, &state).await
    };
    let twice = wherever_it_dies(&app, 8, 540, prepare, work, async |udid, place| {
        let told = receiver.told();
        assert!(told.iter().all(|(_, device)| *device == udid), "{place}: {told:?}");
        let mut kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        let came = kinds.len();
        if came > 2 {
            // Again from where the position stood.
            kinds = kinds.split_off(came - 2);
        }
        assert_eq!(kinds, ["device-enrolled", "checked-out"], "{place}: {told:?}");
        came > 2
    })
    .await;
    assert!(twice <= 4, "{twice} turns were repeated");
}

#[tokio::test]
async fn a_seal_that_dies_is_set_by_the_next_run() {
    let (app, tenant) = school().await;
    enrolled(&app, &tenant, "D-1").await;
    let prepare = async |_| {
        queue(&tenant, "D-1", "ProfileList").await;
        pass_seconds(&app, 3_600);
    };
    let work = async |state: AppState| {
        begin_seals(state.clone()).await?;
        deliver(&app, QueueFunction::Events, &state).await
    };
    wherever_it_dies(&app, 8, 3_600, prepare, work, async |(), place| {
        let sealed = tenant.get("audit/export").await.expect(200).text();
        assert!(sealed.lines().last().is_some_and(|line| line.contains("seal")), "{place}: {sealed}");
        false
    })
    .await;
    for log in ["audit", "events"] {
        let (is_fine, words) = verify(&export(&tenant, log, "").await, &[]);
        assert!(is_fine && words.contains("0 are not sealed"), "{log}: {words}");
    }
}

#[tokio::test]
async fn a_notifier_that_dies_loses_no_mail() {
    let (app, tenant) = school().await;
    ending_token(&tenant, "help desk", 29).await;
    let prepare = async |_| {
        pass_seconds(&app, DAY);
        notices(&app).len()
    };
    let work = async |state: AppState| run(state, "expiry-notifier").await.map(drop);
    let twice = wherever_it_dies(&app, 4, 960, prepare, work, async |before, place| {
        let mails = notices(&app).len() - before;
        assert!((1..=2).contains(&mails), "{place}: {mails} mails");
        mails > 1
    })
    .await;
    // SES knows no repetition: a mail whose fate nobody knows goes out again.
    assert!(twice <= 2, "{twice} mails were sent twice");
}

#[tokio::test]
async fn a_probe_that_dies_is_made_up_for_by_the_next() {
    let (app, tenant) = school().await;
    let prepare = async |_| {
        pass_seconds(&app, DAY);
        app.clock.now().as_second()
    };
    let work = async |state: AppState| run(state, "apns-probe").await.map(drop);
    wherever_it_dies(&app, 4, 3 * 3_600, prepare, work, async |since, place| {
        let told = tenant.get("push-certificate/status").await.expect(200).json;
        assert_eq!(told["connection"], "Connected", "{place}");
        let at: shared::time::Timestamp = told["last_success"].as_str().unwrap().parse().unwrap();
        assert!(at.as_second() >= since, "{place}: {told}");
        false
    })
    .await;
    assert_eq!(app.runner.apns.pushes(), [], "no device wakes");
}

#[tokio::test]
async fn a_report_that_was_half_taken_is_taken_once() {
    let app = TestApp::start().await;
    let prepare = async |number| {
        let address = format!("bounce+{number}@simulator.amazonses.com");
        let new = json!({"name": "Green School", "contacts": [address, "head@green.example"]});
        let made = app.operator().post("/v1/tenants", new).await.expect(201).json;
        let token = made["token"].as_str().unwrap();
        Tenant::new(made["tenant"]["id"].as_str().unwrap().to_owned(), app.api(token))
    };
    let work = async |state: AppState| deliver_reports(&state, app.runner.aws.queues()).await.map(drop);
    wherever_it_dies(&app, 1, 3_600, prepare, work, async |tenant, place| {
        let shown = tenant.get("expirations").await.expect(200).json["recipients"].clone();
        assert_eq!(shown[0]["disabled"]["reason"], "bounced", "{place}");
        assert_eq!(shown[1]["disabled"], Value::Null, "{place}");
        let page = tenant.get("audit?action=contact-disabled").await.expect(200).json;
        assert_eq!(page["entries"].as_array().unwrap().len(), 1, "{place}");
        false
    })
    .await;
}

#[tokio::test]
async fn a_round_that_dies_is_completed_by_the_next() {
    let (app, tenant) = school().await;
    let set = async |how: &str| {
        let body = json!({"device_authentication": how}).to_string();
        tenant.admin.call(Method::PUT, &tenant.path("enrollment-settings"), body.into()).await.expect(200);
    };
    let work = async |state: AppState| {
        for _ in 0..3 {
            run(state.clone(), "trust-store").await?;
        }
        Ok(())
    };
    let prepare = async |_| {
        set("signature").await;
        work(Arc::clone(&app.runner.state)).await.expect("rounds");
        set("mutual-tls").await;
    };
    wherever_it_dies(&app, 4, 300, prepare, work, async |(), place| {
        let shown = tenant.get("enrollment-settings").await.expect(200).json;
        assert_eq!(shown["mutual_tls_state"], "active", "{place}");
        false
    })
    .await;
}
