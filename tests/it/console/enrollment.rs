//! Enrollment, from the authority to the first device, by somebody without a terminal.

use pomarium_local::device::SimDevice;
use pomarium_tests::{Browser, Page, Tenant, TestApp};
use serde_json::json;

use super::{administrator, viewer};
use crate::crypto::certificate_pem;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";

fn place(tenant: &Tenant, rest: &str) -> String {
    format!("/console/{}/enrollment{rest}", tenant.id)
}

/// The address on the page that shows a new link.
fn address(page: &Page) -> String {
    page.between("Address to copy<input readonly value=\"", "\"").expect("an address")
}

async fn link(jo: &mut Browser, tenant: &Tenant, terms: &[(&str, &str)]) -> Page {
    jo.submit(&place(tenant, "/links"), terms).await.expect(200)
}

async fn enroll(app: &TestApp, link: &str, udid: &str) {
    let mut device = SimDevice::new(udid, "C02XYZ", "Jo's iPad");
    device.enroll(link, &app.runner.apns).await.expect("the device enrolls");
}

#[tokio::test]
async fn one_click_makes_the_authority() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let empty = jo.open(&place(&tenant, "")).await.expect(200);
    empty.says("no usable push certificate").says("value=\"Green School device management\"");
    empty.is_silent_about("Make the link");
    let form = [("common_name", "Green School"), ("organization", "Green School"), ("country", "Germany")];
    let refused = jo.submit(&place(&tenant, "/authority"), &form).await.expect(400);
    refused.says("role=\"alert\"").says("value=\"Germany\"");
    let made = jo.submit(&place(&tenant, "/authority"), &form[..2]).await.expect(200);
    made.says("The authority is made.").says("Issues").says("Replace it");
    // Two administrators at once: the second is told, and makes no other.
    let again = jo.submit(&place(&tenant, "/authority"), &form[..2]).await.expect(409);
    again.says("role=\"alert\"");
    assert_eq!(tenant.get("identity-authority").await.json["authorities"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_enrolls_a_device_and_tells_who_used_it() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    jo.open(&place(&tenant, "")).await.expect(200).says("There is no link yet.");
    let terms = [("uses", "many"), ("valid_days", "7"), ("group", "Class 5")];
    let refused = jo.submit(&place(&tenant, "/links"), &terms).await.expect(400);
    refused.says("\"many\" is not a number.").says("value=\"Class 5\"");

    let terms = [("uses", "1"), ("valid_days", "7"), ("name", "Kim"), ("group", "Class 5")];
    let made = link(&mut jo, &tenant, &terms).await;
    made.says("For: Kim.").says("data:image/svg+xml;base64,").says("/_local/devices");
    let url = address(&made);
    enroll(&app, &url, "D-1").await;
    let list = jo.open(&place(&tenant, "")).await.expect(200);
    list.says("Kim</a>").says("Used up").says("1 of 1").says("Class 5");
    list.is_silent_about(&url);
    let id = list.between("/enrollment/links/", "\"").unwrap();
    let one = jo.open(&place(&tenant, &format!("/links/{id}"))).await.expect(200);
    one.says("D-1").says("Class 5").is_silent_about("Revoke the link");

    // For Apple Configurator: the profile itself, once for each device.
    let open = link(&mut jo, &tenant, &[("uses", ""), ("valid_days", "1")]).await;
    open.says("For: Several devices.").says("used 0, no limit");
    let profile =
        open.between("href=\"", "\" download").map(|found| found.rsplit('"').next().unwrap().to_owned());
    assert_eq!(profile.unwrap(), format!("{}/profile", address(&open)));
    let id = open.between("/enrollment/links/", "\"").unwrap();
    let revoked = jo.submit(&place(&tenant, &format!("/links/{id}/revoke")), &[]).await.expect(200);
    revoked.says("The link is revoked.").says("Revoked");
    app.stranger().get(&address(&open)).await.expect(409);
}

#[tokio::test]
async fn an_authority_is_replaced_and_retired_with_a_count() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    enroll(&app, &tenant.enrollment_link().await, "D-1").await;
    let page = jo.open(&place(&tenant, "")).await.expect(200);
    let former = page.between("name=\"replaces\" value=\"", "\"").unwrap();
    let new = [("common_name", "Second"), ("organization", "Green School"), ("replaces", former.as_str())];
    let replaced = jo.submit(&place(&tenant, "/authority"), &new).await.expect(200);
    replaced.says("Yours, replaced").says("Trusted").says("Second");

    let retire = place(&tenant, "/authority/retire");
    let before = everything(&app).await;
    jo.submit(&retire, &[("authority", &former)]).await.expect(409).says("role=\"alert\"");
    jo.submit(&retire, &[("authority", &former), ("devices", "2")]).await.expect(409);
    let wrong = jo.submit(&place(&tenant, "/authority/trust"), &[("certificate", "none")]).await.expect(400);
    wrong.says("role=\"alert\"").says(">none</textarea>");
    unchanged(&app, &before).await;
    let retired = jo.submit(&retire, &[("authority", &former), ("devices", "1")]).await.expect(200);
    retired.says("Its identities are refused from now on.").says("Retired");
}

#[tokio::test]
async fn a_viewer_and_a_foreign_tenant_change_nothing() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let other = app.ready_tenant("Blue School").await;
    let (id, _) = other.link_with(json!({})).await;
    let mut kim = viewer(&app, &tenant, "kim@green-school.example").await;
    kim.open(&place(&tenant, "")).await.expect(200).is_silent_about("Make the link");
    let before = everything(&app).await;
    for form in ["/links", "/authority", "/authority/trust", "/authority/retire"] {
        kim.submit(&place(&tenant, form), &[("uses", "1"), ("valid_days", "7")]).await.expect(403);
    }
    kim.open(&place(&other, "")).await.expect(404);
    kim.open(&place(&tenant, &format!("/links/{id}"))).await.expect(404);
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn the_settings_are_a_form_that_keeps_what_it_shows() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let page = place(&tenant, "/settings");
    jo.open(&page).await.expect(200).says("Erase the device").says("SCEP");
    let [root, _] = &app.runner.portal.issuer_roots()[..] else { panic!("root and intermediate") };
    let pem = certificate_pem(root);
    let mut form = [
        ("inspect_profiles", "yes"),
        ("query_device", "yes"),
        ("removal", "with-password"),
        ("removal_password", "abc"),
        ("identity", "scep"),
        ("method", "direct"),
        ("trusted_authority", pem.as_str()),
        ("per_user_connections", "yes"),
    ];
    let before = everything(&app).await;
    let refused = jo.submit(&page, &form).await.expect(400);
    refused.says("role=\"alert\"").is_silent_about("value=\"abc\"");
    unchanged(&app, &before).await;
    form[3].1 = "correct horse";
    let saved = jo.submit(&page, &form).await.expect(200);
    saved
        .says("Profiles that are made from now on ask for this.")
        .says("Leave it empty to keep the one there is.");
    let kept = tenant.get("enrollment-settings").await.json;
    assert_eq!(kept["access_rights"], json!(["inspect-profiles", "query-device"]));
    assert_eq!((&kept["removal"], &kept["bootstrap_token"]), (&json!("with-password"), &json!(false)));

    // What the page shows is what it sends: the certificate stays, and so does the password.
    let shown = saved.between("<textarea name=\"trusted_authority\" rows=\"4\">", "</textarea>").unwrap();
    form[3].1 = "";
    form[6].1 = &shown;
    jo.submit(&page, &form).await.expect(200);
    assert_eq!(tenant.get("enrollment-settings").await.json, kept);

    // A SCEP server of their own needs its address.
    form[4].1 = "external-scep";
    jo.submit(&page, &form).await.expect(400).says("role=\"alert\"");
}

#[tokio::test]
async fn people_are_invited_one_by_one_or_from_a_list() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let mails = |address: &str| {
        let sent = app.runner.aws.mailbox().list().expect("the mailbox is read");
        sent.iter().filter(|sent| sent.mail.to == address && sent.mail.text.contains("/enroll/")).count()
    };
    jo.open(&place(&tenant, "")).await.expect(200).says("Invite by mail");
    let form = [("email", "kim@green.example"), ("name", "Kim"), ("group", "")];
    let sent = jo.submit(&place(&tenant, "/invitations"), &form).await.expect(200);
    sent.says("kim@green.example").says("On its way");
    // The button once more: no second mail.
    jo.submit(&place(&tenant, "/invitations"), &form).await.expect(200).says("Sent before, today");
    assert_eq!(mails("kim@green.example"), 1);

    let wrong = [("email", "kim"), ("name", "Kim"), ("group", "Class 5")];
    let refused = jo.submit(&place(&tenant, "/invitations"), &wrong).await.expect(400);
    refused.says("role=\"alert\"").says("value=\"Class 5\"");

    let list = place(&tenant, "/invitations/list");
    let wrong = b"address\nlu@green.example\n";
    let refused = jo.upload(&list, &[], &[("list", "class.csv", wrong.as_slice())]).await.expect(400);
    refused.says("The CSV file has a column \"address\"");
    let file = b"email,name,group\nlu@green.example,Lu,Year 7\nmo@green.example,,\n";
    let sent = jo.upload(&list, &[], &[("list", "class.csv", file.as_slice())]).await.expect(200);
    sent.says("lu@green.example").says("mo@green.example");
    assert_eq!((mails("lu@green.example"), mails("mo@green.example")), (1, 1));
}
