//! Mails that bounce, or that somebody calls spam: the address gets none more until its owner confirms it.

use pomarium_local::runner::deliver_reports;
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::mails::{confirmations, ending_token, notices, notify};
use crate::stored::{everything, unchanged};

const BOUNCE: &str = "bounce+school@simulator.amazonses.com";
const COMPLAINT: &str = "complaint@simulator.amazonses.com";
const FULL: &str = "full@simulator.amazonses.com";
const GOOD: &str = "head@school.example";

async fn school(app: &TestApp, contacts: &[&str]) -> Tenant {
    let new = json!({"name": "Green School", "contacts": contacts});
    let made = app.operator().post("/v1/tenants", new).await.expect(201).json;
    Tenant::new(made["tenant"]["id"].as_str().unwrap().to_owned(), app.api(made["token"].as_str().unwrap()))
}

async fn reported(app: &TestApp) -> usize {
    deliver_reports(&app.runner.state, app.runner.aws.queues()).await.expect("reports are taken")
}

async fn recipients(tenant: &Tenant) -> Vec<Value> {
    tenant.get("expirations").await.expect(200).json["recipients"].as_array().unwrap().clone()
}

#[tokio::test]
async fn who_bounces_or_complains_gets_no_mail_more_and_it_says_why() {
    let app = TestApp::start().await;
    let tenant = school(&app, &[BOUNCE, COMPLAINT, FULL, GOOD]).await;
    assert_eq!(reported(&app).await, 3);

    let shown = recipients(&tenant).await;
    let reasons: Vec<_> = shown.iter().map(|one| one["disabled"]["reason"].clone()).collect();
    assert_eq!(reasons, [json!("bounced"), json!("complained"), Value::Null, Value::Null]);
    assert_eq!(shown[0]["disabled"]["detail"], "smtp; 550 5.1.1 user unknown");
    assert!(shown[0]["disabled"]["next_step"].as_str().unwrap().starts_with("Correct the address"));
    assert!(shown[1]["disabled"]["next_step"].as_str().unwrap().starts_with("Its owner marked"));

    // Nobody confirmed and it is the last week: everybody else is told.
    ending_token(&tenant, "help desk", 5).await;
    notify(&app).await;
    let told: Vec<_> = notices(&app).into_iter().map(|(to, _)| to).collect();
    assert_eq!(told, [FULL, GOOD]);
}

#[tokio::test]
async fn who_confirms_gets_mails_again_and_a_late_report_does_not_undo_it() {
    let app = TestApp::start().await;
    let tenant = school(&app, &[BOUNCE, GOOD]).await;
    let queues = app.runner.aws.queues();
    let set = &app.runner.state.config.mail_configuration_set;
    let report = queues.receive(set, 1, Some(0), std::time::Duration::ZERO).await.unwrap().remove(0).body;
    assert_eq!(reported(&app).await, 1);
    let before = everything(&app).await;
    queues.send(set, &[(&report, 0)]).unwrap();
    assert_eq!(reported(&app).await, 1);
    unchanged(&app, &before).await;

    app.pass_days(1);
    // Naming the contacts again asks no address that is disabled; asking in so many words does.
    let path = format!("/v1/tenants/{}", tenant.id);
    let same = json!({"contacts": [BOUNCE, GOOD]}).to_string().into_bytes();
    tenant.admin.call(Method::PATCH, &path, same).await.expect(200);
    assert_eq!(confirmations(&app, BOUNCE).len(), 1);
    assert_eq!(tenant.post("contacts/confirmations", json!({})).await.expect(200).json["asked"], 1);
    let page = confirmations(&app, BOUNCE).remove(1);
    assert!(recipients(&tenant).await[0]["disabled"].is_object(), "a question alone changes nothing");
    app.pass_days(1);
    app.stranger().call(Method::POST, &page, Vec::new()).await.expect(200);

    // The question's own report, and the first one, come after the answer.
    queues.send(set, &[(&report, 0)]).unwrap();
    assert_eq!(reported(&app).await, 2);
    let shown = recipients(&tenant).await;
    assert_eq!((&shown[0]["verified"], &shown[0]["disabled"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn a_report_that_does_not_say_for_whom_changes_nothing() {
    let app = TestApp::start().await;
    let tenant = school(&app, &[BOUNCE]).await;
    let set = &app.runner.state.config.mail_configuration_set;
    let message =
        app.runner.aws.queues().receive(set, 1, None, std::time::Duration::ZERO).await.unwrap().remove(0);
    let report: Value = serde_json::from_str(&message.body).unwrap();
    let before = everything(&app).await;
    for tags in [json!({}), json!({"tenant": ["aaaaaaaaaaaaaaaa"]}), json!({"operator": ["server"]})] {
        let mut other = report.clone();
        other["detail"]["mail"]["tags"] = tags;
        let event = serde_json::from_value(other).expect("an event of EventBridge");
        mail_feedback::handle(app.runner.state.clone(), event).await.expect("it is only logged");
    }
    unchanged(&app, &before).await;
    assert_eq!(recipients(&tenant).await[0]["disabled"], Value::Null);
}
