//! Filters by installed apps and profiles.

use plist::{Dictionary, Value as Plist};
use pomarium_local::device::Reply;
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value, json};
use shared::domain::command_job::JobHint;
use shared::service::command_jobs::do_page;

use super::{devices, job, names, order, queued_on, send};
use crate::devices::{enrolled, queue, uuid_of};
use crate::idle_cost::proxy::Proxy;

/// An answer to a query: a list of dictionaries under a key.
fn told(key: &str, entries: Vec<Vec<(&str, String)>>) -> Reply {
    let entry = |entry: Vec<(&str, String)>| {
        let entry = entry.into_iter().map(|(key, text)| (key.to_owned(), Plist::from(text)));
        Plist::from(Dictionary::from_iter(entry))
    };
    let entries = Plist::Array(entries.into_iter().map(entry).collect());
    Reply::Acknowledge(Dictionary::from_iter([(key.to_owned(), entries)]))
}

/// A device that told which apps it has, and which profile.
async fn telling(
    app: &TestApp,
    tenant: &Tenant,
    udid: &str,
    apps: &[(&str, &str)],
    others: usize,
    profile: &str,
) {
    let mut device = enrolled(app, tenant, udid).await;
    let mut listed: Vec<Vec<(&str, String)>> = (0..others)
        .map(|number| vec![("Identifier", format!("org.other.{number}")), ("Name", "x".repeat(100))])
        .collect();
    for (identifier, version) in apps {
        listed.push(vec![("Identifier", (*identifier).into()), ("ShortVersion", (*version).into())]);
    }
    device.will_answer("InstalledApplicationList", told("InstalledApplicationList", listed));
    let profiles = vec![vec![("PayloadIdentifier", profile.to_owned())]];
    device.will_answer("ProfileList", told("ProfileList", profiles));
    queue(tenant, udid, "InstalledApplicationList").await;
    queue(tenant, udid, "ProfileList").await;
    device.answer_all().await.expect("the device answers");
}

#[tokio::test]
async fn what_is_installed_says_whom_a_command_hits() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    telling(&app, &tenant, "D-1", &[("org.browser", "5.9")], 0, "wifi").await;
    telling(&app, &tenant, "D-2", &[("org.browser", "5.10")], 0, "vpn").await;
    telling(&app, &tenant, "D-3", &[("org.mail", "1")], 0, "wifi").await;
    // So many that the answer is kept in the bucket.
    telling(&app, &tenant, "D-4", &[("org.browser", "5.9")], 600, "vpn").await;
    enrolled(&app, &tenant, "D-5").await;
    for (filter, hit) in [
        (json!({"app": {"identifier": "org.browser"}}), vec!["D-1", "D-2", "D-4"]),
        (json!({"app": {"identifier": "org.browser", "version_below": "5.10"}}), vec!["D-1", "D-4"]),
        (json!({"app": {"identifier": "org.browser", "version_at_least": "5.10"}}), vec!["D-2"]),
        (json!({"app": {"identifier": "org.browser", "installed": false}}), vec!["D-3"]),
        (json!({"profile": {"identifier": "wifi"}}), vec!["D-1", "D-3"]),
        (json!({"profile": {"identifier": "wifi", "installed": false}}), vec!["D-2", "D-4"]),
        (json!({"app": {"identifier": "org.browser"}, "profile": {"identifier": "vpn"}}), vec!["D-2", "D-4"]),
        (json!({"app": {"identifier": "org.browser"}, "serial_prefix": "DMP"}), vec![]),
    ] {
        let targets = json!({"filter": filter});
        let preview = tenant.post("commands/preview", order(targets.clone())).await.expect(200).json;
        assert_eq!(
            (&preview["would_hit"], &preview["complete"]),
            (&json!(hit.len()), &json!(true)),
            "{filter}"
        );
        let uuid = send(&tenant, targets).await;
        app.deliver_jobs().await;
        let done = job(&tenant, &uuid).await;
        assert_eq!(done["queued"], hit.len(), "{filter}");
        assert_eq!(queued_on(&tenant, &uuid).await, hit, "{filter}");
    }
    let listed = tenant.get("command-jobs").await.expect(200).json;
    let app_filter = json!({"identifier": "org.browser", "installed": true});
    let as_told = json!({"filter": {"app": app_filter, "serial_prefix": "DMP"}});
    assert!(listed["jobs"].as_array().unwrap().iter().any(|job| job["targets"] == as_told), "{listed}");
    for (filter, field) in [
        (json!({"app": {"identifier": ""}}), "targets.filter.app"),
        (json!({"app": {"identifier": "a", "installed": false, "version_below": "1"}}), "targets.filter.app"),
        (json!({"profile": {"identifier": ""}}), "targets.filter.profile"),
    ] {
        let refused = tenant.post("commands", order(json!({"filter": filter}))).await.expect(400);
        assert_eq!((refused.problem(), &refused.json["field"]), ("command-targets", &json!(field)));
    }
}

#[tokio::test]
async fn a_preview_by_inventory_looks_at_a_thousand() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..1_050)).await;
    let preview = async |filter: Value| {
        let answer = tenant.post("commands/preview", order(json!({"filter": filter}))).await.expect(200).json;
        (answer["looked_at"].clone(), answer["complete"].clone())
    };
    let app_is_missing = json!({"app": {"identifier": "org.browser", "installed": false}});
    assert_eq!(preview(app_is_missing).await, (json!(1_000), json!(false)));
    assert_eq!(preview(json!({"state": "enrolled"})).await, (json!(1_050), json!(true)));
}

#[tokio::test]
async fn a_page_reads_the_inventory_of_who_fits_otherwise() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    telling(&app, &tenant, "D-1", &[("org.browser", "5.9")], 0, "wifi").await;
    telling(&app, &tenant, "D-2", &[("org.browser", "5.9")], 0, "vpn").await;
    devices(&app, &tenant, names(0..3)).await;
    let (proxy, state) = Proxy::beside(&app).await;
    let filter = json!({
        "model": "iPad",
        "profile": {"identifier": "wifi"},
        "app": {"identifier": "org.browser"},
    });
    let body = json!({"targets": {"filter": filter}, "command": {"RequestType": "RestartDevice"}});
    let uuid = uuid_of(&tenant.post("commands", body).await.expect(202));
    let hint =
        JobHint { tenant: tenant.id.parse().unwrap(), command: uuid.parse().unwrap(), if_stalled: false };
    proxy.take();
    do_page(&state, &hint).await.unwrap();
    let calls = proxy.take();
    // Two profiles and one list of apps; and for how long the job is kept, because this was its last page.
    assert_eq!(calls.iter().filter(|call| *call == "GetItem").count(), 3 + 1, "{calls:?}");
    assert_eq!(calls.iter().filter(|call| *call == "TransactWriteItems").count(), 1 + 1, "{calls:?}");
}
