//! Every change is written down with the change itself: who, what, from where.

use pomarium_tests::{Tenant, TestApp};
use serde_json::json;

/// The actions of the log, the latest first.
async fn actions(tenant: &Tenant) -> Vec<String> {
    let page = tenant.get("audit").await.expect(200);
    let entries = page.json["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
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
        "tenant-created",
    ];
    assert_eq!(actions(&tenant).await, expected);

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
    let before = actions(&tenant).await;
    tenant.post("push-certificate/activate", json!({})).await.expect(409);
    tenant.post("push-certificate/staged", json!({"certificate": "nonsense"})).await.expect(400);
    tenant.post("identity-authority", json!({"common_name": "A", "organization": "B"})).await.expect(409);
    assert_eq!(actions(&tenant).await, before);
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
    assert_eq!((count(&first), count(&second)), (100, 6));
    assert!(second.json["next"].is_null());

    app.pass_days(31);
    assert!(actions(&tenant).await.is_empty());
    assert_eq!(count(&tenant.get("audit?month=2026-11").await.expect(200)), 100);
    assert_eq!(tenant.get("audit?month=November").await.expect(400).problem(), "audit-month");
    assert_eq!(tenant.get("audit?after=zz").await.expect(400).problem(), "page-mark");
}
