//! Members, by the API and by the console's page.

use pomarium_tests::TestApp;
use reqwest::Method;
use serde_json::json;

use super::{administrator, viewer};
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";
const KIM: &str = "kim@green-school.example";

#[tokio::test]
async fn an_administrator_lets_others_in_and_out() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let page = format!("/console/{}/settings/members", tenant.id);

    jo.open(&page).await.expect(200).says("administrator");
    let set =
        jo.submit(&page, &[("address", "Kim@green-school.example"), ("role", "viewer")]).await.expect(200);
    set.says("Saved. Who is new was told by mail").says(KIM).says("viewer");
    let mails = app.runner.aws.mailbox().list().unwrap();
    let welcome = mails.last().unwrap();
    assert_eq!(welcome.mail.to, KIM);
    assert_eq!(welcome.mail.subject, "You may now sign in for Green School");

    let refused = jo.submit(&page, &[("address", "kim"), ("role", "viewer")]).await.expect(400);
    refused.says("\"kim\" is not an e-mail address.");
    let mut kim = viewer(&app, &tenant, KIM).await;
    assert_eq!(kim.open(&page).await.expect(200).text.matches("<form").count(), 1, "a viewer can sign out");
    let before = everything(&app).await;
    let refused = kim.submit(&page, &[("address", JO), ("role", "viewer")]).await.expect(403);
    refused.says("You may look at this, not change it.").says("Ask an administrator");
    unchanged(&app, &before).await;

    jo.submit(&format!("{page}/remove"), &[("address", KIM)]).await.expect(200);
    assert!(kim.open(&page).await.place.starts_with("/console/sign-in"), "it counts at the next page");
    let gone = jo.submit(&format!("{page}/remove"), &[("address", KIM)]).await;
    gone.expect(404).says("There is no such member");
}

#[tokio::test]
async fn nobody_changes_themselves_and_no_tenant_makes_operators() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let page = format!("/console/{}/settings/members", tenant.id);
    let before = everything(&app).await;
    let refused = jo.submit(&page, &[("address", JO), ("role", "viewer")]).await.expect(409);
    refused.says("Nobody changes or removes their own membership.").says("Ask another administrator");
    jo.submit(&format!("{page}/remove"), &[("address", JO)]).await.expect(409);
    let refused = tenant.let_in(KIM, "operator").await.expect(400);
    assert_eq!((refused.problem(), &refused.json["field"]), ("member-role", &json!("role")));
    unchanged(&app, &before).await;

    // By the API the same, and a second time nothing happens.
    tenant.let_in(KIM, "viewer").await.expect(200);
    let mails = app.runner.aws.mailbox().list().unwrap().len();
    tenant.let_in(KIM, "viewer").await.expect(200);
    assert_eq!(app.runner.aws.mailbox().list().unwrap().len(), mails);
    let listed = tenant.get("members").await.expect(200).json;
    assert_eq!(listed["members"].as_array().unwrap().len(), 2, "{listed}");
    let path = tenant.path(&format!("members/{KIM}"));
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(404);
}

#[tokio::test]
async fn operators_are_members_of_the_server() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let address = "ops@vendor.example";
    operator.call(Method::PUT, &format!("/v1/members/{address}"), Vec::new()).await.expect(200);
    let listed = operator.get("/v1/members").await.expect(200).json;
    let found = listed["members"].as_array().unwrap().iter().any(|member| member["address"] == address);
    assert!(found, "{listed}");
    operator.call(Method::DELETE, &format!("/v1/members/{address}"), Vec::new()).await.expect(204);
    operator.call(Method::DELETE, &format!("/v1/members/{address}"), Vec::new()).await.expect(404);
}
