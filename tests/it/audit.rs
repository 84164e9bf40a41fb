//! Every change is written down with the change itself: who, what, from where.

use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use crate::crypto::{KEY, certificate_pem, pem, self_signed};

/// The actions of the log, the latest first.
async fn actions_of(tenant: &Tenant) -> Vec<String> {
    let page = tenant.get("audit").await.expect(200);
    let entries = page.json["entries"].as_array().unwrap().iter();
    let mut actions: Vec<_> = entries.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect();
    // A tenant's beginning is one moment with two entries.
    if let Some(start) = actions.len().checked_sub(2) {
        actions[start..].sort();
    }
    actions
}

/// Changes in the same moment are told apart, but their order is not kept: the clock moves between them.
fn pass_a_second(app: &TestApp) {
    app.clock.set(app.clock.now() + shared::time::SignedDuration::from_secs(1));
}

#[tokio::test]
async fn a_tenants_changes_are_written_down() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    pass_a_second(&app);
    tenant.request().await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
    pass_a_second(&app);
    tenant.stage(&issued.pem).await;
    pass_a_second(&app);
    tenant.activate(json!({})).await;
    pass_a_second(&app);
    tenant.create_authority().await;
    pass_a_second(&app);
    tenant.enrollment_link().await;
    let expected = [
        "enrollment-link-created",
        "identity-authority-created",
        "push-certificate-activated",
        "push-certificate-staged",
        "push-request-made",
        "contact-asked",
        "tenant-created",
    ];
    assert_eq!(actions_of(&tenant).await, expected);

    let page = tenant.get("audit").await.expect(200);
    let activated = &page.json["entries"][2];
    assert!(activated["actor"].as_str().unwrap().starts_with("token:"));
    assert_eq!(activated["origin"], "127.0.0.1");
    assert_eq!(activated["facts"]["topic"], issued.uid.as_str());
    assert_eq!(activated["facts"]["source"], "New");
    assert!(!page.text().contains("PRIVATE KEY") && !page.text().contains("pom_"));
}

#[tokio::test]
async fn what_was_refused_is_not_written_down() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let before = actions_of(&tenant).await;
    tenant.post("push-certificate/activate", json!({})).await.expect(409);
    tenant.post("push-certificate/staged", json!({"certificate": "nonsense"})).await.expect(400);
    tenant.post("identity-authority", json!({"common_name": "A", "organization": "B"})).await.expect(409);
    assert_eq!(actions_of(&tenant).await, before);
}

#[tokio::test]
async fn the_log_is_read_by_month_and_page() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    for _ in 0..105 {
        tenant.post("tokens", json!({"name": "help desk", "role": "viewer"})).await.expect(201);
    }
    let first = tenant.get("audit").await.expect(200);
    let next = first.json["next"].as_str().unwrap();
    let second = tenant.get(&format!("audit?after={next}")).await.expect(200);
    let count = |page: &pomarium_tests::Answer| page.json["entries"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second)), (100, 7));
    assert!(second.json["next"].is_null());

    app.pass_days(31);
    assert!(actions_of(&tenant).await.is_empty());
    assert_eq!(count(&tenant.get("audit?month=2026-11").await.expect(200)), 100);
    assert_eq!(tenant.get("audit?month=November").await.expect(400).problem(), "audit-month");
    assert_eq!(tenant.get("audit?after=zz").await.expect(400).problem(), "page-mark");
}

#[tokio::test]
async fn what_the_operator_changes_is_written_down_for_the_operator() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let log = async || operator.get("/v1/audit").await.expect(200).json;
    let first = log().await;
    let known = first["entries"].as_array().unwrap().len();
    pass_a_second(&app);
    let tenant = app.tenant("Green School").await;
    pass_a_second(&app);
    let listed = operator.get("/v1/vendor-certificates").await.expect(200).json;
    let active = listed["vendor_certificates"][0]["fingerprint"].as_str().unwrap().to_owned();
    operator.post(&format!("/v1/vendor-certificates/{active}/activate"), json!({})).await.expect(200);
    let told = log().await;
    let entries = told["entries"].as_array().unwrap();
    assert_eq!(entries.len(), known + 1, "to activate the active one changes nothing: {told}");
    assert_eq!(entries[0]["action"], "tenant-created");
    assert_eq!(entries[0]["facts"]["tenant"], tenant.id.to_string());
    assert_eq!(entries[0]["origin"], "127.0.0.1");
    assert!(entries[0]["actor"].as_str().unwrap().starts_with("token:"));
    // The vendor certificate that the local set-up installed.
    let installed = first["entries"].to_string();
    assert!(installed.contains("vendor-certificate-installed") && installed.contains(&active), "{installed}");

    tenant.admin.get("/v1/audit").await.expect(403);
    assert_eq!(operator.get("/v1/audit?month=11").await.expect(400).problem(), "audit-month");
}

#[tokio::test]
async fn each_change_of_the_operators_is_one_entry() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let installation = operator.get("/v1/audit").await.expect(200).json["entries"].as_array().unwrap().len();
    pass_a_second(&app);
    let tenant = app.tenant("Green School").await;
    let files = json!({"certificate": certificate_pem(&self_signed(&[], app.clock.now(), (-1, 364))), "key": pem(&KEY)});
    pass_a_second(&app);
    let installed = operator.post("/v1/vendor-certificates", files.clone()).await.expect(201);
    let fingerprint = installed.json["fingerprint"].as_str().unwrap();
    let path = format!("/v1/vendor-certificates/{fingerprint}");
    let listed = operator.get("/v1/vendor-certificates").await.json["vendor_certificates"].clone();
    let first =
        listed.as_array().unwrap().iter().find(|vendor| vendor["fingerprint"] != fingerprint).unwrap();
    let back = format!("/v1/vendor-certificates/{}/activate", first["fingerprint"].as_str().unwrap());
    for activate in [&format!("{path}/activate"), &back] {
        pass_a_second(&app);
        operator.post(activate, json!({})).await.expect(200);
        // Again, which changes nothing.
        operator.post(activate, json!({})).await.expect(200);
    }
    pass_a_second(&app);
    operator.call(Method::DELETE, &path, Vec::new()).await.expect(204);
    operator.call(Method::DELETE, &path, Vec::new()).await.expect(404);
    pass_a_second(&app);
    operator.call(Method::PUT, "/v1/profile-signer", files.to_string().into()).await.expect(200);
    pass_a_second(&app);
    operator.call(Method::DELETE, "/v1/profile-signer", Vec::new()).await.expect(204);

    let page = operator.get("/v1/audit").await.expect(200);
    let entries = &page.json["entries"].as_array().unwrap()[..];
    let (entries, _) = entries.split_at(entries.len() - installation);
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let expected = [
        "profile-signer-removed",
        "profile-signer-installed",
        "vendor-certificate-deleted",
        "vendor-certificate-activated",
        "vendor-certificate-activated",
        "vendor-certificate-installed",
        "tenant-created",
    ];
    assert_eq!(actions, expected);
    for entry in entries {
        assert!(entry["actor"].as_str().unwrap().starts_with("token:"), "{entry}");
        assert_eq!(entry["origin"], "127.0.0.1");
    }
    for of_the_certificate in &entries[..6] {
        assert_eq!(of_the_certificate["facts"]["fingerprint"].as_str().unwrap().len(), 64);
    }
    assert_eq!(entries[2]["facts"]["fingerprint"], fingerprint);
    assert_eq!(entries[6]["facts"]["tenant"], tenant.id.as_str());
    assert!(!page.text().contains("PRIVATE KEY") && !page.text().contains("pom_"));
    // A tenant's own log knows of its beginning, and of nothing that the operator did for others.
    assert_eq!(actions_of(&tenant).await, ["contact-asked", "tenant-created"]);
}
