//! The help desk: it sees what a viewer sees, and does the daily work on one device at a time.

use pomarium_tests::{Api, Browser, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::rights::{Right, daily};
use shared::scope::Role;

use super::{administrator, forms, signed_in};
use crate::devices::{enrolled, queue, status};
use crate::repository::read;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";
const KIM: &str = "kim@green-school.example";

/// The forms that the help desk sends, too.
const DAILY: [&str; 14] = [
    "/commands/{command}/cancel",
    "/devices/{device}/commands/{command}/cancel",
    "/devices/{device}/commands/{command}/retry",
    "/devices/{device}/do/unlock",
    "/devices/{device}/send/ask",
    "/devices/{device}/send/clear-passcode",
    "/devices/{device}/send/locate",
    "/devices/{device}/send/lock",
    "/devices/{device}/send/lost-mode",
    "/devices/{device}/send/lost-mode-off",
    "/devices/{device}/send/restart",
    "/devices/{device}/send/shut-down",
    "/devices/{device}/send/sound",
    "/silence/unlock",
];

async fn help_desk(app: &TestApp, tenant: &Tenant) -> Browser {
    signed_in(app, tenant, KIM, "help-desk").await
}

async fn token(app: &TestApp, tenant: &Tenant) -> Api {
    let made = tenant.post("tokens", json!({"name": "desk", "role": "help-desk"})).await.expect(201);
    assert_eq!(made.json["role"], "help-desk");
    app.api(made.json["token"].as_str().unwrap())
}

#[tokio::test]
async fn the_help_desk_helps_with_one_device_and_sees_no_other_form() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let members = format!("/console/{}/settings/members", tenant.id);
    jo.open(&members).await.expect(200).says("Help desk");
    let set = jo.submit(&members, &[("address", KIM), ("role", "help-desk")]).await.expect(200);
    set.says("<td>help desk</td>");
    let mut kim = help_desk(&app, &tenant).await;

    let at = |rest: &str| format!("/console/{}/devices/D-1{rest}", tenant.id);
    let page = kim.open(&at("")).await.expect(200);
    for offered in ["send/ask", "send/lock", "send/restart", "send/shut-down", "send/lost-mode", "send/sound"]
    {
        page.says(&at(&format!("/{offered}")));
    }
    for closed in ["send/erase", "do/unenroll", "do/retire", "do/revoke", "do/renew", "commands/new"] {
        page.is_silent_about(closed);
    }

    // What it sends, it takes back; what somebody else sent, it does not.
    for what in ["sound", "shut-down", "locate", "lost-mode-off"] {
        kim.submit(&at(&format!("/send/{what}")), &[]).await.expect(200).says("Sent. The device is woken");
    }
    let sent = kim.submit(&at("/send/restart"), &[]).await.expect(200);
    let (_, own) = sent.place.split_once("command=").expect("it follows one");
    let own = own.split('&').next().unwrap().to_owned();
    sent.is_silent_about("Cancel all that waits");
    kim.open(&at(&format!("/commands/{own}"))).await.expect(200).says(&format!("cancel-{own}"));
    kim.submit(&at(&format!("/commands/{own}/cancel")), &[]).await.expect(200).says("Taken back.");
    assert_eq!(status(&tenant, &own).await, "Cancelled");
    let anothers = queue(&tenant, "D-1", "DeviceLock").await;
    let shown = kim.open(&at(&format!("/commands/{anothers}"))).await.expect(200);
    shown.is_silent_about(&format!("cancel-{anothers}")).is_silent_about("Show the PIN");
    let refused = kim.submit(&at(&format!("/commands/{anothers}/cancel")), &[]).await.expect(403);
    refused.says("The help desk takes back what it sent itself").says("Ask an administrator");
    let whole = format!("/console/{}/commands/{anothers}", tenant.id);
    kim.open(&whole).await.expect(200).is_silent_about("Take it back");
    kim.submit(&format!("{whole}/cancel"), &[]).await.expect(403);
    assert_eq!(status(&tenant, &anothers).await, "Pending");

    // What was set aside is tried again.
    device.answer_all().await.unwrap();
    let stuck = queue(&tenant, "D-1", "DeviceLock").await;
    for _ in 0..12 {
        device.idle().await.unwrap();
    }
    kim.open(&at("")).await.expect(200).says("Set aside").says("Try again");
    kim.submit(&at(&format!("/commands/{stuck}/retry")), &[]).await.expect(200).says("It waits again");
    assert_eq!(status(&tenant, &stuck).await, "Pending");

    // A token of the same role does the same.
    let desk = token(&app, &tenant).await;
    let order = async |body: Value| desk.post(&tenant.path("commands"), body).await;
    let lock = json!({"targets": ["D-1"], "command": {"RequestType": "DeviceLock"}});
    let uuid = order(lock.clone()).await.expect(201).json["command_uuid"].as_str().unwrap().to_owned();
    let delete = async |uuid: &str| {
        desk.call(Method::DELETE, &tenant.path(&format!("commands/{uuid}")), Vec::new()).await
    };
    delete(&uuid).await.expect(204);
    let jos = queue(&tenant, "D-1", "DeviceLock").await;
    assert_eq!(delete(&jos).await.expect(403).problem(), "command-anothers");
    enrolled(&app, &tenant, "D-2").await;
    let before = everything(&app).await;
    for body in [
        json!({"targets": ["D-1", "D-2"], "command": {"RequestType": "DeviceLock"}}),
        json!({"targets": {"all": true}, "command": {"RequestType": "DeviceLock"}}),
        json!({"targets": ["D-1"], "command": {"RequestType": "EraseDevice"}}),
        json!({"targets": ["D-1"], "command": {"RequestType": "InstallProfile", "Payload": "AAAA"}}),
        json!({"targets": ["D-1"], "command_plist": "<plist><dict><key>RequestType</key><string>DeviceLock</string></dict></plist>"}),
    ] {
        let refused = order(body.clone()).await;
        assert_eq!((refused.status, refused.problem()), (403, "help-desk-may-not"), "{body}");
        assert!(refused.json["detail"].as_str().unwrap().contains("the role admin"), "{}", refused.json);
    }
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn the_help_desk_sends_no_other_form() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut kim = help_desk(&app, &tenant).await;
    kim.open(&format!("/console/{}", tenant.id)).await.expect(200);
    let before = everything(&app).await;
    let mut expected = forms::all();
    expected.retain(|form| !DAILY.contains(&form.as_str()));
    let refused = forms::refused(&mut kim, &tenant, "The help desk may not do this").await;
    assert_eq!(refused, expected, "say in DAILY that the help desk sends a form, too, or close it");
    unchanged(&app, &before).await;
}

#[test]
fn the_documented_table_of_roles_is_the_one_of_the_code() {
    let text = read("docs/API.md");
    for right in Right::ALL {
        let yes = |may: bool| if may { "yes" } else { "" };
        let own = [Role::Viewer, Role::HelpDesk, Role::Admin].map(|role| yes(right.is_of(role)));
        let support = [Role::Viewer, Role::Admin].map(|level| yes(right.is_of_support(level)));
        let cells = [&own[..], &support[..]].concat().join(" | ");
        let row = format!("| {} | {cells} |", right.words());
        assert!(text.contains(&row), "docs/API.md lacks the row {row}");
    }
    let commands = daily().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    assert!(text.replace('\n', " ").contains(&commands), "docs/API.md lacks {commands}");
}
