//! Devices, by the help desk that looks for one and does something about it.

use pomarium_tests::{Browser, Page, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::{administrator, viewer};
use crate::devices::{enrolled, enrollment, mac, pass_seconds, queue, status};
use crate::fleet::{fleet, topic};
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";

fn place(tenant: &Tenant, rest: &str) -> String {
    format!("/console/{}/devices{rest}", tenant.id)
}

/// The command that the page follows.
fn followed(page: &Page) -> String {
    let (_, uuid) = page.place.split_once("command=").expect("it follows one");
    uuid.split('&').next().unwrap().to_owned()
}

async fn ask(jo: &mut Browser, tenant: &Tenant, rest: &str, fields: &[(&str, &str)]) -> Page {
    jo.submit(&place(tenant, rest), fields).await
}

#[tokio::test]
async fn a_users_channel_is_found_by_the_users_name() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    let shared_mac = mac(&app, &tenant, "D-2").await;
    shared_mac.user("U-1", "jane").token_update(None).await.expect("the user is known");
    let mut jo = administrator(&app, &tenant, JO).await;
    let found = jo.open(&place(&tenant, "?q=JANE")).await.expect(200);
    found.says("User jane").says("D-2:U-1").is_silent_about("/devices/D-1\"");
    jo.open(&place(&tenant, "/D-2:U-1")).await.expect(200).says("<dt>User</dt><dd>jane</dd>");
}

#[tokio::test]
async fn a_device_is_found_among_many() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    jo.open(&place(&tenant, "")).await.expect(200).says("No device is enrolled yet.");
    let names = (0..602).map(|number| format!("D-{number:05}"));
    fleet(&app, &tenant, &topic(&app, &tenant).await, names, 0).await;
    enrolled(&app, &tenant, "Z-1").await;

    let first = jo.open(&place(&tenant, "")).await.expect(200);
    first.says("D-00000").says("D-00099").is_silent_about("D-00100");
    let next = first.between("/devices?after=", "\"").unwrap();
    let second = jo.open(&place(&tenant, &format!("?after={next}"))).await.expect(200);
    second.says("D-00100").says("D-00199").is_silent_about("D-00099");

    // A whole identifier or serial number is found at once, wherever it stands; a name by looking.
    jo.open(&place(&tenant, "?q=D-00600")).await.expect(200).says(">D-00600<").is_silent_about("Looked at");
    jo.open(&place(&tenant, "?q=d-00600")).await.expect(200).says(">D-00600<").is_silent_about("Looked at");
    let serial = jo.open(&place(&tenant, "?q=c02xyz")).await.expect(200);
    serial.says("Jo's iPad").is_silent_about("Looked at").is_silent_about(">D-");
    let looked = jo.open(&place(&tenant, "?q=02xy&state=enrolled")).await.expect(200);
    looked.says("Looked at 500 devices.").says("None of these fits.").says("value=\"02xy\"");
    let on = looked.between("/devices?q=", "\"").unwrap().replace("&amp;", "&");
    let found = jo.open(&place(&tenant, &format!("?q={on}"))).await.expect(200);
    found.says("Jo's iPad").says("There are no more.").is_silent_about(">D-");
    jo.open(&place(&tenant, "/Z-1")).await.expect(200).says("Jo's iPad").says("C02XYZ");
    let none = jo.open(&place(&tenant, "?locked=yes&silent=7")).await;
    none.expect(200).says("None of these fits.");

    let blue = app.ready_tenant("Blue School").await;
    let mut lu = administrator(&app, &blue, "lu@blue-school.example").await;
    lu.open(&place(&blue, "?q=c02xyz")).await.expect(200).is_silent_about("Jo's iPad");
    lu.open(&place(&blue, "/Z-1")).await.expect(404);
    lu.open(&place(&tenant, "/Z-1")).await.expect(404);
    jo.open(&place(&tenant, "/no%20device")).await.expect(404).says("There is no such device");
}

#[tokio::test]
async fn a_device_is_asked_and_its_answer_arrives() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let page = jo.open(&place(&tenant, "/D-1")).await.expect(200);
    page.says("Nothing waits for this device.").says("as it enrolled").says("Enrolled");

    let sent = ask(&mut jo, &tenant, "/D-1/send/ask", &[("about", "")]).await.expect(200);
    sent.says("Sent. The device is woken").says("DeviceInformation: Waiting").says("Why it stands where");
    let part = sent.between("hx-get=\"", "\"").unwrap();
    sent.says("hx-trigger=\"every 2s\"");
    jo.open(&part).await.expect(200).says("DeviceInformation: Waiting").is_silent_about("<html");
    device.answer_all().await.unwrap();
    let over = jo.open(&part).await.expect(200);
    over.says("DeviceInformation: Done").says("Nothing waits for this device.").is_silent_about("hx-get");
    let uuid = followed(&sent);
    let answer = jo.open(&place(&tenant, &format!("/D-1/commands/{uuid}"))).await.expect(200);
    answer.says("Done: answered").says("a4:83:e7:00:00:01").is_silent_about("Show the PIN");
    let page = jo.open(&place(&tenant, "/D-1")).await.expect(200);
    page.says("a4:83:e7:00:00:01").says("Apps").says("Profiles").says("Certificates").says("Security");
    page.says("Answered a command").says("Timeline of");
    jo.open(&place(&tenant, "/D-1/inventory/apps")).await.expect(200).says("<th>Name</th>");
    jo.open(&place(&tenant, "/D-1/inventory/dreams")).await.expect(404);
    jo.open(&place(&tenant, "/D-1?month=2019-01")).await.expect(200).says("Nothing is written down here.");

    let other = jo.open(&page.place.replace("devices/D-1", "commands/new?type=Settings&devices=D-1")).await;
    other.expect(200).says("a list of settings").says(">D-1</textarea>");

    // What waits is taken back, one by one or all.
    queue(&tenant, "D-1", "RestartDevice").await;
    let lock = queue(&tenant, "D-1", "DeviceLock").await;
    jo.open(&place(&tenant, "/D-1")).await.expect(200).says("Waiting: last seen");
    ask(&mut jo, &tenant, &format!("/D-1/commands/{lock}/cancel"), &[]).await.expect(200).says("Taken back.");
    assert_eq!(status(&tenant, &lock).await, "Cancelled");
    let retried = ask(&mut jo, &tenant, &format!("/D-1/commands/{lock}/retry"), &[]).await;
    retried.expect(409).says("The command was not set aside, or is not any more.");
    ask(&mut jo, &tenant, "/D-1/clear", &[])
        .await
        .expect(200)
        .says("Nothing waits for this device any more.");

    // What the device fetches and never answers is set aside, and can be tried again.
    let stuck = queue(&tenant, "D-1", "DeviceLock").await;
    for _ in 0..12 {
        device.idle().await.unwrap();
    }
    jo.open(&place(&tenant, "/D-1")).await.expect(200).says("Set aside");
    ask(&mut jo, &tenant, &format!("/D-1/commands/{stuck}/retry"), &[]).await.expect(200).says("waits again");
    assert_eq!(status(&tenant, &stuck).await, "Pending");
}

#[tokio::test]
async fn a_mac_is_locked_with_a_pin_that_is_shown() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let _mac = mac(&app, &tenant, "M-1").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    jo.open(&place(&tenant, "/M-1")).await.expect(200).says("PIN of six digits");
    let typed = [("message", "Bring me back"), ("pin", "12")];
    let refused = ask(&mut jo, &tenant, "/M-1/send/lock", &typed).await.expect(400);
    refused
        .says("PIN of DeviceLock must be six digits.")
        .says("value=\"Bring me back\"")
        .says("details open");
    let sent = ask(&mut jo, &tenant, "/M-1/send/lock", &[("message", "Bring me back")]).await.expect(200);
    let uuid = followed(&sent);
    jo.open(&place(&tenant, &format!("/M-1/commands/{uuid}"))).await.expect(200).says("Show the PIN");
    let pin = ask(&mut jo, &tenant, &format!("/M-1/commands/{uuid}/pin"), &[]).await.expect(200);
    let shown = pin.between("<code>", "</code>").unwrap();
    assert!(shown.len() == 6 && shown.bytes().all(|byte| byte.is_ascii_digit()), "{shown}");
    let told = tenant.get("audit?action=command-pin-revealed").await.expect(200);
    assert_eq!(told.json["entries"][0]["facts"]["enrollment"], "M-1");
}

#[tokio::test]
async fn what_destroys_wants_the_devices_name() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for udid in ["D-1", "D-2", "D-3"] {
        enrolled(&app, &tenant, udid).await;
    }
    let mut jo = administrator(&app, &tenant, JO).await;
    let mut vi = viewer(&app, &tenant, "vi@green-school.example").await;
    let name = ("confirm", "Jo's iPad");
    jo.open(&place(&tenant, "/D-1")).await.expect(200);
    let before = everything(&app).await;
    for rest in ["send/erase", "do/retire", "do/revoke", "do/unenroll"] {
        let fields = [("confirm", "Jo's iPhone"), ("reason", "Sold")];
        let refused = ask(&mut jo, &tenant, &format!("/D-1/{rest}"), &fields).await.expect(400);
        refused.says("This device is called \"Jo's iPad\".").says("value=\"Jo's iPhone\"");
    }
    let unreasoned = ask(&mut jo, &tenant, "/D-1/do/unenroll", &[name]).await.expect(400);
    unreasoned.says("A reason has 1 to 200 characters");
    ask(&mut jo, &tenant, "/D-1/send/dance", &[]).await.expect(404);
    ask(&mut jo, &tenant, "/D-1/do/dance", &[]).await.expect(404);
    unchanged(&app, &before).await;
    let seen = vi.open(&place(&tenant, "/D-1")).await.expect(200);
    seen.says("Inventory").is_silent_about("Ask of this device").is_silent_about("do/retire");
    ask(&mut vi, &tenant, "/D-1/do/retire", &[name]).await.expect(403);

    let erased = ask(&mut jo, &tenant, "/D-1/send/erase", &[name]).await.expect(200);
    erased.says("EraseDevice: Waiting");
    for (rest, said) in [
        ("send/clear-passcode", "ClearPasscode: Waiting"),
        ("send/restart", "RestartDevice: Waiting"),
        ("send/lost-mode-off", "DisableLostMode: Waiting"),
        ("send/locate", "DeviceLocation: Waiting"),
    ] {
        ask(&mut jo, &tenant, &format!("/D-1/{rest}"), &[]).await.expect(200).says(said);
    }
    let lost = ask(&mut jo, &tenant, "/D-1/send/lost-mode", &[]).await.expect(400);
    lost.says("EnableLostMode needs a Message or a PhoneNumber");
    let call = [("phone", "+49 30 1234")];
    ask(&mut jo, &tenant, "/D-1/send/lost-mode", &call).await.expect(200).says("EnableLostMode: Waiting");
    ask(&mut jo, &tenant, "/D-1/do/renew", &[]).await.expect(200).says("asked to renew its identity");
    ask(&mut jo, &tenant, "/D-1/do/retire", &[name]).await.expect(200).says("Removed");
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "removed");
    let fields = [name, ("reason", "Sold")];
    ask(&mut jo, &tenant, "/D-2/do/unenroll", &fields)
        .await
        .expect(200)
        .says("Being unenrolled")
        .says("Sold");
    let revoked = ask(&mut jo, &tenant, "/D-3/do/revoke", &[name]).await.expect(200);
    revoked.says("Access locked").says("Unlock access");
    ask(&mut jo, &tenant, "/D-3/do/unlock", &[]).await.expect(200).is_silent_about("Access locked");
}

#[tokio::test]
async fn a_colleague_approves_what_erases() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    let setting = json!({"erase_needs_approval": true}).to_string().into_bytes();
    tenant.admin.call(Method::PATCH, &format!("/v1/tenants/{}", tenant.id), setting).await.expect(200);
    let mut jo = administrator(&app, &tenant, JO).await;
    let mut kim = administrator(&app, &tenant, "kim@green-school.example").await;
    jo.open(&place(&tenant, "/D-1")).await.expect(200);
    let name = ("confirm", "Jo's iPad");
    let asked = ask(&mut jo, &tenant, "/D-1/send/erase", &[name]).await.expect(200);
    asked.says("A colleague must approve it").says("Waiting for a second administrator to approve it.");
    let command = asked.place.split('?').next().unwrap().to_owned();
    let approve = format!("{command}/approve");
    jo.submit(&approve, &[]).await.expect(403).says("Whoever asked for a command cannot approve it.");
    kim.open(&command).await.expect(200).says("EraseDevice");
    kim.submit(&approve, &[]).await.expect(200).says("Approved").says("Waiting: last seen");
    pass_seconds(&app, 60);
    kim.submit(&format!("{command}/cancel"), &[]).await.expect(200).says("Cancelled at");
}
