//! The console: everything that its pages do.

use pomarium_local::runner::OPERATOR;
use pomarium_tests::{Api, Browser, Tenant, TestApp};
use reqwest::Method;

use super::Processes;

const JO: &str = "jo@green.example";

pub(super) async fn pages(app: &TestApp, processes: &Processes, operator: &Api, tenant: &Tenant) {
    tenant.let_in(JO, "admin").await.expect(200);
    let kim = tenant.path("members/kim@green.example");
    tenant.let_in("kim@green.example", "viewer").await.expect(200);
    tenant.admin.call(Method::DELETE, &kim, Vec::new()).await.expect(204);
    tenant.get("members").await.expect(200);
    let ops = "/v1/members/ops@vendor.example";
    operator.call(Method::PUT, ops, Vec::new()).await.expect(200);
    operator.get("/v1/members").await.expect(200);
    operator.call(Method::DELETE, ops, Vec::new()).await.expect(204);

    let mut ops = Browser::at(&processes.address);
    ops.sign_in(app, OPERATOR).await.expect(200);
    let new = [("name", "Blue School"), ("administrator", "lu@blue.example")];
    ops.submit("/console/operator", &new).await.expect(200);
    ops.open("/console/operator").await.expect(200);
    ops.open("/console/operator/operators").await.expect(200);

    let mut jo = Browser::at(&processes.address);
    jo.sign_in(app, JO).await.expect(200);
    jo.open(&format!("/console/{}", tenant.id)).await.expect(200);
    members(&mut jo, tenant).await;
    jo.submit("/console/sign-out", &[]).await.expect(200);
    jo.sign_in(app, JO).await.expect(200);
    jo.submit("/console/sign-out-everywhere", &[]).await.expect(200);
}

async fn members(jo: &mut Browser, tenant: &Tenant) {
    let page = format!("/console/{}/settings/members", tenant.id);
    jo.open(&page).await.expect(200);
    let lu = ("address", "lu@green.example");
    jo.submit(&page, &[lu, ("role", "viewer")]).await.expect(200);
    jo.submit(&format!("{page}/remove"), &[lu]).await.expect(200);
}
