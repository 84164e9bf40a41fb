//! The expiry calendar: what it lists, how it is put off, and how others subscribe to it.

use pomarium_tests::TestApp;
use reqwest::Method;
use serde_json::{Value, json};
use shared::time::{DAY, SignedDuration};

use crate::devices::enrolled;
use crate::mails::{ending_token, listed, notices, notify};

#[tokio::test]
async fn everything_of_a_tenants_that_ends_is_listed_in_its_order() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    ending_token(&tenant, "help desk", 20).await;
    enrolled(&app, &tenant, "D-1").await;
    enrolled(&app, &tenant, "D-2").await;

    let calendar = tenant.get("expirations").await.expect(200).json;
    let row = |one: &Value| (one["kind"].clone(), one["state"].clone(), one["days_left"].clone());
    let rows: Vec<_> = calendar["expirations"].as_array().unwrap().iter().map(row).collect();
    assert_eq!(
        rows,
        [
            (json!("api-token"), json!("soon"), json!(20)),
            (json!("push-certificate"), json!("ok"), json!(365)),
            (json!("identity-authority"), json!("ok"), json!(3650)),
            (json!("profile-signer"), json!("ok"), json!(3650)),
        ]
    );
    assert_eq!(calendar["expirations"][0]["name"], "help desk");
    assert!(calendar["expirations"][1]["steps"][0].as_str().unwrap().contains("/console/"));
    assert_eq!(calendar["identities"], json!([{"month": "2027-11", "issued": 2}]));
    assert_eq!(
        calendar["recipients"],
        json!([{"address": "it@green-school.example", "verified": false, "disabled": null}])
    );

    app.pass_days(21);
    assert_eq!(listed(&tenant, "api-token").await["state"], "expired");
}

#[tokio::test]
async fn a_token_that_has_ended_says_so_and_leaves_the_calendar_when_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let made = ending_token(&tenant, "help desk", 20).await;
    assert_eq!(made.json["expires_at"], "2026-12-11T09:00:00Z");
    let bearer = app.api(made.json["token"].as_str().unwrap());
    bearer.get(&tenant.path("expirations")).await.expect(200);
    app.pass_days(20);
    let refused = bearer.get(&tenant.path("expirations")).await.expect(401);
    assert_eq!(refused.problem(), "token-expired");

    let path = tenant.path(&format!("tokens/{}", made.json["id"].as_str().unwrap()));
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
    assert_eq!(tenant.admin.call(Method::DELETE, &path, Vec::new()).await.status, 404);
    assert_eq!(listed(&tenant, "api-token").await, Value::Null);
    assert_eq!(notify(&app).await["sent"], 0);

    for days in [0, -1, 3651] {
        let order = json!({"name": "x", "role": "viewer", "valid_days": days});
        let refused = tenant.post("tokens", order).await.expect(400);
        assert_eq!((refused.problem(), &refused.json["field"]), ("token-life", &json!("valid_days")));
    }
}

#[tokio::test]
async fn the_operator_sees_what_ends_for_everybody_and_is_mailed() {
    let app = TestApp::start().await;
    let calendar = app.operator().get("/v1/expirations").await.expect(200).json;
    // Locally there is no TLS, so there is no certificate of the server's own.
    assert_eq!(calendar["expirations"].as_array().unwrap().len(), 1);
    assert_eq!(calendar["server_certificate_read"], true);
    let vendor = &calendar["expirations"][0];
    assert_eq!((&vendor["kind"], &vendor["state"]), (&json!("vendor-certificate"), &json!("ok")));
    let listed = app.operator().get("/v1/vendor-certificates").await.expect(200).json;
    let installed = &listed["vendor_certificates"][0];
    assert_eq!(vendor["not_after"], installed["not_after"]);

    app.pass_days(vendor["days_left"].as_i64().unwrap() - 30);
    assert_eq!(notify(&app).await["sent"], 1);
    assert_eq!(notify(&app).await, json!({"sent": 0, "repeated": 1, "failed": 0, "left": 0}));
    let (to, subject) = notices(&app).remove(0);
    assert_eq!(to, "operator@localhost.example");
    assert!(subject.starts_with("The MDM vendor certificate of 127.0.0.1:"), "{subject}");
}

#[tokio::test]
async fn a_snooze_has_a_name_is_shown_and_ends_by_itself() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    ending_token(&tenant, "help desk", 20).await;
    let id = listed(&tenant, "api-token").await["credential"].as_str().unwrap().to_owned();
    let path = format!("expirations/{id}/snooze");
    let until = |days: i64| app.clock.now() + SignedDuration::from_secs(days * DAY);

    for (body, problem, field) in [
        (json!({"until": until(15), "by": "Jo"}), "snooze-until", "until"),
        (json!({"until": until(0), "by": "Jo"}), "snooze-until", "until"),
        (json!({"until": until(1), "by": " "}), "name", "by"),
    ] {
        let refused = tenant.post(&path, body).await.expect(400);
        assert_eq!((refused.problem(), refused.json["field"].as_str()), (problem, Some(field)));
    }
    let body = json!({"until": until(2), "by": "Jo Green"});
    tenant.post("expirations/api-token.aaaaaaaaaaaaaaaa/snooze", body.clone()).await.expect(404);
    tenant.post(&path, body).await.expect(201);
    assert_eq!(listed(&tenant, "api-token").await["snooze"]["by"], "Jo Green");
    assert_eq!(notify(&app).await["sent"], 0);
    let audit = tenant.get("audit").await.expect(200).json;
    let entries = audit["entries"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["action"] == "expiry-snoozed").unwrap();
    assert_eq!((&entry["facts"]["by"], &entry["facts"]["credential"]), (&json!("Jo Green"), &json!(id)));
    app.pass_days(2);
    assert_eq!(listed(&tenant, "api-token").await["snooze"], Value::Null);
    assert_eq!(notify(&app).await["sent"], 1);
}

#[tokio::test]
async fn a_snooze_ends_with_a_renewal() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    app.pass_days(340);
    let id = listed(&tenant, "push-certificate").await["credential"].as_str().unwrap().to_owned();
    let until = app.clock.now() + SignedDuration::from_secs(14 * DAY);
    let path = format!("expirations/{id}/snooze");
    tenant.post(&path, json!({"until": until, "by": "Jo"})).await.expect(201);
    assert_eq!(notify(&app).await["sent"], 0);

    let topic = tenant.get("push-certificate").await.json["active"]["topic"].as_str().unwrap().to_owned();
    tenant.request().await;
    let file = tenant.request_file().await;
    let renewed = app.runner.portal.renew(&topic, &file).map_err(|_| ()).unwrap();
    tenant.stage(&renewed.pem).await;
    tenant.activate(json!({})).await;
    let listed = listed(&tenant, "push-certificate").await;
    assert_eq!((&listed["snooze"], &listed["state"]), (&Value::Null, &json!("ok")));
    assert_ne!(listed["credential"], id);
    tenant.post(&path, json!({"until": until, "by": "Jo"})).await.expect(404);
}

#[tokio::test]
async fn a_calendar_program_subscribes_by_an_address_that_can_be_replaced() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let make = async || {
        let made = tenant.post("expirations/calendar", json!({})).await.expect(201);
        made.json["url"].as_str().unwrap().to_owned()
    };
    let url = make().await;
    let file = app.stranger().get(&url).await.expect(200);
    assert_eq!(file.header("content-type"), Some("text/calendar; charset=utf-8"));
    let text = file.text().replace("\r\n ", "");
    assert!(text.contains("SUMMARY:The Apple push certificate of Green School expires\r\n"), "{text}");
    assert!(text.contains("DTSTART;VALUE=DATE:20271121\r\n"), "{text}");
    assert_eq!(app.stranger().get(&url).await.expect(200).bytes, file.bytes, "UIDs are stable");

    app.pass_days(1);
    let second = make().await;
    assert_eq!(app.stranger().get(&url).await.expect(404).problem(), "not-found");
    app.stranger().get(&second).await.expect(200);
    for wrong in [second.replace(".ics", ""), second.replace(".ics", "x.ics")] {
        app.stranger().get(&wrong).await.expect(404);
    }
    let other = app.tenant("Blue School").await;
    app.stranger().get(&second.replace(&tenant.id, &other.id)).await.expect(404);
}
