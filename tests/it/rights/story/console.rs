//! The console: everything that its pages do.

use pomarium_local::runner::OPERATOR;
use pomarium_tests::{Api, Browser, Tenant, TestApp};
use reqwest::Method;

use super::console_settings;
use super::{Processes, console_enrollment};
use crate::devices::pass_seconds;

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

    let mut lu = Browser::at(&processes.address);
    let home = lu.sign_in(app, "lu@blue.example").await.expect(200).place;
    push_certificate(app, &mut lu, &format!("{home}/push-certificate")).await;

    let mut jo = Browser::at(&processes.address);
    jo.sign_in(app, JO).await.expect(200);
    jo.open(&format!("/console/{}", tenant.id)).await.expect(200);
    members(&mut jo, tenant).await;
    console_settings::pages(app, &mut jo, tenant).await;
    super::console_openid::pages(app, processes, &mut ops, tenant).await;
    super::console_devices::pages(app, processes, &mut jo, tenant).await;
    console_enrollment::pages(app, processes, &mut jo, tenant).await;
    console_settings::operators(app, &mut ops, tenant).await;
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

/// Blue School's first push certificate, from the request to the deletion of all.
async fn push_certificate(app: &TestApp, lu: &mut Browser, page: &str) {
    let subject = [
        ("common_name", "Blue School"),
        ("organization", "Blue School"),
        ("email", "it@blue.example"),
        ("country", "DE"),
    ];
    let at = |rest: &str| format!("{page}/{rest}");
    lu.open(page).await.expect(200);
    lu.submit(&at("request"), &subject).await.expect(200);
    lu.submit(&at("request/cancel"), &[]).await.expect(200);
    for _ in 0..2 {
        lu.submit(&at("request"), &subject).await.expect(200);
        let file = lu.open(&at("request/file")).await.expect(200).text;
        let issued = app.runner.portal.issue(&file).map_err(|_| ()).unwrap();
        let certificate = [("certificate", "MDM_.pem", issued.pem.as_bytes())];
        lu.upload(&at("staged"), &[], &certificate).await.expect(200);
        lu.submit(&at("staged/discard"), &[]).await.expect(200);
        let review = lu.upload(&at("staged"), &[], &certificate).await.expect(200);
        // Keys are remembered for some minutes.
        pass_seconds(app, 600);
        let fingerprint = review.between("name=\"fingerprint\" value=\"", "\"").unwrap();
        let password = "correct horse battery";
        let form = [
            ("fingerprint", fingerprint.as_str()),
            ("export_password", password),
            ("export_password_again", password),
            ("orphans", "0"),
        ];
        let active = lu.submit(&at("activate"), &form).await.expect(200);
        pass_seconds(app, 600);
        lu.submit(&at("export"), &[("password", password), ("format", "pfx")]).await.expect(200);
        lu.open(&format!("{page}?renew=1")).await.expect(200);
        if let Some(previous) = active
            .between("rollback\"", "details")
            .and_then(|_| active.between("name=\"fingerprint\" value=\"", "\""))
        {
            lu.submit(&at("rollback"), &[("fingerprint", &previous)]).await.expect(200);
        }
    }
    let owner = [("apple_account", "push@blue.example"), ("second_factor_holder", "Lu")];
    lu.submit(&at("ownership"), &owner).await.expect(200);
    lu.submit(&at("delete"), &[("confirm", "Blue School"), ("orphans", "0")]).await.expect(200);
}
