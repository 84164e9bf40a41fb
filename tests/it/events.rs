//! What becomes of devices is written down with the change itself: the surveillance log.

use plist::Dictionary;
use pomarium_local::apns::Answer;
use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::{Tenant, TestApp};
use serde_json::Value;

use crate::devices::{enrolled, pass_seconds, queue};

/// The page's events, the latest first.
async fn events(tenant: &Tenant, query: &str) -> Vec<Value> {
    let page = tenant.get(&format!("events?{query}")).await.expect(200);
    page.json["events"].as_array().unwrap().clone()
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_devices_life_is_written_down() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    // Not an event: the address was known.
    device.token_update(None).await.expect("it is taken");
    pass_seconds(&app, 1);
    let uuid = queue(&tenant, "D-1", "DeviceInformation").await;
    device.report(&uuid, Reply::NotNow).await.expect("it is taken");
    device.report(&uuid, Reply::Acknowledge(Dictionary::new())).await.expect("it is taken");
    // A final answer counts once.
    device.report(&uuid, Reply::Acknowledge(Dictionary::new())).await.expect("it is taken");
    pass_seconds(&app, 1);
    device.authenticate().await.expect("it begins again");
    pass_seconds(&app, 1);
    device.token_update(None).await.expect("it enrolls");
    pass_seconds(&app, 1);
    device.check_out().await.expect("it goes");

    let log = events(&tenant, "").await;
    assert_eq!(
        actions(&log),
        ["checked-out", "device-enrolled", "enrollment-restarted", "command-completed", "device-enrolled"]
    );
    for event in &log {
        assert_eq!(event["enrollment"], "D-1");
        assert!(event["actor"].as_str().unwrap().starts_with("device:"), "{event}");
    }
    assert_eq!(log[3]["facts"]["command_uuid"], uuid.as_str());
    assert_eq!(log[3]["facts"]["status"], "Acknowledged");
}

#[tokio::test]
async fn a_push_address_that_is_no_good_is_written_down_once() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let topic = device.profile().unwrap().topic.clone();
    app.runner
        .apns
        .script(&topic, [Answer::Status { status: 410, reason: "Unregistered", retry_after: None }]);
    queue(&tenant, "D-1", "DeviceInformation").await;
    app.deliver_hints().await;
    queue(&tenant, "D-1", "DeviceInformation").await;
    app.deliver_hints().await;
    let refused = events(&tenant, "action=push-address-refused").await;
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&refused[0]["facts"]["reason"], &refused[0]["actor"]),
        (&"Unregistered".into(), &"system:wake-up".into())
    );
}

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let devices = [enrolled(&app, &tenant, "D-1").await, enrolled(&app, &tenant, "D-2").await];
    let middle = app.clock.now() + shared::time::SignedDuration::from_secs(30);
    for round in 0..70 {
        pass_seconds(&app, 1);
        for (device, udid) in devices.iter().zip(["D-1", "D-2"]).take(if round < 10 { 1 } else { 2 }) {
            let uuid = queue(&tenant, udid, "DeviceInformation").await;
            device.report(&uuid, Reply::Acknowledge(Dictionary::new())).await.expect("it is taken");
        }
    }
    let mut all = Vec::new();
    let mut next = String::new();
    loop {
        let page = tenant.get(&format!("events?enrollment=D-2{next}")).await.expect(200).json;
        all.extend(page["events"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(mark) => next = format!("&after={mark}"),
            None => break,
        }
    }
    assert_eq!(all.len(), 61, "sixty commands and the enrollment");
    assert!(all.iter().all(|event| event["enrollment"] == "D-2"));
    let times: Vec<_> = all.iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|left, right| left >= right));

    assert_eq!(events(&tenant, "action=device-enrolled").await.len(), 2);
    let actor = all[0]["actor"].as_str().unwrap();
    assert_eq!(events(&tenant, &format!("actor={actor}")).await.len(), 61);
    let early = events(&tenant, &format!("until={middle}")).await;
    let late = events(&tenant, &format!("from={middle}&enrollment=D-1")).await;
    assert_eq!((early.len(), late.len()), (2 + 10 + 2 * 19, 41));
    assert!(events(&tenant, "month=2026-10").await.is_empty());
    assert_eq!(tenant.get("events?month=October").await.expect(400).problem(), "audit-month");
    assert_eq!(tenant.get("events?after=zz").await.expect(400).problem(), "page-mark");
    // An empty range holds nothing; a mark of other times is none of this one's.
    assert!(events(&tenant, &format!("from={middle}&until=2026-11-01T00:00:00Z")).await.is_empty());
    let first = tenant.get("events").await.expect(200).json;
    let mark = first["next"].as_str().unwrap();
    for range in [format!("until=2026-11-02T00:00:00Z&after={mark}"), "after=".to_owned()] {
        let refused = tenant.get(&format!("events?{range}")).await.expect(400);
        assert_eq!(refused.problem(), "page-mark", "{range}");
    }
    tenant.get("events?from=yesterday").await.expect(400);
    let audit = tenant.get("audit?action=tenant-created").await.expect(200).json;
    assert_eq!(audit["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_devices_identity_is_refused_and_reported() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    let mut thief = SimDevice::new("D-2", "C02ABC", "Another");
    thief.set_profile(device.profile().expect("installed").clone());
    thief.set_identity(device.identity().expect("issued").clone());
    assert_eq!(thief.authenticate().await.expect_err("it is another's").status(), Some(400));
    let reported = events(&tenant, "action=identity-refused").await;
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0]["enrollment"], "D-2");
    let fingerprint = reported[0]["facts"]["fingerprint"].as_str().unwrap();
    assert_eq!(reported[0]["actor"], format!("device:{fingerprint}"));
}

#[tokio::test]
async fn one_tenants_devices_are_not_in_anothers_log() {
    let app = TestApp::start().await;
    let (green, blue) = (app.ready_tenant("Green School").await, app.ready_tenant("Blue School").await);
    enrolled(&app, &green, "D-1").await;
    enrolled(&app, &blue, "D-2").await;
    for (tenant, udid) in [(green, "D-1"), (blue, "D-2")] {
        let log = events(&tenant, "").await;
        assert_eq!((log.len(), &log[0]["enrollment"]), (1, &udid.into()));
    }
}
