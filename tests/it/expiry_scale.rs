//! The notifier over many tenants: cut short, tried again, and with one that fails.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use pomarium_tests::TestApp;
use serde_json::json;
use shared::service::notify_expiry::notify_expiry;
use shared::time::SignedDuration;

use crate::mails::{ending_token, notices, notify};

const MANY: usize = 100;

#[tokio::test]
async fn a_run_that_is_cut_short_and_its_next_try_mail_everybody_exactly_once() {
    let app = TestApp::start().await;
    for number in 0..MANY {
        let tenant = app.tenant(&format!("School {number}")).await;
        ending_token(&tenant, "help desk", 10).await;
    }
    let begun = AtomicUsize::new(0);
    let state = &app.runner.state;
    let cut = notify_expiry(state, || begun.fetch_add(1, Ordering::Relaxed) < 40).await.unwrap();
    assert_eq!((cut.sent, cut.left, cut.failed), (40, 60, 0));

    // Almost no time: the function says so, and Lambda tries again.
    let error = expiry_notifier::handle(state.clone(), app.clock.now() + SignedDuration::from_secs(30)).await;
    assert!(error.unwrap_err().chain().contains("100 tenants are left"));
    assert_eq!(notices(&app).len(), 40);

    assert_eq!(notify(&app).await, json!({"sent": 60, "repeated": 40, "failed": 0, "left": 0}));
    let told: BTreeSet<String> = notices(&app).into_iter().map(|(to, _)| to).collect();
    assert_eq!((told.len(), notices(&app).len()), (MANY, MANY));
}

#[tokio::test]
async fn a_run_that_is_killed_loses_no_mail() {
    let app = TestApp::start().await;
    for number in 0..20 {
        let tenant = app.tenant(&format!("School {number}")).await;
        ending_token(&tenant, "help desk", 10).await;
    }
    let state = &app.runner.state;
    tokio::select! {
        done = notify_expiry(state, || true) => panic!("it was not killed: {done:?}"),
        () = async { while notices(&app).is_empty() { tokio::task::yield_now().await } } => {}
    }
    // Claims of the killed run are free again after a quarter of an hour.
    app.clock.set(app.clock.now() + SignedDuration::from_mins(16));
    notify(&app).await;
    let told: BTreeSet<String> = notices(&app).into_iter().map(|(to, _)| to).collect();
    assert_eq!(told.len(), 20);
}

#[tokio::test]
async fn one_bad_address_stops_nobody_else() {
    let app = TestApp::start().await;
    for name in ["Green School", "Blue School"] {
        ending_token(&app.tenant(name).await, "help desk", 10).await;
    }
    let bad = json!({"name": "Bad", "contacts": ["x@bad.invalid", "y@bad.example"]});
    let answer = app.operator().post("/v1/tenants", bad).await.expect(201);
    let id = answer.json["tenant"]["id"].as_str().unwrap().to_owned();
    let tenant = pomarium_tests::Tenant::new(id, app.api(answer.json["token"].as_str().unwrap()));
    ending_token(&tenant, "help desk", 10).await;

    let tally = notify_expiry(&app.runner.state, || true).await.unwrap();
    assert_eq!((tally.sent, tally.failed), (3, 1));
    let told: BTreeSet<String> = notices(&app).into_iter().map(|(to, _)| to).collect();
    assert!(told.contains("y@bad.example") && !told.contains("x@bad.invalid"), "{told:?}");
    let soon = app.clock.now() + SignedDuration::from_mins(15);
    assert!(
        expiry_notifier::handle(app.runner.state.clone(), soon).await.is_err(),
        "the schedule tries again"
    );
}
