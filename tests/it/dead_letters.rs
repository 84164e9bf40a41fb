//! Messages that fail until they are set aside, and what the operator does about them.

use pomarium_local::aws::Counts;
use pomarium_tests::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::pass_seconds;

const NONSENSE: &str = "nobody reads this";

/// Lets a message fail until it is set aside.
pub(crate) async fn with_dead_wake_up(app: &TestApp) {
    let queues = app.runner.aws.queues();
    queues.send("wake", &[(NONSENSE, 0)]).unwrap();
    for _ in 0..6 {
        assert_eq!(app.deliver_hints().await, 0);
        pass_seconds(app, 90);
    }
    assert_eq!(queues.counts("wake-dead-letter").unwrap().visible, 1);
}

async fn shown(app: &TestApp, queue: &str) -> Value {
    let all = app.operator().get("/v1/dead-letters").await.expect(200);
    assert!(!all.text().contains(NONSENSE), "{}", all.text());
    let queues = all.json["queues"].as_array().unwrap();
    assert_eq!(queues.len(), 5);
    queues.iter().find(|one| one["queue"] == queue).unwrap().clone()
}

#[tokio::test]
async fn what_failed_five_times_is_seen_and_tried_anew() {
    let app = TestApp::start().await;
    with_dead_wake_up(&app).await;
    let wake = shown(&app, "wake").await;
    assert_eq!((&wake["letters"], &wake["goes_back"]), (&json!(1), &json!(true)));
    assert_eq!(wake["last_move"], Value::Null);
    let letter = &wake["some"][0];
    assert_eq!(
        (&letter["what"], &letter["sent_at"]),
        (&json!("a message that cannot be read"), &json!("2026-11-21T09:00:00Z"))
    );
    // Who looks takes nothing away from the next one.
    assert_eq!(shown(&app, "wake").await, wake);

    let back = "/v1/dead-letters/wake/send-back";
    let sent = app.operator().post(back, json!({})).await.expect(200);
    assert_eq!(sent.json["letters"], 1);
    let after = shown(&app, "wake").await;
    assert_eq!((&after["letters"], &after["some"]), (&json!(0), &json!([])));
    let told = &after["last_move"];
    assert_eq!((&told["state"], &told["moved"]), (&json!("done"), &json!(1)));
    assert_eq!(app.runner.aws.queues().counts("wake").unwrap(), Counts { visible: 1, ..Counts::default() });
    let refused = app.operator().post(back, json!({})).await.expect(409);
    assert_eq!(refused.problem(), "dead-letters-none");

    let log = app.operator().get("/v1/audit").await.expect(200).json;
    let entry = &log["entries"][0];
    assert_eq!(entry["action"], "dead-letters-sent-back");
    assert_eq!(entry["facts"], json!({"queue": "wake", "letters": "1"}));
}

#[tokio::test]
async fn letters_are_discarded_and_a_daily_run_does_not_go_back() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let command = "7C9E6679-7425-40DE-944B-E07FC1F90AE7";
    let job = json!({"tenant": tenant.id, "command": command}).to_string();
    let queues = app.runner.aws.queues();
    queues.send("jobs-dead-letter", &[(&job, 0)]).unwrap();
    let jobs = shown(&app, "jobs").await;
    let letter = &jobs["some"][0];
    assert_eq!((&letter["tenant"], &letter["subject"]), (&json!(tenant.id), &json!(command)));
    let path = "/v1/dead-letters/jobs";
    app.operator().call(Method::DELETE, path, Vec::new()).await.expect(204);
    assert_eq!(shown(&app, "jobs").await["letters"], 0);
    let none = app.operator().call(Method::DELETE, path, Vec::new()).await.expect(409);
    assert_eq!(none.problem(), "dead-letters-none");
    queues.send("jobs-dead-letter", &[(&job, 0)]).unwrap();
    let soon = app.operator().call(Method::DELETE, path, Vec::new()).await.expect(409);
    assert_eq!(soon.problem(), "dead-letters-discarded");
    pass_seconds(&app, 60);
    app.operator().call(Method::DELETE, path, Vec::new()).await.expect(204);

    let report = json!({"responsePayload": {"errorMessage": "The service is busy."}}).to_string();
    queues.send("expiry-notifier-dead-letter", &[(&report, 0)]).unwrap();
    let runs = shown(&app, "expiry-notifier").await;
    assert_eq!(
        (&runs["goes_back"], &runs["some"][0]["error"]),
        (&json!(false), &json!("The service is busy."))
    );
    let back = app.operator().post("/v1/dead-letters/expiry-notifier/send-back", json!({})).await.expect(409);
    assert_eq!(back.problem(), "dead-letters-no-way-back");
    app.operator().post("/v1/dead-letters/mails/send-back", json!({})).await.expect(404);
}
