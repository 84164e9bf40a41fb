//! A process that dies between any two of its calls of AWS while it does a page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pomarium_local::runner::{QueueFunction, deliver_all};
use pomarium_tests::TestApp;
use serde_json::json;

use super::{HOUR, devices, job, names, queued_on, send};
use crate::devices::{enrollment, pass_seconds};
use crate::killed::{Death, dying_state};

#[tokio::test]
async fn wherever_a_page_dies_the_job_is_done_and_nothing_is_queued_twice() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    // Two pages: two devices on the first, one on the second.
    let there = ["D-00000", "D-00001", "D-00100"];
    devices(&app, &tenant, there.map(str::to_owned).to_vec()).await;
    let mut jobs = 0;
    for takes_effect in [false, true] {
        for calls in 0.. {
            let uuid = send(&tenant, json!({"enrollments": names(0..101)})).await;
            jobs += 1;
            let happened = Arc::new(AtomicBool::new(false));
            let left = Arc::new(AtomicUsize::new(calls));
            let dying = dying_state(&app, Death::new(&app, left, takes_effect, &happened)).await;
            deliver_all(QueueFunction::CommandJobs, &dying, app.runner.aws.queues()).await.unwrap();
            let place = format!("died at call {calls}, effect: {takes_effect}");
            let alive = !happened.load(Ordering::SeqCst);
            if alive {
                assert!(calls >= 15, "it made too few calls to be true");
            } else {
                // Its message comes again; a hint that was lost with the process, the sweep gives.
                pass_seconds(&app, 360);
                app.deliver_jobs().await;
                if job(&tenant, &uuid).await["state"] != "done" {
                    pass_seconds(&app, HOUR);
                    app.begin_sweep().await;
                    app.deliver_jobs().await;
                }
            }
            let done = job(&tenant, &uuid).await;
            assert_eq!((&done["state"], &done["looked_at"]), (&json!("done"), &json!(101)), "{place}");
            assert_eq!((&done["queued"], &done["failed"]), (&json!(3), &json!(0)), "{place}");
            assert_eq!(queued_on(&tenant, &uuid).await, there, "{place}");
            for name in there {
                assert_eq!(enrollment(&tenant, name).await["waiting_commands"], jobs, "{place}");
            }
            if alive {
                break;
            }
        }
    }
}
