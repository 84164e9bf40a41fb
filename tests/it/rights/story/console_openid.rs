//! The console and the API: signing in by an organization's own provider.

use pomarium_tests::openid::{CLIENT, SECRET};
use pomarium_tests::{Browser, OpenidProvider, Tenant, TestApp};
use reqwest::Method;

use super::Processes;
use crate::devices::pass_seconds;

/// Who the provider knows.
const JO: &str = "jo@green-school.example";

pub(super) async fn pages(app: &TestApp, processes: &Processes, operator: &mut Browser, tenant: &Tenant) {
    tenant.let_in(JO, "admin").await.expect(200);
    let provider = OpenidProvider::start(app, tenant).await;
    let (path, setting) = (tenant.path("sign-in"), provider.setting().to_string());
    // The second one takes the first one's place.
    for _ in 0..2 {
        tenant.admin.call(Method::PUT, &path, setting.clone().into()).await.expect(200);
    }
    tenant.get("sign-in").await.expect(200);
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);

    let browser = || Browser::at(&processes.address).knows(app.runner.base_url());
    let page = format!("/console/{}/settings/sign-in", tenant.id);
    let form = [("issuer", provider.issuer.as_str()), ("client_id", CLIENT), ("client_secret", SECRET)];
    let mut jo = browser();
    jo.sign_in(app, JO).await.expect(200);
    for _ in 0..2 {
        jo.open(&page).await.expect(200);
        jo.submit(&page, &form).await.expect(200);
    }
    // Secrets are remembered for some minutes.
    pass_seconds(app, 600);
    let mut by_provider = browser();
    let home = provider.sign_in(&mut by_provider, tenant, "jo").await.expect(200).place;
    assert_eq!(home, format!("/console/{}", tenant.id));
    jo.open(&page).await.expect(200);
    jo.submit(&format!("{page}/remove"), &[]).await.expect(200);

    jo.submit(&page, &form).await.expect(200);
    let tenants = format!("/console/operator/tenants/{}", tenant.id);
    operator.open(&tenants).await.expect(200);
    operator.submit(&format!("{tenants}/sign-in/remove"), &[]).await.expect(200);
}
