//! Signing in by an organization's own provider, a certified one: from its setting to the home page, and what is refused.

use pomarium_tests::openid::{CLIENT, SECRET};
use pomarium_tests::{Answer, Browser, OpenidProvider, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::openid::ATTEMPT_LIFE;

use super::administrator;
use crate::devices::pass_seconds;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";
/// How people are told of a provider on this machine.
const HOST: &str = "127.0.0.1";

async fn set(tenant: &Tenant, setting: &Value) -> Answer {
    tenant.admin.call(Method::PUT, &tenant.path("sign-in"), setting.to_string().into()).await
}

fn door(tenant: &Tenant) -> String {
    format!("/console/{}/sign-in", tenant.id)
}

fn settings(tenant: &Tenant) -> String {
    format!("/console/{}/settings/sign-in", tenant.id)
}

/// A school whose members sign in by its provider, or with codes.
async fn school(app: &TestApp) -> (Tenant, OpenidProvider) {
    let tenant = app.tenant("Green School").await;
    tenant.let_in(JO, "admin").await.expect(200);
    let provider = OpenidProvider::start(app, &tenant).await;
    set(&tenant, &provider.setting()).await.expect(200);
    (tenant, provider)
}

#[tokio::test]
async fn from_the_setting_to_the_home_page() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let provider = OpenidProvider::start(&app, &tenant).await;
    let page = jo.open(&settings(&tenant)).await.expect(200);
    page.says("everybody signs in with a code that comes by mail").says(&format!("{}/openid", door(&tenant)));

    let form = |issuer: &'static str| {
        [("issuer", issuer), ("client_id", CLIENT), ("client_secret", SECRET), ("required", "on")]
    };
    let issuer: &'static str = provider.issuer.clone().leak();
    // Nobody locks everybody out with a setting that was never tried.
    let refused = jo.submit(&settings(&tenant), &form(issuer)).await.expect(409);
    refused.says("You did not sign in by this provider yourself").says(&format!("value=\"{issuer}\""));
    refused.is_silent_about("battery");
    let saved = jo.submit(&settings(&tenant), &form(issuer)[..3]).await.expect(200);
    saved.says("Saved: the provider answers as it should.").says("a mailed code").is_silent_about("battery");
    let shown = tenant.get("sign-in").await.expect(200);
    assert_eq!(shown.json["provider"]["has_secret"], true);
    assert!(!shown.text().contains("battery"));

    // Who wants a page is shown the organization's way, and comes to that page.
    let wanted = format!("/console/{}/settings/members", tenant.id);
    let mut browser = Browser::new(&app);
    let ways = browser.open(&wanted).await.expect(200);
    assert!(ways.place.starts_with(&door(&tenant)), "{}", ways.place);
    ways.says(&format!("Sign in with {HOST}")).says("Have a code mailed instead").is_silent_about("Green");
    let people = browser.submit(&door(&tenant), &[("next", &wanted)]).await.expect(200);
    people.says("Who are you?");
    let page = browser.submit(&people.place, &[("name", "jo")]).await.expect(200);
    assert_eq!(page.place, wanted);
    page.says("Green School").says(JO);

    let log = tenant.get("audit").await.expect(200).json;
    let entries = log["entries"].as_array().unwrap();
    let ways: Vec<_> = entries
        .iter()
        .filter(|entry| entry["action"] == "member-entered")
        .map(|entry| entry["facts"]["signed_in_by"].as_str().unwrap())
        .collect();
    assert!(ways.contains(&issuer) && ways.contains(&"mailed code"), "{log}");
    let set = entries.iter().find(|entry| entry["action"] == "openid-provider-changed").unwrap();
    assert_eq!((&set["facts"]["issuer"], &set["facts"]["required"]), (&json!(issuer), &json!("false")));
}

#[tokio::test]
async fn a_setting_that_would_not_work_is_not_saved() {
    let app = TestApp::start().await;
    let (tenant, provider) = school(&app).await;
    let with = |name: &str, value: Value| {
        let mut setting = provider.setting();
        setting[name] = value;
        setting
    };
    let before = everything(&app).await;
    let slashed = format!("{}/", provider.issuer);
    for (setting, code, field) in [
        (with("issuer", json!(slashed)), "openid-issuer", "issuer"),
        (with("issuer", json!("http://127.0.0.1:1")), "openid-issuer", "issuer"),
        (with("issuer", json!(format!("{}/nothing", provider.issuer))), "openid-issuer", "issuer"),
        (with("issuer", json!("http://login.example.com")), "outbound-url", "issuer"),
        (with("issuer", json!("https://10.0.0.1")), "outbound-url", "issuer"),
        (with("client_id", json!("")), "openid-client", "client_id"),
        (with("client_id", json!("somebody")), "openid-client", "client_secret"),
        (with("client_secret", json!("wrong")), "openid-client", "client_secret"),
        (with("client_secret", json!("")), "openid-client", "client_secret"),
        (with("public_client", json!(true)), "openid-client", "client_secret"),
        (
            json!({"issuer": provider.issuer, "client_id": CLIENT, "public_client": true}),
            "openid-client",
            "client_secret",
        ),
        (json!({"issuer": provider.issuer, "client_id": "other"}), "openid-client", "client_secret"),
    ] {
        let refused = set(&tenant, &setting).await.expect(400);
        assert_eq!((refused.problem(), refused.json["field"].as_str().unwrap()), (code, field), "{setting}");
    }
    unchanged(&app, &before).await;
    // The secret that is kept serves for the same client.
    let kept = json!({"issuer": provider.issuer, "client_id": CLIENT});
    set(&tenant, &kept).await.expect(200);
    let mut jo = Browser::new(&app);
    provider.sign_in(&mut jo, &tenant, "jo").await.expect(200).says("Green School");
}

#[tokio::test]
async fn who_is_no_member_stays_outside() {
    let app = TestApp::start().await;
    let (tenant, provider) = school(&app).await;
    let mut eve = Browser::new(&app);
    let refused = provider.sign_in(&mut eve, &tenant, "eve").await.expect(403);
    refused.says("knows you as eve@elsewhere.example").says("Ask an administrator of your organization");
    assert_eq!(eve.cookie("session"), None);
    // Nor is who gives up at the provider; what it says about that, anybody can have written.
    let mut jo = Browser::new(&app);
    let refused = provider.sign_in(&mut jo, &tenant, "nobody").await.expect(403);
    refused.says("did not let you in, or you cancelled").is_silent_about("0900");
    provider.change("unverified").await;
    provider.sign_in(&mut jo, &tenant, "jo").await.expect(403).says("is not verified");
    assert_eq!(jo.cookie("session"), None);
}

#[tokio::test]
async fn the_way_back_is_open_once_for_ten_minutes_in_one_browser() {
    let app = TestApp::start().await;
    let (tenant, provider) = school(&app).await;
    let back = format!("{}/openid", door(&tenant));
    let over = "This sign-in is over";
    let mut jo = Browser::new(&app);
    jo.place_cookie("session", "planted");
    let form = provider.visit(&mut jo, &tenant, "").await;

    // Somebody else's browser cannot end it, nor end one of its own with what it was sent.
    let address = jo.submit_and_stop(&form.place, &[("name", "jo")], &back).await;
    let mut eve = Browser::new(&app);
    eve.open(&address).await.expect(401).says(over);
    provider.visit(&mut eve, &tenant, "").await;
    eve.open(&address).await.expect(401).says(over);
    let named = address.replace("state=", "state=x");
    jo.open(&named).await.expect(401).says(over).says("Back to the sign-in page");

    let home = jo.open(&address).await.expect(200);
    assert_eq!(home.place, format!("/console/{}", tenant.id));
    assert_ne!(jo.cookie("session").unwrap(), "planted");
    jo.open(&address).await.expect(401).says(over);

    // Another organization's address does not take the answer, and another issuer's is none.
    let blue = app.tenant("Blue School").await;
    let mut lu = Browser::new(&app);
    let form = provider.visit(&mut lu, &tenant, "").await;
    let address = lu.submit_and_stop(&form.place, &[("name", "jo")], &back).await;
    lu.open(&address.replace(&tenant.id, &blue.id)).await.expect(401).says(over);
    let (rest, _) = address.split_once("&iss=").expect("it names itself");
    let foreign = format!("{rest}&iss=https%3A%2F%2Felsewhere.example");
    lu.open(&foreign).await.expect(401).says("comes from another issuer");
    lu.open(&address).await.expect(401).says(over);

    let mut lu = Browser::new(&app);
    let form = provider.visit(&mut lu, &tenant, "").await;
    let address = lu.submit_and_stop(&form.place, &[("name", "jo")], &back).await;
    pass_seconds(&app, ATTEMPT_LIFE);
    lu.open(&address).await.expect(401).says(over);

    // What was changed meanwhile counts anew.
    let mut jo = Browser::new(&app);
    let form = provider.visit(&mut jo, &tenant, "").await;
    set(&tenant, &provider.setting()).await.expect(200);
    jo.submit(&form.place, &[("name", "jo")]).await.expect(401).says(over);
}

#[tokio::test]
async fn the_provider_changes_its_keys_and_is_short_of_words() {
    let app = TestApp::start().await;
    let (tenant, provider) = school(&app).await;
    let mut jo = Browser::new(&app);
    provider.sign_in(&mut jo, &tenant, "jo").await.expect(200).says("Green School");

    // A key that nobody knows is looked for, once a minute.
    provider.change("rotate").await;
    let mut jo = Browser::new(&app);
    let refused = provider.sign_in(&mut jo, &tenant, "jo").await.expect(401);
    refused.says("signed with a key that the provider does not publish");
    pass_seconds(&app, 60);
    let mut jo = Browser::new(&app);
    provider.sign_in(&mut jo, &tenant, "jo").await.expect(200).says("Green School");

    // The address is fetched where the token does not tell it.
    provider.change("bare").await;
    let mut jo = Browser::new(&app);
    provider.sign_in(&mut jo, &tenant, "jo").await.expect(200).says("Green School");
    provider.change("unverified").await;
    let mut jo = Browser::new(&app);
    provider.sign_in(&mut jo, &tenant, "jo").await.expect(403).says("is not verified");

    // It is gone.
    drop(provider);
    let mut jo = Browser::new(&app);
    pass_seconds(&app, 3_600);
    let refused = jo.submit(&door(&tenant), &[]).await.expect(503);
    refused.says("does not answer as it should").says("Back to the sign-in page");
}

#[tokio::test]
async fn an_organization_can_insist_on_its_provider() {
    let app = TestApp::start().await;
    let (tenant, provider) = school(&app).await;
    let mut mailed = Browser::new(&app);
    mailed.sign_in(&app, JO).await.expect(200).says("Green School");
    let mut jo = Browser::new(&app);
    provider.sign_in(&mut jo, &tenant, "jo").await.expect(200);
    jo.open(&settings(&tenant)).await.expect(200).says(&provider.issuer);
    let form = [("issuer", provider.issuer.as_str()), ("client_id", CLIENT), ("required", "on")];
    jo.submit(&settings(&tenant), &form).await.expect(200).says("Do not open this organization");

    // Who has a code comes to the door, and no further.
    let home = format!("/console/{}", tenant.id);
    let shown = mailed.open(&home).await.expect(200);
    assert!(shown.place.starts_with(&door(&tenant)), "{}", shown.place);
    shown
        .says("Your organization signs in with")
        .says(&format!("Sign in with {HOST}"))
        .is_silent_about("Have a code mailed");
    let before = everything(&app).await;
    let members = format!("{home}/settings/members");
    let refused = mailed.submit(&members, &[("address", "eve@elsewhere.example"), ("role", "admin")]).await;
    assert_eq!(refused.place, door(&tenant));
    unchanged(&app, &before).await;
    assert!(mailed.sign_in(&app, JO).await.place.starts_with(&door(&tenant)));

    // Another client, or issuer, is not insisted on before it was tried; another secret is.
    let other =
        [("issuer", provider.issuer.as_str()), ("client_id", "other"), ("client_secret", "x"), form[2]];
    jo.submit(&settings(&tenant), &other).await.expect(409).says("You did not sign in by this provider");
    let fresh = [form[0], form[1], form[2], ("client_secret", SECRET)];
    jo.submit(&settings(&tenant), &fresh).await.expect(200).says("Saved");
    // A program with a token may: it does not sign in.
    let mut setting = provider.setting();
    setting["required"] = true.into();
    set(&tenant, &setting).await.expect(200);

    // The operator lets a tenant out that locked itself in, and what the provider vouched for is over.
    app.operator().call(Method::DELETE, &tenant.path("sign-in"), Vec::new()).await.expect(204);
    app.operator().call(Method::DELETE, &tenant.path("sign-in"), Vec::new()).await.expect(404);
    assert!(jo.open(&home).await.place.starts_with("/console/sign-in?next="));
    assert_eq!(mailed.open(&home).await.expect(200).place, home);
    jo.open(&door(&tenant)).await.expect(200).says("Send me a code");
    jo.submit(&door(&tenant), &[]).await.expect(404);
}

#[tokio::test]
async fn a_provider_vouches_for_its_own_organization_only() {
    let app = TestApp::start().await;
    let (tenant, provider) = school(&app).await;
    let blue = app.tenant("Blue School").await;
    blue.let_in(JO, "admin").await.expect(200);
    let mut operator = Browser::new(&app);
    operator.sign_in(&app, pomarium_local::runner::OPERATOR).await.expect(200);
    operator.submit("/console/operator/operators", &[("address", JO)]).await.expect(200);

    let mut jo = Browser::new(&app);
    provider.sign_in(&mut jo, &tenant, "jo").await.expect(200);
    jo.open("/console").await.expect(200).says("Green School").is_silent_about("Blue");
    jo.open(&format!("/console/{}", blue.id)).await.expect(404).is_silent_about("Blue");
    jo.open("/console/operator").await.expect(404);

    // A tenant with no provider and one that does not exist look alike, to anybody.
    let page = jo.open(&door(&blue)).await.expect(200).text;
    let nobody = jo.open("/console/aaaaaaaaaaaaaaaa/sign-in").await.expect(200).text;
    assert_eq!(page.replace(&blue.id, "aaaaaaaaaaaaaaaa"), nobody);

    // The operator's page tells, and lets mailed codes in again.
    let page = format!("/console/operator/tenants/{}", tenant.id);
    operator.open(&page).await.expect(200).says(&provider.issuer);
    let dropped = operator.submit(&format!("{page}/sign-in/remove"), &[]).await.expect(200);
    dropped.says("Mailed codes").is_silent_about("cannot sign in any more");
    operator.submit(&format!("{page}/sign-in/remove"), &[]).await.expect(404);
}
