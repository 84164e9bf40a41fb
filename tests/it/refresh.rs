//! The inventory keeps itself up to date: what a tenant's rule has devices asked again.

use std::collections::BTreeMap;

use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::sweep::{DevicePage, Sweep};
use shared::service::sweep::sweep;

use crate::devices::{enrolled, enrollment, pass_seconds};
use crate::fleet::{fleet, topic};
use crate::idle_cost::proxy::Proxy;

const HOUR: i64 = 3_600;

async fn put(tenant: &Tenant, queries: Value) -> Answer {
    let body = json!({"queries": queries}).to_string();
    tenant.admin.call(Method::PUT, &tenant.path("refresh"), body.into()).await
}

/// An hour with its sweep, in which the device answers if it was woken. What it was asked is counted.
async fn an_hour(app: &TestApp, device: &mut SimDevice, asked: &mut BTreeMap<String, u32>) {
    app.sweep().await;
    if device.pushes_waiting() > 0 {
        assert!(device.wait_for_push().await);
        for done in device.answer_all().await.expect("it answers") {
            *asked.entry(done.request_type).or_default() += 1;
        }
    }
    pass_seconds(app, HOUR - 900);
}

#[tokio::test]
async fn each_question_is_asked_as_often_as_the_rule_says() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = enrolled(&app, &tenant, "D-1").await;
    let mut asked = BTreeMap::new();
    an_hour(&app, &mut device, &mut asked).await;
    assert!(asked.is_empty(), "off unless a tenant asks for it");
    let rule = json!({"DeviceInformation": 24, "ProfileList": 48, "SecurityInfo": 1});
    assert_eq!(put(&tenant, rule.clone()).await.expect(200).json["queries"], rule);
    for _ in 0..24 {
        an_hour(&app, &mut device, &mut asked).await;
    }
    let first_day = asked.clone();
    assert_eq!((first_day["DeviceInformation"], first_day["ProfileList"]), (1, 1), "{first_day:?}");
    assert!((23..=24).contains(&first_day["SecurityInfo"]), "{first_day:?}");
    for _ in 0..48 {
        an_hour(&app, &mut device, &mut asked).await;
    }
    assert_eq!((asked["DeviceInformation"], asked["ProfileList"]), (3, 2), "{asked:?}");
    assert_eq!(asked["SecurityInfo"], first_day["SecurityInfo"] + 48);
    let inventory = tenant.get("enrollments/D-1/inventory").await.expect(200).text();
    assert!(inventory.contains("security") && inventory.contains("profiles"), "{inventory}");
    put(&tenant, json!({})).await.expect(200);
    for _ in 0..30 {
        an_hour(&app, &mut device, &mut BTreeMap::new()).await;
    }
    assert_eq!(device.pushes_waiting(), 0);
    assert_eq!(tenant.get("refresh").await.expect(200).json["queries"], json!({}));
}

#[tokio::test]
async fn questions_do_not_pile_up_on_a_silent_device_or_one_that_cannot_answer_now() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    put(&tenant, json!({"ProfileList": 1, "SecurityInfo": 1})).await.expect(200);
    pass_seconds(&app, 1);
    let mut device = enrolled(&app, &tenant, "D-1").await;
    for _ in 0..30 {
        app.sweep().await;
        pass_seconds(&app, HOUR - 900);
    }
    assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 2, "each question once");
    for _ in 0..3 {
        device.will_answer("ProfileList", Reply::NotNow);
        device.will_answer("SecurityInfo", Reply::NotNow);
        device.answer_all().await.expect("it says NotNow");
        app.sweep().await;
        pass_seconds(&app, HOUR - 900);
        assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 2, "the later takes the place");
    }
    assert_eq!(device.answer_all().await.expect("it answers").len(), 2);
    assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 0);
}

#[tokio::test]
async fn the_first_questions_are_spread_over_a_day_and_each_device_gets_one() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let topic = topic(&app, &tenant).await;
    let names: Vec<String> = (0..110).map(|number| format!("D-{number:03}")).collect();
    fleet(&app, &tenant, &topic, names.clone(), 0).await;
    put(&tenant, json!({"ProfileList": 168})).await.expect(200);
    let waiting = async || {
        let mut sum = 0;
        for name in &names {
            let waiting = enrollment(&tenant, name).await["waiting_commands"].as_u64().unwrap();
            assert!(waiting <= 1, "{name} was asked {waiting} times");
            sum += waiting;
        }
        sum
    };
    for _ in 0..6 {
        pass_seconds(&app, HOUR);
        app.begin_sweep().await;
    }
    let early = waiting().await;
    assert!((10..=50).contains(&early), "{early} of 110 in the first six hours");
    for _ in 0..18 {
        pass_seconds(&app, HOUR);
        app.begin_sweep().await;
    }
    assert_eq!(waiting().await, 110);
}

#[tokio::test]
async fn only_who_is_enrolled_and_can_answer_is_asked() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    put(&tenant, json!({"ProfileList": 1})).await.expect(200);
    pass_seconds(&app, 1);
    let device = enrolled(&app, &tenant, "D-1").await;
    let user = device.user("U-1", "jo");
    user.token_update(None).await.expect("the user's channel begins");
    enrolled(&app, &tenant, "D-2").await;
    tenant.post("enrollments/D-2/retire", json!({})).await.expect(200);
    // Its certificate is gone: nothing could wake it.
    let foreign = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000";
    fleet(&app, &tenant, foreign, ["D-3".to_owned()], 0).await;
    app.begin_sweep().await;
    for (id, waiting) in [("D-1", 1), ("D-1:U-1", 0), ("D-2", 0), ("D-3", 0)] {
        assert_eq!(enrollment(&tenant, id).await["waiting_commands"], waiting, "{id}");
    }
}

#[tokio::test]
async fn a_page_that_is_done_twice_asks_once_and_costs_a_call_a_question() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    put(&tenant, json!({"ProfileList": 24, "SecurityInfo": 24})).await.expect(200);
    pass_seconds(&app, 1);
    let topic = topic(&app, &tenant).await;
    fleet(&app, &tenant, &topic, ["D-1".to_owned(), "D-2".to_owned()], 0).await;
    let (proxy, state) = Proxy::beside(&app).await;
    let page = Sweep::Devices(DevicePage::first(tenant.id.parse().unwrap()));
    let (first, second) = tokio::join!(sweep(&state, &page), sweep(&app.runner.state, &page));
    first.unwrap();
    second.unwrap();
    for id in ["D-1", "D-2"] {
        assert_eq!(enrollment(&tenant, id).await["waiting_commands"], 2);
    }
    pass_seconds(&app, HOUR);
    fleet(&app, &tenant, &topic, ["D-3".to_owned()], 0).await;
    proxy.take();
    sweep(&state, &page).await.unwrap();
    let questions = ["TransactWriteItems", "TransactWriteItems"];
    let expected = ["Query", "BatchGetItem", "BatchGetItem", "Query"].into_iter().chain(questions);
    assert_eq!(proxy.take(), expected.chain(["UpdateItem"]).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for (queries, code, field) in [
        (json!({"EraseDevice": 24}), "refresh-query", "queries.EraseDevice"),
        (json!({"ProfileList": 0}), "refresh-hours", "queries.ProfileList"),
        (json!({"ProfileList": 721}), "refresh-hours", "queries.ProfileList"),
        (json!({"ProfileList": "daily"}), "json-body", "queries.ProfileList"),
    ] {
        let refused = put(&tenant, queries.clone()).await.expect(400);
        assert_eq!((refused.problem(), &refused.json["field"]), (code, &json!(field)), "{queries}");
    }
    assert_eq!(tenant.get("refresh").await.expect(200).json["queries"], json!({}));
}
