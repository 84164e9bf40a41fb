//! The deletion of a tenant's push certificates: typed, whole, and for good.

use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::enrolled;
use crate::stored::{everything, unchanged};

async fn delete(tenant: &Tenant, typed: Value) -> Answer {
    let path = tenant.path("push-certificate");
    tenant.admin.call(Method::DELETE, &path, typed.to_string().into()).await
}

#[tokio::test]
async fn it_wants_the_name_and_the_number_of_devices() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    let before = everything(&app).await;
    for typed in [
        json!({}),
        json!({"confirm": "Green School"}),
        json!({"confirm": "Green School", "confirm_orphaned": 2}),
        json!({"confirm": "green school", "confirm_orphaned": 1}),
    ] {
        let refused = delete(&tenant, typed).await.expect(409);
        assert_eq!(refused.problem(), "deletion-not-confirmed");
        assert!(refused.text().contains("1 enrolled device must"), "{}", refused.text());
    }
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn keys_and_certificates_are_gone_and_devices_are_still_answered() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.create_authority().await;
    tenant.request().await;
    let file = tenant.request_file().await;
    let issued = app.runner.portal.issue(&file).map_err(drop).unwrap();
    tenant.stage(&issued.pem).await;
    let password = "correct horse battery";
    tenant.activate(json!({"password": password, "password_again": password})).await;
    let device = enrolled(&app, &tenant, "D-1").await;
    // A renewal is under way: an upload, and a request that came after it.
    app.pass_days(1);
    tenant.request().await;
    let renewed = app.runner.portal.renew(&issued.uid, &tenant.request_file().await).map_err(drop).unwrap();
    tenant.stage(&renewed.pem).await;
    let again = json!({"subject": pomarium_tests::actors::subject(), "replace": true});
    tenant.post("push-certificate/request", again).await.expect(201);
    let names = secret_names(&app, &tenant).await;
    assert_eq!(names.len(), 4, "three keys and an export: {names:?}");

    let typed = json!({"confirm": "Green School", "confirm_orphaned": 1});
    let deleted = delete(&tenant, typed.clone()).await.expect(200);
    assert_eq!(deleted.json["orphaned_enrollments"], 1);
    for name in names {
        assert!(app.runner.state.secrets.get(&name).await.unwrap().is_none(), "{name} is still there");
    }
    let state = tenant.get("push-certificate").await.expect(200);
    assert_eq!((&state.json["active"], &state.json["former"]), (&Value::Null, &json!([])));
    assert_eq!((&state.json["request_pending"], &state.json["staged"]), (&json!(false), &json!(false)));
    assert_eq!(delete(&tenant, typed).await.expect(409).problem(), "push-certificate-missing");
    let log = tenant.get("audit").await.expect(200);
    assert!(log.text().contains("push-certificates-deleted"), "{}", log.text());

    assert!(device.idle().await.expect("its poll is answered").is_none());
    assert_eq!(tenant.get("enrollments/D-1").await.expect(200).json["state"], "enrolled");
    let order = json!({"targets": ["D-1"], "command": {"RequestType": "ProfileList"}});
    let refused = tenant.post("commands", order).await.expect(409);
    assert_eq!(refused.problem(), "push-certificate-topic-unknown");
    let refused = tenant.post("enrollment-links", json!({})).await.expect(409);
    assert_eq!(refused.problem(), "push-certificate-missing");
}

#[tokio::test]
async fn a_new_beginning_is_possible_afterwards() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    delete(&tenant, json!({"confirm": "Green School", "confirm_orphaned": 0})).await.expect(200);
    tenant.request().await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
    assert_eq!(tenant.stage(&issued.pem).await.json["source"], "New");
    tenant.activate(json!({})).await;
    enrolled(&app, &tenant, "D-1").await;
}

/// The tenant's secrets about push certificates that exist.
async fn secret_names(app: &TestApp, tenant: &Tenant) -> Vec<String> {
    let scope = crate::killed::scope(tenant);
    let all = app.runner.state.store.push_certificates(&scope).await.unwrap();
    let mut names = Vec::new();
    for key in all.keys() {
        for kind in ["push-key", "push-export"] {
            let name = format!("{}/{kind}/{key}", tenant.id);
            if app.runner.state.secrets.get(&name).await.unwrap().is_some() {
                names.push(name);
            }
        }
    }
    names
}
