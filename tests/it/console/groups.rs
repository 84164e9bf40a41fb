//! A group's page: who is in it, who joins, who leaves.

use pomarium_local::device::SimDevice;
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;

use super::{administrator, viewer};
use crate::fleet::{fleet, topic};
use crate::stored::{everything, unchanged};

async fn enroll(app: &TestApp, tenant: &Tenant, udid: &str, serial: &str, name: &str) -> SimDevice {
    let mut device = SimDevice::new(udid, serial, name);
    device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    device
}

#[tokio::test]
async fn devices_join_by_serial_number_udid_or_table_and_leave() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enroll(&app, &tenant, "D-1", "C02AAA", "Jo's iPad").await;
    enroll(&app, &tenant, "D-2", "C02BBB", "Kim's iPad").await;
    enroll(&app, &tenant, "D-3", "C02CCC", "Lu's iPad").await;
    let mut jo = administrator(&app, &tenant, "jo@green-school.example").await;
    let groups = format!("/console/{}/settings/groups", tenant.id);
    let made = jo.submit(&groups, &[("name", "Room 12")]).await.expect(200);
    let id = made.between("name=\"group\" value=\"", "\"").unwrap();
    let page = format!("{groups}/{id}");
    made.says(&format!("href=\"{page}\""));
    jo.open(&page).await.expect(200).says("No device is in this group yet.");

    let add = format!("{page}/add");
    let before = everything(&app).await;
    let unknown = jo.submit(&add, &[("devices", "C02AAA\nC02ZZZ\nD-9")]).await.expect(404);
    unknown.says("There is no such device: C02ZZZ, D-9.").says("C02AAA C02ZZZ D-9</textarea>");
    jo.submit(&add, &[("devices", " ")]).await.expect(400).says("1 to 500 go at once");
    unchanged(&app, &before).await;
    let joined = jo.submit(&add, &[("devices", "c02aaa\nD-2")]).await.expect(200);
    joined.says("They are in the group.").says("Jo's iPad").says("Kim's iPad").is_silent_about("Lu's iPad");
    let table = b"Name,Serial Number\nLu,C02CCC\nJo,C02AAA\n";
    let joined = jo.upload(&add, &[("devices", "")], &[("list", "room.csv", table.as_slice())]).await;
    joined.expect(200).says("Lu's iPad");
    let members = tenant.get(&format!("groups/{id}/members")).await.expect(200).json;
    assert_eq!(members["members"].as_array().unwrap().len(), 3);

    let remove = format!("{page}/remove");
    jo.submit(&remove, &[]).await.expect(400).says("No device was chosen.");
    let left = jo.submit(&remove, &[("device", "D-1"), ("device", "D-3")]).await.expect(200);
    left.says("They stay enrolled.")
        .says("Kim's iPad")
        .is_silent_about("Jo's iPad")
        .is_silent_about("Lu's iPad");

    let mut vic = viewer(&app, &tenant, "vic@green-school.example").await;
    let seen = vic.open(&page).await.expect(200);
    seen.says("Kim's iPad").is_silent_about("Add devices").is_silent_about("Take the chosen ones out");
    jo.open(&format!("{groups}/none")).await.expect(404);
    let blue = app.ready_tenant("Blue School").await;
    let mut lu = administrator(&app, &blue, "lu@blue-school.example").await;
    lu.open(&page).await.expect(404);
    lu.open(&format!("/console/{}/settings/groups/{id}", blue.id)).await.expect(404);
}

#[tokio::test]
async fn a_large_group_is_read_a_page_at_a_time() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let names: Vec<String> = (0..101).map(|number| format!("D-{number:03}")).collect();
    fleet(&app, &tenant, &topic(&app, &tenant).await, names.clone(), 0).await;
    let made = tenant.post("groups", serde_json::json!({"name": "Year 7"})).await.expect(201).json;
    let id = made["id"].as_str().unwrap();
    let mut jo = administrator(&app, &tenant, "jo@green-school.example").await;
    let page = format!("/console/{}/settings/groups/{id}", tenant.id);
    jo.open(&page).await.expect(200);
    let first = jo.submit(&format!("{page}/add"), &[("devices", &names.join("\n"))]).await.expect(200);
    first.says("D-000").says("D-099").is_silent_about("D-100");
    let next = first.between("?after=", "\"").unwrap();
    jo.open(&format!("{page}?after={next}")).await.expect(200).says("D-100").is_silent_about("D-099");
    tenant.admin.call(Method::DELETE, &tenant.path(&format!("groups/{id}")), Vec::new()).await.expect(204);
    jo.open(&page).await.expect(404);
}
