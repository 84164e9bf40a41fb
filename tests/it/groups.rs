//! Static groups: made, filled, listed, deleted; joined by whoever enrolls through a link.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use pomarium_tests::{Api, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::id::GroupId;

use crate::devices::{enrolled, enrollment};
use crate::fleet::{fleet, topic};
use crate::killed::{Death, dying, scope};

/// Makes a group and returns its path.
pub(crate) async fn group(tenant: &Tenant, name: &str) -> String {
    let made = tenant.post("groups", json!({"name": name})).await.expect(201).json;
    format!("groups/{}", made["id"].as_str().unwrap())
}

async fn members(tenant: &Tenant, group: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = tenant.get(&format!("{group}/members{after}")).await.expect(200).json;
        let members = page["members"].as_array().unwrap();
        assert!(members.len() <= 100);
        found.extend(members.iter().map(|member| member["enrollment"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { return found };
        after = format!("?after={next}");
    }
}

async fn delete(tenant: &Tenant, group: &str) -> u16 {
    tenant.admin.call(Method::DELETE, &tenant.path(group), Vec::new()).await.status
}

fn ids(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("D-{number:04}")).collect()
}

#[tokio::test]
async fn enrollments_join_and_leave_and_say_where_they_are() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for udid in ["D-1", "D-2"] {
        enrolled(&app, &tenant, udid).await;
    }
    let (year, room) = (group(&tenant, " Year 7 ").await, group(&tenant, "Room 12").await);
    let again = tenant.post("groups", json!({"name": "Year 7"})).await.expect(409);
    assert_eq!(again.problem(), "group-exists");
    let both = json!({"add": ["D-1", "D-2"]});
    let changed = tenant.post(&format!("{year}/members"), both.clone()).await.expect(200).json;
    assert_eq!(changed, json!({"added": 2, "removed": 0}));
    assert_eq!(tenant.post(&format!("{year}/members"), both).await.expect(200).json["added"], 0);
    tenant.post(&format!("{room}/members"), json!({"add": ["D-1"]})).await.expect(200);
    assert_eq!(enrollment(&tenant, "D-1").await["groups"], json!(["Room 12", "Year 7"]));
    assert_eq!(members(&tenant, &year).await, ["D-1", "D-2"]);

    let swap = json!({"remove": ["D-1"], "add": ["D-2"]});
    let changed = tenant.post(&format!("{year}/members"), swap).await.expect(200).json;
    assert_eq!(changed, json!({"added": 0, "removed": 1}));
    assert_eq!(enrollment(&tenant, "D-1").await["groups"], json!(["Room 12"]));
    assert_eq!(members(&tenant, &year).await, ["D-2"]);
    let listed = tenant.get("groups").await.expect(200).json;
    let names: Vec<&Value> =
        listed["groups"].as_array().unwrap().iter().map(|group| &group["name"]).collect();
    assert_eq!(names.len(), 2);
    assert_eq!(tenant.get(&year).await.expect(200).json["name"], "Year 7");
}

#[tokio::test]
async fn a_device_joins_the_group_in_its_link_and_stays_when_it_enrolls_anew() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let link = async |group: &str| {
        let made = tenant.post("enrollment-links", json!({"group": group})).await.expect(201).json;
        made["url"].as_str().unwrap().to_owned()
    };
    let mut device = pomarium_local::device::SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    device.enroll(&link("Year 7").await, &app.runner.apns).await.expect("it enrolls");
    let year = format!("groups/{}", GroupId::named("Year 7"));
    assert_eq!(tenant.get(&year).await.expect(200).json["name"], "Year 7", "the link made it");
    assert_eq!(members(&tenant, &year).await, ["D-1"]);
    // Another year, another link.
    device.enroll(&link("Year 8").await, &app.runner.apns).await.expect("it enrolls anew");
    device.enroll(&link("Year 8").await, &app.runner.apns).await.expect("and once more");
    assert_eq!(enrollment(&tenant, "D-1").await["groups"], json!(["Year 7", "Year 8"]));
    assert_eq!(members(&tenant, &format!("groups/{}", GroupId::named("Year 8"))).await, ["D-1"]);
}

#[tokio::test]
async fn a_large_group_is_listed_by_pages_and_deleted_without_its_devices() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = topic(&app, &tenant).await;
    fleet(&app, &tenant, &topic, ids(0..250), 0).await;
    let year = group(&tenant, "Year 7").await;
    let all = json!({"add": ids(0..250)});
    assert_eq!(tenant.post(&format!("{year}/members"), all).await.expect(200).json["added"], 250);
    assert_eq!(members(&tenant, &year).await, ids(0..250));
    assert_eq!(delete(&tenant, &year).await, 204);
    assert_eq!(delete(&tenant, &year).await, 404);
    tenant.get(&format!("{year}/members")).await.expect(404);
    assert_eq!(tenant.get("groups").await.expect(200).json["groups"], json!([]));
    for id in ["D-0000", "D-0249"] {
        let device = enrollment(&tenant, id).await;
        assert_eq!((&device["state"], &device["groups"]), (&json!("enrolled"), &json!([])));
    }
    // One of the same name begins empty.
    assert_eq!(members(&tenant, &group(&tenant, "Year 7").await).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_deletion_that_died_is_completed_by_whoever_repeats_it() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = topic(&app, &tenant).await;
    fleet(&app, &tenant, &topic, ids(0..45), 0).await;
    for takes_effect in [false, true] {
        for calls in 0.. {
            let year = group(&tenant, "Year 7").await;
            tenant.post(&format!("{year}/members"), json!({"add": ids(0..45)})).await.expect(200);
            let left = Arc::new(AtomicUsize::new(calls));
            let happened = Arc::new(AtomicBool::new(false));
            let address = dying(&app, Death::new(&app, left, takes_effect, &happened)).await;
            let first = Api::new(&address, Some(tenant.token()))
                .call(Method::DELETE, &tenant.path(&year), Vec::new())
                .await;
            if !happened.load(std::sync::atomic::Ordering::SeqCst) {
                assert_eq!(first.status, 204);
                assert!(calls >= 5, "it made too few calls to be true");
                break;
            }
            let again = delete(&tenant, &year).await;
            assert!(again == 204 || again == 404, "{again} after a death at call {calls}");
            let group = app.runner.state.store.group(&scope(&tenant), &GroupId::named("Year 7")).await;
            assert_eq!(group.unwrap(), None, "died at call {calls}, effect: {takes_effect}");
            assert_eq!(enrollment(&tenant, "D-0044").await["groups"], json!([]));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.ready_tenant("Green School").await, app.ready_tenant("Blue School").await);
    for udid in ["D-1", "D-2"] {
        enrolled(&app, &tenant, udid).await;
    }
    enrolled(&app, &other, "B-1").await;
    let year = group(&tenant, "Year 7").await;
    let path = format!("{year}/members");
    for (body, status, code) in [
        (json!({}), 400, "group-members"),
        (json!({"add": ids(0..501)}), 400, "group-members"),
        (json!({"add": ["D-1"], "remove": ["D-1"]}), 400, "group-members"),
        (json!({"add": ["D-1", "B-1"]}), 404, "not-found"),
        (json!({"remove": ["nobody"]}), 404, "not-found"),
    ] {
        let refused = tenant.post(&path, body.clone()).await.expect(status);
        assert_eq!(refused.problem(), code, "{body}");
    }
    assert_eq!(members(&tenant, &year).await, Vec::<String>::new());
    assert_eq!(tenant.post("groups", json!({"name": "\n"})).await.expect(400).problem(), "group-name");
    // The same name at another tenant is another group.
    other.post(&path, json!({"add": ["B-1"]})).await.expect(404);
    assert_eq!(delete(&other, &year).await, 404);

    for number in 0..50 {
        let group = group(&tenant, &format!("Room {number}")).await;
        tenant.post(&format!("{group}/members"), json!({"add": ["D-1"]})).await.expect(200);
    }
    let full = tenant.post(&path, json!({"add": ["D-2", "D-1"]})).await.expect(409);
    assert_eq!(full.problem(), "group-limit");
    assert!(full.text().contains("D-1 is in 50 groups"), "{}", full.text());
    assert_eq!(members(&tenant, &year).await, Vec::<String>::new());
}
