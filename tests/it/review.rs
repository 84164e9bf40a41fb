//! What is shown before an upload is activated: both certificates side by side, and who depends on either.

use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};

use crate::devices::enrolled;

/// Stages Apple's answer to a new request: *Renew* for a topic, or *Create*.
async fn staged(app: &TestApp, tenant: &Tenant, renew: Option<&str>) -> Value {
    tenant.request().await;
    let file = tenant.request_file().await;
    let portal = &app.runner.portal;
    let issued = renew.map_or_else(|| portal.issue(&file), |topic| portal.renew(topic, &file));
    tenant.stage(&issued.map_err(drop).unwrap().pem).await.json
}

fn field<'a>(review: &'a Value, name: &str) -> &'a Value {
    review["comparison"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap()
}

#[tokio::test]
async fn a_first_certificate_stands_alone() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let review = staged(&app, &tenant, None).await;
    assert_eq!(review["confirm_orphaned"], Value::Null);
    let topic = field(&review, "topic");
    assert_eq!((&topic["active"], &topic["same"]), (&Value::Null, &json!(false)));
    assert_eq!(review["topics"][0]["topic"], review["certificate"]["topic"]);
    assert_eq!((&review["topics"][0]["enrolled"], &review["topics"][1]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn a_renewal_differs_in_all_but_its_topic() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let active = tenant.get("push-certificate").await.json["active"].clone();
    enrolled(&app, &tenant, "D-1").await;
    app.pass_days(3);
    let review = staged(&app, &tenant, active["topic"].as_str()).await;
    for (name, same) in [("topic", true), ("issuer", true), ("serial_number", false), ("not_after", false)] {
        let field = field(&review, name);
        assert_eq!((&field["active"], &field["same"]), (&active[name], &json!(same)), "{name}");
        assert_eq!(field["staged"], review["certificate"][name], "{name}");
    }
    let expected = json!([{
        "topic": active["topic"], "active": true, "enrolled": 1, "seen_within_a_day": 0,
        "seen_within_a_week": 1, "seen_within_a_month": 1, "estimated": false,
    }]);
    assert_eq!(review["topics"], expected);
    assert_eq!(review["confirm_orphaned"], Value::Null);
}

#[tokio::test]
async fn a_replacement_shows_whom_it_silences_and_the_number_to_type() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    app.pass_days(10);
    enrolled(&app, &tenant, "D-2").await;
    staged(&app, &tenant, None).await;
    let review = tenant.get("push-certificate/staged").await.expect(200).json;
    assert_eq!(review["confirm_orphaned"], 2);
    let [present, coming] = &review["topics"].as_array().unwrap()[..] else { panic!("two topics") };
    assert_eq!((&present["active"], &present["enrolled"]), (&json!(true), &json!(2)));
    assert_eq!((&present["seen_within_a_day"], &present["seen_within_a_month"]), (&json!(1), &json!(2)));
    assert_eq!((&coming["active"], &coming["enrolled"]), (&json!(false), &json!(0)));
    tenant.activate(json!({"confirm_orphaned": review["confirm_orphaned"]})).await;
}
