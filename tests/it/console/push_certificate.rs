//! The push certificate, by somebody who does this once a year.

use pomarium_local::portal::Portal;
use pomarium_tests::{Browser, Page, Tenant, TestApp};
use serde_json::json;

use super::{administrator, viewer};
use crate::devices::enrolled;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";
const SUBJECT: [(&str, &str); 4] = [
    ("common_name", "Green School"),
    ("organization", "Green School"),
    ("email", "it@green-school.example"),
    ("country", "DE"),
];

fn place(tenant: &Tenant, rest: &str) -> String {
    format!("/console/{}/push-certificate{rest}", tenant.id)
}

/// Takes the pending request to Apple's portal, as a first certificate.
async fn at_the_portal(jo: &mut Browser, portal: &Portal, tenant: &Tenant) -> String {
    let file = jo.open(&place(tenant, "/request/file")).await.expect(200).text;
    portal.issue(&file).map_err(|_| ()).unwrap().pem
}

async fn upload(jo: &mut Browser, tenant: &Tenant, pem: &str) -> Page {
    jo.upload(&place(tenant, "/staged"), &[("password", "")], &[("certificate", "MDM_.pem", pem.as_bytes())])
        .await
}

fn fingerprint(page: &Page) -> String {
    page.between("name=\"fingerprint\" value=\"", "\"").unwrap()
}

async fn activate(jo: &mut Browser, tenant: &Tenant, reviewed: &Page, more: &[(&str, &str)]) -> Page {
    let fingerprint = fingerprint(reviewed);
    let mut fields = vec![("fingerprint", fingerprint.as_str()), ("expiry_mails", "yes")];
    fields.extend_from_slice(more);
    jo.submit(&place(tenant, "/activate"), &fields).await
}

#[tokio::test]
async fn the_first_certificate_and_its_renewal() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;

    let first = jo.open(&place(&tenant, "")).await.expect(200);
    first.says("aria-current=\"step\">Request").says("value=\"Green School\"");
    let mut wrong = SUBJECT;
    wrong[3].1 = "Germany";
    let refused = jo.submit(&place(&tenant, "/request"), &wrong).await.expect(400);
    refused.says("value=\"it@green-school.example\"").says("value=\"Germany\"").says("role=\"alert\"");
    let made = jo.submit(&place(&tenant, "/request"), &SUBJECT).await.expect(200);
    made.says("The request is made.")
        .says("aria-current=\"step\">Apple's portal")
        .says("Create a Certificate");

    let refused = upload(&mut jo, &tenant, "no certificate").await.expect(400);
    refused.says("role=\"alert\"").says("3. Upload");
    let pem = at_the_portal(&mut jo, &app.runner.portal, &tenant).await;
    let review = upload(&mut jo, &tenant, &pem).await.expect(200);
    review
        .says("Nothing has changed yet")
        .says("first push certificate")
        .says("aria-current=\"step\">Review");
    let passwords =
        [("export_password", "correct horse battery"), ("export_password_again", "correct horse")];
    activate(&mut jo, &tenant, &review, &passwords).await.expect(400).says("The two passwords differ.");
    let passwords =
        [("export_password", "correct horse battery"), ("export_password_again", "correct horse battery")];
    let active = activate(&mut jo, &tenant, &review, &passwords).await.expect(200);
    active.says("The push certificate is active, and Apple accepts it.").says("It ends in 365 days");
    assert_eq!(tenant.get("expirations").await.json["expiry_mails"], true);

    let export = [("password", "correct horse battery"), ("format", "pem")];
    let file = jo.submit(&place(&tenant, "/export"), &export).await.expect(200);
    assert!(file.text.contains("BEGIN CERTIFICATE") && file.text.contains("PRIVATE KEY"));
    jo.open(&place(&tenant, "")).await.expect(200);
    let wrong = [("password", "a wrong password"), ("format", "pem")];
    jo.submit(&place(&tenant, "/export"), &wrong).await.expect(400).says("role=\"alert\"");

    // A year later.
    tenant.create_authority().await;
    enrolled(&app, &tenant, "D-1").await;
    app.pass_days(340);
    jo.sign_in(&app, JO).await.expect(200).says("ends in 25 days");
    jo.open(&place(&tenant, "?renew=1")).await.expect(200).says("1. Request");
    let made = jo.submit(&place(&tenant, "/request"), &SUBJECT).await.expect(200);
    made.says("Renew").says("not Create, in the row of");
    let file = jo.open(&place(&tenant, "/request/file")).await.expect(200).text;
    let uid = tenant.get("push-certificate").await.json["active"]["topic"].as_str().unwrap().to_owned();
    let renewed = app.runner.portal.renew(&uid, &file).map_err(|_| ()).unwrap();
    let review = upload(&mut jo, &tenant, &renewed.pem).await.expect(200);
    review.says("Renewal").says("Every enrolled device goes on answering.").says("Active now");
    activate(&mut jo, &tenant, &review, &[]).await.expect(200).says("Your devices noticed nothing");
}

#[tokio::test]
async fn a_replacement_is_guarded_and_undone() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    enrolled(&app, &tenant, "D-1").await;
    jo.open(&place(&tenant, "?renew=1")).await.expect(200);
    jo.submit(&place(&tenant, "/request"), &SUBJECT).await.expect(200);
    let pem = at_the_portal(&mut jo, &app.runner.portal, &tenant).await;
    let review = upload(&mut jo, &tenant, &pem).await.expect(200);
    review.says("Replacement").says("1 device will stop answering and must enroll again.");

    let before = everything(&app).await;
    activate(&mut jo, &tenant, &review, &[]).await.expect(409).says("role=\"alert\"");
    activate(&mut jo, &tenant, &review, &[("orphans", "2")]).await.expect(409);
    activate(&mut jo, &tenant, &review, &[("orphans", "one")])
        .await
        .expect(400)
        .says("\"one\" is not a number.");
    unchanged(&app, &before).await;
    let replaced = activate(&mut jo, &tenant, &review, &[("orphans", "1")]).await.expect(200);
    replaced.says("Devices enrolled before must enroll again.");
    let previous = fingerprint(&replaced);
    let back = jo.submit(&place(&tenant, "/rollback"), &[("fingerprint", &previous)]).await.expect(200);
    back.says("The former certificate is active again.");

    // An upload that nobody wants is thrown away.
    jo.open(&place(&tenant, "?upload=1")).await.expect(200).says("3. Upload");
    upload(&mut jo, &tenant, &pem).await;
    jo.submit(&place(&tenant, "/staged/discard"), &[]).await.expect(200).says("The upload is gone.");
}

#[tokio::test]
async fn who_keeps_the_key_gets_it_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let mut form = SUBJECT.to_vec();
    form.extend([("custody", "download"), ("key_password", "correct horse battery")]);
    let key = jo.submit(&place(&tenant, "/request"), &form).await.expect(200);
    key.says("Save the private key now").says("BEGIN ENCRYPTED PRIVATE KEY");
    let page = jo.open(&place(&tenant, "")).await.expect(200);
    page.says("The private key is with you").is_silent_about("PRIVATE KEY-----");
    jo.submit(&place(&tenant, "/request/cancel"), &[]).await.expect(200).says("The request is given up.");
    let refused = jo.submit(&place(&tenant, "/request/cancel"), &[]).await;
    refused.expect(404).says("There is no such pending request");
}

#[tokio::test]
async fn who_can_renew_is_recorded_and_all_is_deleted_by_name() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let owner = [("apple_account", "push@green.example"), ("second_factor_holder", "Jo"), ("note", "")];
    let saved = jo.submit(&place(&tenant, "/ownership"), &owner).await.expect(200);
    saved.says("push@green.example").says(&format!("by member:{JO}"));
    jo.submit(&place(&tenant, "/ownership"), &[("apple_account", "push")])
        .await
        .expect(400)
        .says("role=\"alert\"");

    let before = everything(&app).await;
    jo.submit(&place(&tenant, "/delete"), &[("confirm", "Blue School")]).await.expect(409);
    let mut kim = viewer(&app, &tenant, "kim@green-school.example").await;
    drop(before);
    let before = everything(&app).await;
    let seen = kim.open(&place(&tenant, "")).await.expect(200);
    seen.says("push@green.example").is_silent_about("Delete for good");
    kim.submit(&place(&tenant, "/delete"), &[("confirm", "Green School")]).await.expect(403);
    drop(before);
    let deleted =
        jo.submit(&place(&tenant, "/delete"), &[("confirm", "Green School"), ("orphans", "0")]).await;
    deleted.expect(200).says("All push certificates and their keys are gone.").says("1. Request");
    let asked = tenant.post("enrollment-links", json!({})).await;
    assert_eq!(asked.status, 409);
}
