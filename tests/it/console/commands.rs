//! Commands to many devices, from the form to the last answer.

use plist::{Dictionary, Value};
use pomarium_local::device::Reply;
use pomarium_tests::{Browser, Page, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::{administrator, viewer};
use crate::devices::{enrolled, mac, pass_seconds};
use crate::fleet::{fleet, topic};
use crate::groups::group;
use crate::stored::{everything, unchanged};

const JO: &str = "jo@green-school.example";

fn place(tenant: &Tenant, rest: &str) -> String {
    format!("/console/{}/commands{rest}", tenant.id)
}

/// Sends what was reviewed: the hidden fields that the page holds, and more.
async fn send(jo: &mut Browser, tenant: &Tenant, reviewed: &Page, more: &[(&str, &str)]) -> Page {
    let plain = |text: &str| {
        text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    let hidden: Vec<(String, String)> = reviewed
        .text
        .split("type=\"hidden\" name=\"")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"")?;
            Some((name.to_owned(), plain(rest.split_once('"')?.0)))
        })
        .filter(|(name, _)| name != "form_token")
        .collect();
    let mut fields: Vec<(&str, &str)> = vec![("then", "send")];
    fields.extend(hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    fields.extend_from_slice(more);
    jo.submit(&place(tenant, "/new"), &fields).await
}

#[tokio::test]
async fn a_command_is_filled_in_reviewed_and_sent_to_some() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    enrolled(&app, &tenant, "D-2").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    let first = jo.open(&place(&tenant, "")).await.expect(200);
    first.says("Nothing was sent to many devices lately.").says("Locks the screen at once.");
    let form = jo.open(&place(&tenant, "/new?type=RemoveProfile")).await.expect(200);
    form.says("Identifier<strong> (needed)</strong>").says("As the app or profile calls itself");
    jo.open(&place(&tenant, "/new?type=ACommandOfNextYear")).await.expect(404);

    // What is wrong is said where it stands, and what was typed stays.
    let before = everything(&app).await;
    let kind = ("type", "RemoveProfile");
    let devices = ("devices", "D-1 D-2");
    let refused = jo.submit(&place(&tenant, "/new"), &[kind, ("to", "devices"), devices]).await.expect(400);
    refused.says("RemoveProfile needs Identifier").says(">D-1 D-2</textarea>");
    let json = [("type", "Settings"), ("key.Settings", "{"), devices];
    jo.submit(&place(&tenant, "/new"), &json)
        .await
        .expect(400)
        .says("What was typed for Settings is not JSON");
    let never = [("type", "RestartDevice"), ("to", "filter"), ("silent_days", "many")];
    jo.submit(&place(&tenant, "/new"), &never).await.expect(400).says("\"many\" is not a number.");
    let nobody = [("type", "RestartDevice"), ("to", "group"), ("group", "Year 7")];
    jo.submit(&place(&tenant, "/new"), &nobody).await.expect(404).says("RestartDevice");
    let wanted =
        [kind, ("key.Identifier", "org.example.<wifi>"), ("to", "devices"), ("devices", "D-1\nD-2\nD-3")];
    let review = jo.submit(&place(&tenant, "/new"), &wanted).await.expect(200);
    review
        .says("2 devices")
        .says("No device has this identifier")
        .says("Jo's iPad")
        .says("Nothing is sent yet.");
    let edited = send(&mut jo, &tenant, &review, &[]).await;
    edited.expect(404).says("D-3").says("value=\"org.example.<wifi>\"");
    unchanged(&app, &before).await;

    let wanted = [kind, ("key.Identifier", "org.example.<wifi>"), ("to", "devices"), devices];
    let review = jo.submit(&place(&tenant, "/new"), &wanted).await.expect(200);
    let sent = send(&mut jo, &tenant, &review, &[]).await.expect(200);
    sent.says("Sent. Devices are woken")
        .says("D-1")
        .says("Waiting: last seen")
        .says("hx-trigger=\"every 2s\"");
    // The same form again is the same command.
    let again = send(&mut jo, &tenant, &review, &[]).await.expect(200);
    assert_eq!(again.place, sent.place);
    device.answer_all().await.unwrap();
    let part = sent.between("hx-get=\"", "\"").unwrap();
    jo.open(&part)
        .await
        .expect(200)
        .says("Done: answered")
        .says("Waiting: last seen")
        .is_silent_about("<html");
    let page = sent.place.split('?').next().unwrap();
    jo.submit(&format!("{page}/cancel"), &[]).await.expect(200).says("Taken back").says("Cancelled at");
    jo.submit(&format!("{page}/dance"), &[]).await.expect(404);
    let no_approval = jo.submit(&format!("{page}/approve"), &[]).await;
    no_approval.expect(409).says("This command needs no approval.");

    let mut vi = viewer(&app, &tenant, "vi@green-school.example").await;
    vi.open(&place(&tenant, "")).await.expect(200).is_silent_about("New command");
    vi.open(&place(&tenant, "/new?type=DeviceLock")).await.expect(200).is_silent_about("See whom it reaches");
    vi.open(page).await.expect(200).says("Done: answered").is_silent_about("Take it back");
    vi.submit(&format!("{page}/cancel"), &[]).await.expect(403);
    let blue = app.ready_tenant("Blue School").await;
    let mut lu = administrator(&app, &blue, "lu@blue-school.example").await;
    lu.open(page).await.expect(404);
    lu.open(&page.replace(&tenant.id, &blue.id)).await.expect(404).says("There is no such command");
}

#[tokio::test]
async fn files_lists_and_property_lists_reach_the_device_as_they_were_given() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    jo.open(&place(&tenant, "/new?type=InstallProfile")).await.expect(200).says("type=\"file\"");
    let to = [("type", "InstallProfile"), ("to", "devices"), ("devices", "D-1")];
    let file: &[u8] = b"<plist>\xff</plist>";
    let review = jo.upload(&place(&tenant, "/new"), &to, &[("key.Payload", "wifi.mobileconfig", file)]).await;
    let review = review.expect(200);
    review.says("1 device");
    // Whoever goes back to change something need not choose the file again.
    let data = review.between("name=\"data.Payload\" value=\"", "\"").unwrap();
    let back = [to[0], to[1], to[2], ("then", "edit"), ("data.Payload", data.as_str())];
    jo.submit(&place(&tenant, "/new"), &back).await.expect(200).says("A file is here.").says(&data);
    send(&mut jo, &tenant, &review, &[]).await.expect(200);
    let command = device.idle().await.unwrap().expect("the profile");
    assert_eq!(command.keys["Payload"].as_data(), Some(file));
    device.report(&command.uuid, Reply::Acknowledge(Dictionary::new())).await.unwrap();

    let lists = [
        ("type", "InstalledApplicationList"),
        ("key.Identifiers", "org.example.a\r\n\r\norg.example.b"),
        ("key.ManagedAppsOnly", "false"),
        ("to", "devices"),
        ("devices", "D-1"),
    ];
    let review = jo.submit(&place(&tenant, "/new"), &lists).await.expect(200);
    send(&mut jo, &tenant, &review, &[]).await.expect(200);
    let command = device.idle().await.unwrap().expect("the question");
    let asked = command.keys["Identifiers"].as_array().unwrap();
    assert_eq!(
        asked.iter().filter_map(Value::as_string).collect::<Vec<_>>(),
        ["org.example.a", "org.example.b"]
    );
    assert_eq!(command.keys["ManagedAppsOnly"].as_boolean(), Some(false));

    jo.open(&place(&tenant, "/new?type=raw")).await.expect(200).says("Apple's command as a property list");
    let bad = [("type", "raw"), ("plist", "<plist><dict>"), ("to", "all")];
    jo.submit(&place(&tenant, "/new"), &bad).await.expect(400).says("<plist><dict></textarea>");
    let xml = "<plist version=\"1.0\"><dict><key>RequestType</key><string>NextYear</string></dict></plist>";
    let raw = [("type", "raw"), ("plist", xml), ("to", "all")];
    let review = jo.submit(&place(&tenant, "/new"), &raw).await.expect(200);
    send(&mut jo, &tenant, &review, &[]).await.expect(200).says("NextYear").says("All devices");
}

#[tokio::test]
async fn a_job_is_followed_stopped_and_taken_back() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let names = (0..250).map(|number| format!("D-{number:05}"));
    fleet(&app, &tenant, &topic(&app, &tenant).await, names, 0).await;
    mac(&app, &tenant, "M-1").await;
    let mut jo = administrator(&app, &tenant, JO).await;
    jo.open(&place(&tenant, "/new?type=RestartDevice")).await.expect(200);
    let all = [("type", "RestartDevice"), ("to", "all")];
    let review = jo.submit(&place(&tenant, "/new"), &all).await.expect(200);
    review.says("251 devices").says("The first of them");
    let sent = send(&mut jo, &tenant, &review, &[]).await.expect(200);
    let page = sent.place.split('?').next().unwrap().to_owned();
    sent.says("Being queued").says("Stop queueing it").says("hx-get");
    app.deliver_jobs().await;
    let done = jo.open(&page).await.expect(200);
    done.says("<dt>Queued on</dt><dd>251</dd>").is_silent_about("hx-get");
    jo.open(&format!("{page}/targets")).await.expect(200).says("D-00000").says("Go on");
    jo.submit(&format!("{page}/stop"), &[]).await.expect(409).says("Every target was looked at already.");
    jo.submit(&format!("{page}/cancel"), &[]).await.expect(200).says("Being taken back");
    app.deliver_jobs().await;
    pass_seconds(&app, 900);
    app.begin_sweep().await;
    app.deliver_jobs().await;
    jo.open(&page).await.expect(200).says("<dt>Taken back on</dt><dd>251</dd>");
    jo.open(&place(&tenant, "")).await.expect(200).says("All devices").says("Taken back");

    // By filter, stopped before it begins.
    let macs = [("type", "DeviceLock"), ("random_pin", "yes"), ("to", "filter"), ("system", "macos")];
    let review = jo.submit(&place(&tenant, "/new"), &macs).await.expect(200);
    review.says("1 device");
    let sent = send(&mut jo, &tenant, &review, &[]).await.expect(200);
    let page = sent.place.split('?').next().unwrap().to_owned();
    jo.submit(&format!("{page}/stop"), &[]).await.expect(200).says("What was queued before stays queued.");
}

#[tokio::test]
async fn erasing_a_group_wants_its_number_and_a_colleague() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    enrolled(&app, &tenant, "D-2").await;
    let year = group(&tenant, "Year 7").await;
    tenant.post(&format!("{year}/members"), json!({"add": ["D-1", "D-2"]})).await.expect(200);
    let setting = json!({"erase_needs_approval": true}).to_string().into_bytes();
    tenant.admin.call(Method::PATCH, &format!("/v1/tenants/{}", tenant.id), setting).await.expect(200);
    let mut jo = administrator(&app, &tenant, JO).await;
    let mut kim = administrator(&app, &tenant, "kim@green-school.example").await;
    jo.open(&place(&tenant, "/new?type=EraseDevice")).await.expect(200).says("<option value=\"Year 7\">");
    let erase = [("type", "EraseDevice"), ("to", "group"), ("group", "Year 7")];
    let review = jo.submit(&place(&tenant, "/new"), &erase).await.expect(200);
    review.says("2 devices").says("Nobody can undo it.");
    let before = everything(&app).await;
    let refused = send(&mut jo, &tenant, &review, &[("confirm", "3")]).await.expect(400);
    refused.says("\"3\" is not the number of devices.");
    unchanged(&app, &before).await;
    let asked = send(&mut jo, &tenant, &review, &[("confirm", "2")]).await.expect(200);
    asked.says("Waits for a colleague's approval").says("Group Year 7");
    let page = asked.place.split('?').next().unwrap().to_owned();
    let own = jo.submit(&format!("{page}/approve"), &[]).await.expect(403);
    own.says("cannot approve it").says("they find it under Commands").is_silent_about("token of their own");
    let listed = kim.open(&place(&tenant, "")).await.expect(200);
    listed
        .says("Waits for a colleague's approval")
        .says("Waiting for approval")
        .says("jo@green-school.example");
    let own = jo.open(&place(&tenant, "")).await.expect(200);
    own.says("You asked: a colleague approves.").is_silent_about(">Approve<");
    kim.open(&page).await.expect(200).says("Approve");
    kim.submit(&format!("{page}/approve"), &[]).await.expect(200).says("Approved. It is queued now.");
    app.deliver_jobs().await;
    kim.open(&page).await.expect(200).says("<dt>Queued on</dt><dd>2</dd>");
    kim.open(&place(&tenant, "")).await.expect(200).is_silent_about("Waiting for approval");
    let late = kim.submit(&format!("{page}/refuse"), &[]).await.expect(409);
    late.says("This command does not wait for an approval, or not any more.");
}

#[tokio::test]
async fn what_waits_for_approval_is_listed_until_somebody_decides_or_its_time_is_over() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let other = app.ready_tenant("Blue School").await;
    enrolled(&app, &tenant, "D-1").await;
    for school in [&tenant, &other] {
        let setting = json!({"erase_needs_approval": true}).to_string().into_bytes();
        school.admin.call(Method::PATCH, &format!("/v1/tenants/{}", school.id), setting).await.expect(200);
    }
    let mut kim = administrator(&app, &tenant, "kim@green-school.example").await;
    let mut viewer = crate::console::viewer(&app, &tenant, "vic@green-school.example").await;
    let list = place(&tenant, "");
    kim.open(&list).await.expect(200).is_silent_about("Waiting for approval");
    let school = &tenant;
    let erase = |targets| {
        let order =
            json!({"targets": targets, "command": {"RequestType": "EraseDevice"}, "expires_in": 3600});
        async move { school.post("commands", order).await.json["command_uuid"].as_str().unwrap().to_owned() }
    };
    let (one, all, late) =
        (erase(json!(["D-1"])).await, erase(json!({"all": true})).await, erase(json!(["D-1"])).await);

    let page = kim.open(&list).await.expect(200);
    page.says("<td>D-1</td>").says("<td>All devices</td>").says("the API token");
    for uuid in [&one, &all, &late] {
        page.says(&format!("/commands/{uuid}/approve")).says(&format!("/commands/{uuid}/refuse"));
    }
    viewer.open(&list).await.expect(200).says("Waiting for approval").is_silent_about("/approve");
    let mut blue = administrator(&app, &other, "bo@blue-school.example").await;
    let theirs = format!("/console/{}/commands", other.id);
    blue.open(&theirs).await.expect(200).is_silent_about("Waiting for approval");

    for uuid in [&one, &all] {
        let refused = kim.submit(&format!("{list}/{uuid}/refuse"), &[]).await.expect(200);
        refused.says("It will not be done.").is_silent_about("/approve");
    }
    let page = kim.open(&list).await.expect(200);
    page.says(&late).is_silent_about(&one);
    crate::devices::pass_seconds(&app, 3600);
    kim.open(&list).await.expect(200).is_silent_about("Waiting for approval");
}
