//! Support access: allowed by the tenant, seen by everybody, ended by anybody of the tenant.

use pomarium_local::runner::OPERATOR;
use pomarium_tests::{Browser, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::time::SignedDuration;

use super::{administrator, forms, viewer};
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";
const KIM: &str = "kim@green-school.example";

/// The forms that are for the tenant's own people, whatever support was allowed.
const OWN: [&str; 27] = [
    "/commands/{command}/approve",
    "/commands/{command}/refuse",
    "/devices/{device}/commands/{command}/pin",
    "/expirations/calendar",
    "/push-certificate/delete",
    "/push-certificate/export",
    "/push-certificate/request/cancel",
    "/push-certificate/staged",
    "/settings/members",
    "/settings/members/remove",
    "/settings/retention",
    "/settings/sign-in",
    "/settings/sign-in/remove",
    "/settings/signing-certificate",
    "/settings/signing-certificate/remove",
    "/settings/support-access",
    "/settings/support-access/end",
    "/settings/tokens",
    "/settings/tokens/delete",
    "/settings/webhooks",
    "/settings/webhooks/{webhook}",
    "/settings/webhooks/{webhook}/delete",
    "/settings/webhooks/{webhook}/redeliver",
    "/settings/webhooks/{webhook}/replay",
    "/settings/webhooks/{webhook}/secret",
    "/settings/webhooks/{webhook}/switch",
    "/settings/webhooks/{webhook}/test",
];

async fn operator(app: &TestApp) -> Browser {
    let mut browser = Browser::new(app);
    browser.sign_in(app, OPERATOR).await.expect(200);
    browser
}

fn settings(tenant: &Tenant) -> String {
    format!("/console/{}/settings/support-access", tenant.id)
}

/// How often both audit logs say this.
async fn said(app: &TestApp, tenant: &Tenant, action: &str) -> (usize, usize) {
    let query = format!("audit?month=2026-11&action={action}");
    let own = tenant.get(&query).await.expect(200).json;
    let operators = app.operator().get(&format!("/v1/{query}")).await.expect(200).json;
    let count = |json: &serde_json::Value| json["entries"].as_array().unwrap().len();
    (count(&own), count(&operators))
}

#[tokio::test]
async fn support_asks_is_let_in_is_seen_and_is_sent_out() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let mut ola = operator(&app).await;
    let (home, page) = (format!("/console/{}", tenant.id), settings(&tenant));
    let place = format!("/console/operator/tenants/{}", tenant.id);

    // Off by default.
    jo.open(&page).await.expect(200).says("Nobody may look in");
    ola.open(&home).await.expect(404).is_silent_about("Green School");
    ola.open(&place).await.expect(200).says("Not allowed.").says("Ask for access");

    // Asking needs a reason, reaches the administrators, and is done once an hour.
    let ask = format!("{place}/ask");
    ola.submit(&ask, &[("reason", " ")]).await.expect(400).says("Write 1 to 500 characters.");
    let mails = app.runner.aws.mailbox().list().unwrap().len();
    let reason = [("reason", "Pushes fail & we want to see why")];
    ola.submit(&ask, &reason).await.expect(200).says("The mail is on its way").says(OPERATOR);
    let mailbox = app.runner.aws.mailbox().list().unwrap();
    let mail = &mailbox[mails].mail;
    assert_eq!((mailbox.len(), mail.to.as_str()), (mails + 1, JO));
    assert_eq!(mail.subject, "Support asks to look into Green School");
    assert!(mail.text.contains(reason[0].1) && mail.text.contains(&page), "{}", mail.text);
    ola.submit(&ask, &reason).await.expect(429).says("They were asked within the hour.");
    assert_eq!(said(&app, &tenant, "support-asked").await, (1, 1));
    jo.open(&page).await.expect(200).says("operator@pomarium.example asked for access").says(reason[0].1);

    // Allowed: everybody sees it, and both logs say once that support came.
    let refused = [("hours", "169"), ("level", "viewer"), ("note", "Printer")];
    jo.submit(&page, &refused).await.expect(400).says("1 to 168 hours").says("Printer");
    let viewing = [("hours", "2"), ("level", "viewer"), ("note", "Have a look")];
    let allowed = jo.submit(&page, &viewing).await.expect(200);
    allowed.says("Support may look in now.").says("jo@green-school.example allowed it").says("End it now");
    let until = "until <time datetime=\"2026-11-21T11:00:00Z\"";
    ola.open(&place).await.expect(200).says(until).says("as viewer").says("Have a look");
    let inside = ola.open(&home).await.expect(200);
    inside.says("You are in <strong>Green School</strong> as support (viewer), ").says(until).says("leave");
    ola.open(&format!("{home}/devices")).await.expect(200).says("as support");
    jo.open(&home).await.expect(200).says("Support may look in until").says("End it");
    assert_eq!(said(&app, &tenant, "support-entered").await, (1, 1));
    assert_eq!(said(&app, &tenant, "member-entered").await, (1, 0));

    // A viewer's access changes nothing.
    let group = [("name", "Room 9")];
    let groups = format!("{home}/settings/groups");
    let refused = ola.submit(&groups, &group).await.expect(403);
    refused.says("Support was allowed to look at this, not to change it.");

    // As administrator it does, under its own name; the change of level counts at the next page.
    app.clock.set(app.clock.now() + SignedDuration::from_secs(1));
    jo.submit(&page, &[("hours", "1"), ("level", "admin")]).await.expect(200);
    ola.submit(&groups, &group).await.expect(200).says("Room 9");
    let log = tenant.get("audit?month=2026-11&action=group-created").await.expect(200).json;
    assert_eq!(log["entries"][0]["actor"], format!("support:{OPERATOR}"), "{log}");
    assert_eq!(said(&app, &tenant, "support-entered").await, (2, 2), "it is another permission");

    // Over by itself.
    app.clock.set(app.clock.now() + SignedDuration::from_secs(3_599));
    ola.open(&home).await.expect(200);
    app.clock.set(app.clock.now() + SignedDuration::from_secs(1));
    ola.open(&home).await.expect(404).is_silent_about("Green School");
    let before = everything(&app).await;
    ola.submit(&groups, &[("name", "Room 10")]).await.expect(404);
    unchanged(&app, &before).await;
    jo.open(&home).await.expect(200).is_silent_about("Support may look in");

    // And ended by hand.
    ola.submit(&ask, &reason).await.expect(200);
    jo.submit(&page, &viewing).await.expect(200);
    ola.open(&home).await.expect(200);
    jo.submit(&format!("{page}/end"), &[]).await.expect(200).says("It is ended.").says("Nobody may look in");
    ola.open(&home).await.expect(404);
    jo.submit(&format!("{page}/end"), &[]).await.expect(200);
    assert_eq!(said(&app, &tenant, "support-ended").await, (1, 0), "there was one to end");
    assert_eq!(said(&app, &tenant, "support-allowed").await, (3, 0));
}

#[tokio::test]
async fn support_sends_no_form_that_is_the_tenants_own() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut ola = operator(&app).await;
    let home = format!("/console/{}", tenant.id);
    let allow = async |level: &str| {
        let body = json!({"hours": 24, "level": level}).to_string();
        let path = tenant.path("settings/support-access");
        tenant.admin.call(Method::PUT, &path, body.into()).await.expect(200);
    };
    allow("viewer").await;
    ola.open(&home).await.expect(200);
    let before = everything(&app).await;
    let refused = forms::refused(&mut ola, &tenant, "Support").await;
    assert_eq!(refused, forms::all(), "who may only look sends nothing");
    unchanged(&app, &before).await;

    allow("admin").await;
    ola.open(&home).await.expect(200);
    let refused = forms::refused(&mut ola, &tenant, "Support does not do this").await;
    let own = OWN.into_iter().map(str::to_owned).collect();
    assert_eq!(refused, own, "say in OWN that a form is closed to support, or open it with SharedAct");

    // What is closed is not offered, either.
    for page in ["settings/members", "settings/tokens", "settings/retention", "settings/webhooks"] {
        let shown = ola.open(&format!("{home}/{page}")).await.expect(200);
        assert_eq!(shown.text.matches("<form").count(), 1, "{page}: support can sign out");
    }
    let page = ola.open(&settings(&tenant)).await.expect(200);
    page.is_silent_about("End it now")
        .is_silent_about("/end")
        .says("An administrator of Green School decides");
    let push = ola.open(&format!("{home}/push-certificate?renew=1")).await.expect(200);
    push.is_silent_about("keep the private key myself").says("Make the request");
    let own_key =
        [("common_name", "Green School"), ("custody", "download"), ("key_password", "correct horse battery")];
    let refused = ola.submit(&format!("{home}/push-certificate/request"), &own_key).await.expect(403);
    refused.says("Support does not do this");
}

#[tokio::test]
async fn nobody_consents_for_the_tenant_and_members_stay_members() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (path, body) = (tenant.path("settings/support-access"), json!({"hours": 1, "level": "admin"}));
    let before = everything(&app).await;
    let operator_token = app.operator();
    for call in [(Method::PUT, body.to_string()), (Method::DELETE, String::new())] {
        let refused = operator_token.call(call.0, &path, call.1.into()).await.expect(403);
        assert_eq!(refused.problem(), "support-consent");
    }
    for (body, code, field) in [
        (json!({"hours": 0, "level": "viewer"}), "support-hours", "hours"),
        (json!({"hours": 1, "level": "operator"}), "support-level", "level"),
        (json!({"hours": 1, "level": "viewer", "note": "x".repeat(501)}), "support-words", "note"),
    ] {
        let refused = tenant.admin.call(Method::PUT, &path, body.to_string().into()).await.expect(400);
        assert_eq!((refused.problem(), &refused.json["field"]), (code, &json!(field)));
    }
    unchanged(&app, &before).await;
    let mut ola = operator(&app).await;
    let ask = format!("/console/operator/tenants/{}/ask", tenant.id);
    ola.open("/console/operator").await.expect(200);
    let refused = ola.submit(&ask, &[("reason", "Help")]).await.expect(409);
    refused.says("The tenant has no administrator who could allow it.");

    let allowed = tenant.admin.call(Method::PUT, &path, body.to_string().into()).await.expect(200).json;
    assert_eq!(allowed["allowed"]["level"], "admin");
    assert_eq!(tenant.get("settings/support-access").await.expect(200).json, allowed);
    // Nobody else comes in by it, and a viewer does not end it.
    let blue = app.ready_tenant("Blue School").await;
    let mut lu = administrator(&app, &blue, "lu@blue.example").await;
    lu.open(&format!("/console/{}", tenant.id)).await.expect(404);
    ola.open(&format!("/console/{}", blue.id)).await.expect(404);
    let mut kim = viewer(&app, &tenant, KIM).await;
    let seen = kim.open(&settings(&tenant)).await.expect(200);
    seen.says("Support may look in").is_silent_about("End it now");
    kim.submit(&format!("{}/end", settings(&tenant)), &[]).await.expect(403);

    // An operator who is a member comes as the member.
    tenant.let_in(OPERATOR, "viewer").await.expect(200);
    let home = ola.open(&format!("/console/{}", tenant.id)).await.expect(200);
    home.is_silent_about("as support").says("Support may look in until");
    assert_eq!(said(&app, &tenant, "support-entered").await, (0, 0));
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(204);
    assert_eq!(tenant.get("settings/support-access").await.expect(200).json["allowed"], json!(null));
}
