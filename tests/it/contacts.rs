//! Contacts: asked to confirm their address, and told of what ends.

use pomarium_tests::{Api, TestApp};
use reqwest::Method;
use serde_json::json;

use crate::mails::{confirmations, ending_token, notices, notify};
use crate::stored::{everything, unchanged};

async fn press(browser: &Api, page: &str) -> (u16, String) {
    let answer = browser.call(Method::POST, page, Vec::new()).await;
    (answer.status, answer.text())
}

#[tokio::test]
async fn only_the_button_confirms_and_only_once_is_enough() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let asked = confirmations(&app, "it@green-school.example");
    let [page] = asked.as_slice() else { panic!("{asked:?}") };

    // Programs look at links before people do.
    let before = everything(&app).await;
    let shown = app.stranger().get(page).await.expect(200);
    assert!(shown.text().contains("<form method=\"post\">"), "{}", shown.text());
    assert!(shown.header("content-security-policy").unwrap().contains("form-action 'self'"));
    unchanged(&app, &before).await;

    let (status, text) = press(&app.stranger(), page).await;
    assert_eq!(status, 200);
    assert!(text.contains("it@green-school.example hears of certificates"), "{text}");
    let calendar = tenant.get("expirations").await.expect(200).json;
    assert_eq!(calendar["recipients"][0]["verified"], true);
    let again = tenant.post("contacts/confirmations", json!({})).await.expect(200);
    assert_eq!(again.json["asked"], 0);
    assert_eq!(press(&app.stranger(), page).await.0, 200);
}

#[tokio::test]
async fn a_link_that_is_wrong_over_or_anothers_confirms_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let other = app.tenant("Blue School").await;
    let page = confirmations(&app, "it@green-school.example").remove(0);
    let before = everything(&app).await;
    for wrong in [format!("{page}x"), page.replace(&tenant.id, &other.id), page.replace(&tenant.id, "nobody")]
    {
        let (status, text) = press(&app.stranger(), &wrong).await;
        assert_eq!(status, 404, "{wrong}");
        assert!(text.contains("This link does not work"), "{text}");
    }
    app.pass_days(30);
    assert_eq!(press(&app.stranger(), &page).await.0, 404);
    unchanged(&app, &before).await;

    let again = tenant.post("contacts/confirmations", json!({})).await.expect(200);
    assert_eq!(again.json["asked"], 1);
    let asked = confirmations(&app, "it@green-school.example");
    assert_eq!(press(&app.stranger(), &asked[1]).await.0, 200);
}

#[tokio::test]
async fn a_new_contact_is_asked_and_nobody_is_asked_twice_within_the_hour() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let contacts = json!({"contacts": ["it@green-school.example", "head@green-school.example"]});
    let path = format!("/v1/tenants/{}", tenant.id);
    let body = contacts.to_string().into_bytes();
    tenant.admin.call(Method::PATCH, &path, body).await.expect(200);
    assert_eq!(confirmations(&app, "head@green-school.example").len(), 1);
    assert_eq!(confirmations(&app, "it@green-school.example").len(), 1);
    assert_eq!(tenant.post("contacts/confirmations", json!({})).await.json["asked"], 0);
}

#[tokio::test]
async fn who_confirmed_is_told_and_in_the_last_week_everybody() {
    let app = TestApp::start().await;
    let created = json!({"name": "Green School", "contacts": ["a@school.example", "b@school.example"]});
    let answer = app.operator().post("/v1/tenants", created).await.expect(201);
    let id = answer.json["tenant"]["id"].as_str().unwrap().to_owned();
    let tenant = pomarium_tests::Tenant::new(id, app.api(answer.json["token"].as_str().unwrap()));
    ending_token(&tenant, "help desk", 20).await;
    let told = async || {
        let before = notices(&app).len();
        notify(&app).await;
        let told: Vec<_> = notices(&app).drain(before..).map(|(to, _)| to).collect();
        told
    };
    assert_eq!(told().await, ["a@school.example", "b@school.example"], "nobody has confirmed yet");

    press(&app.stranger(), &confirmations(&app, "b@school.example").remove(0)).await;
    app.pass_days(1);
    assert_eq!(told().await, ["b@school.example"]);
    app.pass_days(12);
    assert_eq!(told().await, ["a@school.example", "b@school.example"], "seven days are left");
    app.pass_days(8);
    assert_eq!(told().await.len(), 2, "it has ended");
    app.pass_days(14);
    assert_eq!(told().await.len(), 0, "two weeks later");
}
