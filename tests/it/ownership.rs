//! Who can renew the push certificate: recorded, shown, and asked again before the end.

use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::mails::{notices, notify};

async fn record(tenant: &Tenant, body: Value) -> Answer {
    let path = tenant.path("push-certificate/ownership");
    tenant.admin.call(Method::PUT, &path, body.to_string().into()).await
}

async fn needs_confirmation(tenant: &Tenant) -> bool {
    tenant.get("push-certificate").await.expect(200).json["needs_confirmation"].as_bool().unwrap()
}

#[tokio::test]
async fn the_record_says_who_and_since_when() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let missing = tenant.get("push-certificate/ownership").await.expect(404);
    assert_eq!(missing.problem(), "not-found");
    tenant.post("push-certificate/ownership/confirm", json!({})).await.expect(404);

    tenant.record_ownership().await;
    app.pass_days(3);
    let changed = json!({"apple_account": "push@green.example", "second_factor_holder": "Sam"});
    record(&tenant, changed).await.expect(200);
    let shown = tenant.get("push-certificate/ownership").await.expect(200).json;
    assert_eq!((&shown["second_factor_holder"], &shown["note"]), (&json!("Sam"), &Value::Null));
    assert_eq!(shown["confirmed_at"], app.clock.now().to_string());
    assert!(shown["confirmed_by"].as_str().unwrap().starts_with("token:"));
    assert!(tenant.get("audit").await.text().contains("push-certificate-ownership-confirmed"));
}

#[tokio::test]
async fn sixty_days_before_the_end_it_is_asked_again() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    tenant.record_ownership().await;
    app.pass_days(304);
    assert!(!needs_confirmation(&tenant).await);
    app.pass_days(1);
    assert!(needs_confirmation(&tenant).await);
    tenant.post("push-certificate/ownership/confirm", json!({})).await.expect(200);
    assert!(!needs_confirmation(&tenant).await);
    let kept = tenant.get("push-certificate/ownership").await.expect(200).json;
    assert_eq!(kept["note"], "Telephone in the safe.", "a confirmation changes nothing else");
}

#[tokio::test]
async fn the_question_is_mailed_once_a_week_until_somebody_answers() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    app.pass_days(304);
    assert_eq!(notify(&app).await["sent"], 0);
    app.pass_days(1);
    assert_eq!(notify(&app).await, json!({"sent": 1, "repeated": 0, "failed": 0, "left": 0}));
    let (to, subject) = notices(&app).remove(0);
    assert_eq!(to, "it@green-school.example");
    assert_eq!(subject, "Who can renew the Apple push certificate of Green School?");
    app.pass_days(6);
    assert_eq!(notify(&app).await, json!({"sent": 0, "repeated": 1, "failed": 0, "left": 0}));
    app.pass_days(1);
    assert_eq!(notify(&app).await["sent"], 1);
    tenant.record_ownership().await;
    app.pass_days(7);
    assert_eq!(notify(&app).await, json!({"sent": 0, "repeated": 0, "failed": 0, "left": 0}));
}

#[tokio::test]
async fn what_is_no_record_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let nobody = json!({"apple_account": "push@green.example", "second_factor_holder": " "});
    let refused = record(&tenant, nobody).await.expect(400);
    assert_eq!(
        (refused.problem(), refused.json["field"].as_str()),
        ("ownership-text", Some("second_factor_holder"))
    );
    let account = json!({"apple_account": "somebody", "second_factor_holder": "Jo"});
    assert_eq!(record(&tenant, account).await.expect(400).problem(), "json-body");
}
