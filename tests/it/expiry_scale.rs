//! The notifier over many tenants: cut short, tried again, and with one that fails.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use pomarium_tests::TestApp;
use serde_json::json;
use shared::service::notify_expiry::notify_expiry;
use shared::time::SignedDuration;

use crate::aws_calls::counted;
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

/// Tenants whose credentials end in half a year, straight into the table: as many as the notifier must pass by.
async fn idle_tenants(app: &TestApp, numbers: std::ops::Range<usize>) {
    let state = &app.runner.state;
    let client = aws_sdk_dynamodb::Client::new(&app.runner.aws.sdk_config());
    let end = app.clock.now() + SignedDuration::from_hours(24 * 180);
    let numbers: Vec<usize> = numbers.collect();
    for batch in numbers.chunks(25) {
        let puts = batch.iter().map(|number| {
            let bytes: [u8; 10] = u128::try_from(*number).unwrap().to_be_bytes()[6..].try_into().unwrap();
            let tenant = shared::id::TenantId::from(bytes);
            let text = |text: String| AttributeValue::S(text);
            let put = PutRequest::builder()
                .item("pk", text(format!("TENANT#{tenant}#TOKEN#aaaaaaaaaaaaaaaa")))
                .item("sk", text("EXPIRY".to_owned()))
                .item("tenant", text(tenant.to_string()))
                .item("kind", text("api-token".to_owned()))
                .item("expiry_month", text(end.strftime("%Y-%m").to_string()))
                .item("expiry", text(end.to_string()));
            WriteRequest::builder().put_request(put.build().unwrap()).build()
        });
        let table = &state.config.table_pki;
        client.batch_write_item().request_items(table, puts.collect()).send().await.expect("they are kept");
    }
}

#[tokio::test]
async fn ten_thousand_tenants_with_nothing_due_cost_no_call_and_each_of_the_others_the_same() {
    let app = TestApp::start().await;
    let (process, calls) = counted(&app).await;
    let mut made = Vec::new();
    let run = async || {
        calls.store(0, Ordering::Relaxed);
        let tally = notify_expiry(&process, || true).await.expect("it runs");
        (tally.sent + tally.repeated, calls.load(Ordering::Relaxed))
    };
    let (told, nobody) = run().await;
    assert_eq!(told, 0);
    let mut known = 0;
    for tenants in [100, 1_000, 10_000] {
        idle_tenants(&app, known..tenants).await;
        known = tenants;
        made.push(run().await);
    }
    assert_eq!(made, [(0, nobody); 3]);

    let mut each = Vec::new();
    for number in 0..30 {
        ending_token(&app.tenant(&format!("School {number}")).await, "help desk", 10).await;
        if number == 9 || number == 29 {
            let (told, calls) = run().await;
            assert_eq!(told, number + 1);
            each.push(calls - nobody);
        }
    }
    // Ten new ones, then twenty new ones and ten who were told before.
    let (new, before) = (each[0] / 10, (each[1] - 2 * each[0]) / 10);
    assert!(new <= 12 && before < new, "{new} calls for whom is told, {before} for whom was told: {each:?}");
    assert_eq!(each, [10 * new, 20 * new + 10 * before], "the same for each");
}
