//! The organization's settings.

use pomarium_local::runner::{self, QueueFunction, deliver_all};
use pomarium_tests::{Tenant, TestApp};
use serde_json::json;

use super::{administrator, viewer};
use crate::profile_signer::Brought;
use crate::receiver::Receiver;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";

fn place(tenant: &Tenant, rest: &str) -> String {
    format!("/console/{}/settings{rest}", tenant.id)
}

#[tokio::test]
async fn the_organization_is_changed_and_nobody_takes_the_second_approval_back() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    jo.open(&place(&tenant, "")).await.expect(200).says("Organization").says("Audit log");
    let at = place(&tenant, "/organization");
    jo.open(&at).await.expect(200).says("it@green-school.example").says("value=\"Green School\"");
    let contacts = ("contacts", "it@green-school.example\nkim");
    let refused = jo.submit(&at, &[("name", "Green"), contacts, ("hours", "48")]).await.expect(400);
    refused.says("\"kim\" is not an e-mail address.").says("value=\"48\"").says("value=\"Green\"");

    let contacts = ("contacts", "it@green-school.example\r\nkim@green-school.example");
    let form = [("name", "Green College"), contacts, ("hours", "48"), ("approval", "on")];
    let saved = jo.submit(&at, &form).await.expect(200);
    saved
        .says("Saved.")
        .says("kim@green-school.example")
        .says("Only the operator of the server takes that back.");
    let own = format!("/v1/tenants/{}", tenant.id);
    let now = tenant.admin.get(&own).await.expect(200).json;
    assert_eq!((&now["command_expires_in"], &now["expiry_mails"]), (&172_800.into(), &false.into()));
    jo.submit(&at, &form[..3]).await.expect(200);
    assert_eq!(tenant.admin.get(&own).await.json["erase_needs_approval"], true);

    let mut kim = viewer(&app, &tenant, "kim@green-school.example").await;
    kim.open(&at).await.expect(200).says("48 hours").is_silent_about("<textarea");
    let before = everything(&app).await;
    kim.submit(&at, &form).await.expect(403);
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn a_token_is_shown_once_and_deleted() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let at = place(&tenant, "/tokens");
    jo.open(&at).await.expect(200);
    let form = |days| [("name", "help desk"), ("role", "viewer"), ("days", days)];
    jo.submit(&at, &form("many"))
        .await
        .expect(400)
        .says("\"many\" is not a number.")
        .says("value=\"help desk\"");
    jo.submit(&at, &form("0")).await.expect(400).says("A token lives 1 to 3650 days");
    let made = jo.submit(&at, &form("20")).await.expect(200);
    let token = made.says("shown only this once").between("<pre><code>", "<").unwrap();
    app.api(&token).get(&tenant.path("expirations")).await.expect(200);

    let list = jo.open(&at).await.expect(200);
    list.says("help desk").is_silent_about(&token);
    let id = token.split('_').nth(2).unwrap();
    jo.submit(&place(&tenant, "/tokens/delete"), &[("token", id)])
        .await
        .expect(200)
        .says("The token is gone.");
    app.api(&token).get(&tenant.path("expirations")).await.expect(401);
    jo.submit(&place(&tenant, "/tokens/delete"), &[("token", id)]).await.expect(404).says("role=\"alert\"");
}

#[tokio::test]
async fn the_signing_certificate_is_brought_and_given_up() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let at = place(&tenant, "/signing-certificate");
    jo.open(&at).await.expect(200).says("Install one").is_silent_about("Give it up");
    let files = Brought::new(&app, "Green School IT", 200).files();
    let file = |name: &'static str| (name, "file.pem", files[name].as_str().unwrap().as_bytes());
    jo.upload(&at, &[], &[file("certificate")]).await.expect(400).says("role=\"alert\"");
    let all = [file("certificate"), file("key"), file("chain")];
    let installed = jo.upload(&at, &[("password", "")], &all).await.expect(200);
    installed.says("It signs from the next profile on.").says("Green School IT").says("It ends in 200 days");
    jo.submit(&format!("{at}/remove"), &[]).await.expect(200).says("It is gone").says("Install one");
}

#[tokio::test]
async fn groups_questions_and_retention() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let groups = place(&tenant, "/groups");
    jo.open(&groups).await.expect(200).says("There is no group yet.");
    let made = jo.submit(&groups, &[("name", "Room 12")]).await.expect(200);
    let id = made.says("Room 12").between("name=\"group\" value=\"", "\"").unwrap();
    jo.submit(&groups, &[("name", "Room 12")]).await.expect(409).says("There is a group of this name");
    let delete = format!("{groups}/delete");
    let wrong = jo.submit(&delete, &[("group", &id), ("confirm", "room")]).await.expect(409);
    wrong.says("To delete the group Room 12, type its name.");
    jo.submit(&delete, &[("group", &id), ("confirm", "Room 12")]).await.expect(200).says("no group yet");
    jo.submit(&delete, &[("group", &id), ("confirm", "Room 12")]).await.expect(404);

    let refresh = place(&tenant, "/refresh");
    jo.open(&refresh).await.expect(200).says("Hardware and system");
    let hours = |hours| [("DeviceInformation", hours), ("ProfileList", "")];
    jo.submit(&refresh, &hours("721")).await.expect(400).says("every 1 to 720 hours").says("value=\"721\"");
    jo.submit(&refresh, &hours("24")).await.expect(200).says("value=\"24\"");
    assert_eq!(tenant.get("refresh").await.json["queries"], json!({"DeviceInformation": 24}));

    let retention = place(&tenant, "/retention");
    jo.open(&retention).await.expect(200).says("value=\"1095\"").says("value=\"400\"");
    let days = |events| [("audit_days", "800"), ("events_days", events), ("commands_days", "60")];
    jo.submit(&retention, &days("29")).await.expect(400).says("30 to 3,650 days").says("value=\"29\"");
    jo.submit(&retention, &days("100")).await.expect(200).says("Saved.").says("value=\"800\"");
    assert_eq!(tenant.get("retention").await.json["events_days"], 100);
}

#[tokio::test]
async fn the_logs_are_filtered_paged_and_downloaded() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    crate::devices::enrolled(&app, &tenant, "D-1").await;
    let mut kim = viewer(&app, &tenant, "kim@green-school.example").await;
    let audit = place(&tenant, "/audit-log");
    kim.open(&audit).await.expect(200).says("member-entered").says("tenant-created");
    let some =
        kim.open(&format!("{audit}?action=member-set&from=2026-11-01&until=2026-11-30")).await.expect(200);
    some.says("member-set").is_silent_about("<code>tenant-created</code>").says("value=\"2026-11-30\"");
    kim.open(&format!("{audit}?month=2026-10")).await.expect(200).says("There is no such entry");
    kim.open(&format!("{audit}?month=soon")).await.expect(400).says("\"soon\" is not a month.");
    kim.open(&format!("{audit}?from=soon")).await.expect(400).says("\"soon\" is not a day.");
    crate::devices::pass_seconds(&app, 60);
    for number in 0..100 {
        tenant.let_in(&format!("p{number}@green-school.example"), "viewer").await.expect(200);
    }
    let first = kim.open(&audit).await.expect(200);
    let older = first.between("<a href=\"/console/", "\">Older entries").expect("there is another page");
    let older = format!("/console/{}", older.rsplit("<a href=\"/console/").next().unwrap());
    first.is_silent_about("tenant-created");
    kim.open(&older).await.expect(200).says("tenant-created");
    let file = kim.open(&format!("{audit}/export?month=")).await.expect(200);
    assert!(file.text.contains("pomarium-log-1") && file.text.contains("tenant-created"));

    let devices = place(&tenant, "/device-log");
    kim.open(&format!("{devices}?enrollment=D-1")).await.expect(200).says("device-enrolled").says("D-1");
    kim.open(&format!("{devices}?enrollment=D-2")).await.expect(200).says("There is no such entry");
    assert!(kim.open(&format!("{devices}/export")).await.expect(200).text.contains("device-enrolled"));
}

#[tokio::test]
async fn a_webhook_is_made_tested_switched_and_deleted() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let receiver = Receiver::start().await;
    let list = place(&tenant, "/webhooks");
    jo.open(&list).await.expect(200).says("Nothing is told to anybody yet.");
    jo.submit(&list, &[("target", "ftp://green.example")])
        .await
        .expect(400)
        .says("value=\"ftp://green.example\"");
    let form = [("target", receiver.url()), ("description", "Help desk"), ("device-enrolled", "on")];
    let made = jo.submit(&list, &form).await.expect(200);
    let id = made.says("shown only this once").between("/settings/webhooks/", "\"").unwrap();
    let at = |rest: &str| format!("{list}/{id}{rest}");
    let page = jo.open(&at("")).await.expect(200);
    page.says("name=\"device-enrolled\" checked")
        .says("None yet")
        .says("Help desk")
        .is_silent_about("whsec_");
    receiver.answer(|_| 500);
    jo.submit(&at("/test"), &[]).await.expect(200).says("Not reached").says("Status 500");
    receiver.answer(|_| 200);
    jo.submit(&at("/test"), &[]).await.expect(200).says("Taken").says("It is noted.");
    jo.submit(&at("/switch"), &[("enabled", "no")]).await.expect(200).says("It is off.").says("Switch on");
    jo.submit(&at("/switch"), &[("enabled", "yes")]).await.expect(200).says("goes on where it stopped");
    jo.submit(&at("/secret"), &[("hours", "169")]).await.expect(400).says("role=\"alert\"");
    jo.submit(&at("/secret"), &[("hours", "24")]).await.expect(200).says("The secret");
    jo.open(&at("")).await.expect(200).says("The former secret signs as well until");
    jo.submit(&at("/replay"), &[("from", "yesterday")]).await.expect(400).says("is not a moment.");
    jo.submit(&at("/replay"), &[("from", "2026-11-21T08:00")]).await.expect(200).says("begin again");
    let change = [("target", receiver.url()), ("description", "Front desk")];
    jo.submit(&at(""), &change).await.expect(200).says("Front desk").is_silent_about("\" checked>");

    let mut kim = viewer(&app, &tenant, "kim@green-school.example").await;
    kim.open(&at("")).await.expect(200).says("Front desk").is_silent_about("Send a test");
    kim.submit(&at("/test"), &[]).await.expect(403);
    let blue = app.tenant("Blue School").await;
    let mut lu = administrator(&app, &blue, "lu@blue-school.example").await;
    let foreign = place(&blue, &format!("/webhooks/{id}"));
    lu.open(&foreign).await.expect(404);
    lu.submit(&format!("{foreign}/test"), &[]).await.expect(404);
    jo.submit(&at("/delete"), &[("confirm", "it")]).await.expect(409).says("type where it goes");
    jo.submit(&at("/delete"), &[("confirm", receiver.url())]).await.expect(200).says("The webhook is gone.");
    jo.open(&at("")).await.expect(404);
}

#[tokio::test]
async fn what_was_given_up_is_sent_once_more() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let receiver = Receiver::start().await;
    receiver.answer(|body| if body["enrollment"] == "D-1" { 400 } else { 200 });
    let made = tenant.post("webhooks", json!({"url": receiver.url()})).await.expect(201).json;
    let at = place(&tenant, &format!("/webhooks/{}", made["id"].as_str().unwrap()));
    let turn = async || {
        crate::devices::pass_seconds(&app, 5);
        runner::run(app.runner.state.clone(), "events").await.unwrap();
        deliver_all(QueueFunction::Events, &app.runner.state, app.runner.aws.queues()).await.unwrap();
    };
    for udid in ["D-1", "D-2"] {
        crate::devices::enrolled(&app, &tenant, udid).await;
    }
    turn().await;
    crate::devices::pass_seconds(&app, 25 * 3_600);
    turn().await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let page = jo.open(&at).await.expect(200);
    let event = page.says("Given up").says("Refused").between("name=\"event\" value=\"", "\"").unwrap();
    receiver.answer(|_| 200);
    let again = format!("{at}/redeliver");
    jo.submit(&again, &[("event", &event)]).await.expect(200).says("Taken").is_silent_about("Given up");
    jo.submit(&again, &[("event", &event)]).await.expect(404).says("role=\"alert\"");
}
