//! What a tenant's own services ask about a device.

use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::{enrolled, pass_seconds};
use crate::idle_cost::proxy::Proxy;

async fn ask(tenant: &Tenant, udid: &str) -> Value {
    tenant.get(&format!("access?udid={udid}")).await.expect(200).json
}

async fn switch(tenant: &Tenant, on: bool) {
    let body = json!({"allow_unenrolled_devices": on});
    let path = tenant.path("access/settings");
    tenant.admin.call(Method::PUT, &path, body.to_string().into()).await.expect(200);
    assert_eq!(tenant.get("access/settings").await.expect(200).json, body);
}

#[tokio::test]
async fn the_switch_lets_in_strangers_and_nobody_who_was_shut_out() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    enrolled(&app, &tenant, "D-2").await.check_out().await.expect("it leaves");
    let yes = |reason: &str| json!({"allow": true, "reason": reason});
    let no = |reason: &str| json!({"allow": false, "reason": reason});
    assert_eq!(
        tenant.get("access/settings").await.expect(200).json,
        json!({"allow_unenrolled_devices": false})
    );
    for (on, stranger) in
        [(false, no("not-enrolled")), (true, yes("not-enrolled-allowed")), (false, no("not-enrolled"))]
    {
        switch(&tenant, on).await;
        assert_eq!(ask(&tenant, "D-1").await, yes("enrolled"));
        assert_eq!(ask(&tenant, "D-1:jo").await, yes("enrolled"), "a user's device counts");
        assert_eq!(ask(&tenant, "D-2").await, no("removed"));
        assert_eq!(ask(&tenant, "D-3").await, stranger);
    }
    assert_eq!(
        ask(&app.ready_tenant("Blue School").await, "D-1").await,
        no("not-enrolled"),
        "it is another's"
    );
    let refused = tenant.get("access?udid=").await.expect(400);
    assert_eq!(refused.json["field"], "udid");
    assert_eq!(tenant.get("access").await.expect(400).problem(), "query");
}

#[tokio::test]
async fn an_answer_costs_one_read() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    let (proxy, address) = Proxy::start(&app).await;
    let api = pomarium_tests::Api::new(&address, Some(tenant.token()));
    let path = tenant.path("access?udid=D-1");
    api.get(&path).await.expect(200);
    proxy.take();
    api.get(&path).await.expect(200);
    assert_eq!(proxy.take(), ["GetItem"]);
    pass_seconds(&app, 30);
    api.get(&path).await.expect(200);
    assert_eq!(
        proxy.take(),
        ["GetItem", "GetItem", "GetItem"],
        "token and switch are remembered for half a minute"
    );
}
