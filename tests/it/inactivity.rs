//! Silence: a device that says nothing becomes inactive, comes back by itself, and is let in again by an administrator; and
//! nobody is locked out because the server was deaf.

use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::time::SignedDuration;

use crate::devices::{enrolled, enrollment, pass_seconds};
use crate::fleet::{fleet, topic};

const HOUR: i64 = 3_600;

async fn put(tenant: &Tenant, rule: Value) -> Answer {
    tenant.admin.call(Method::PUT, &tenant.path("inactivity"), rule.to_string().into()).await
}

/// Lets hours pass with a sweep in each, as the schedule does. The devices given answer what wakes them.
async fn pass_hours(app: &TestApp, hours: u32, listening: &mut [&mut SimDevice]) {
    for _ in 0..hours {
        app.sweep().await;
        for device in &mut *listening {
            while device.pushes_waiting() > 0 {
                assert!(device.wait_for_push().await);
                device.answer_all().await.expect("it answers");
            }
        }
        // What follows from a look at everybody is done by now; the rest of the hour passes.
        pass_seconds(app, HOUR - 15 * 60);
    }
}

/// Lets the first device fall silent under a rule of 24 hours, while another one answers.
pub(crate) async fn fall_silent(app: &TestApp, other: &mut SimDevice) {
    pass_seconds(app, 22 * HOUR);
    pass_hours(app, 9, &mut [other]).await;
}

/// What the logs say of silence, the latest first: what devices and the sweep did, and what administrators did.
async fn told(tenant: &Tenant) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut told = Vec::new();
    for action in ["device-inactive", "device-returned", "inactivity-held"] {
        let events = tenant.get(&format!("events?action={action}")).await.expect(200).json["events"].clone();
        let entry = |event: &Value| (text(&event["at"]), text(&event["action"]), text(&event["enrollment"]));
        told.extend(events.as_array().unwrap().iter().map(entry));
    }
    let entries = tenant.get("audit?action=access-unlocked").await.expect(200).json["entries"].clone();
    let entry =
        |entry: &Value| (text(&entry["at"]), text(&entry["action"]), text(&entry["facts"]["enrollment"]));
    told.extend(entries.as_array().unwrap().iter().map(entry));
    told.sort_by(|left, right| right.0.cmp(&left.0));
    told.into_iter().map(|(_, action, enrollment)| (action, enrollment)).collect()
}

fn entry(action: &str, enrollment: &str) -> (String, String) {
    (action.to_owned(), enrollment.to_owned())
}

/// A tenant with a rule of 24 hours, and two devices.
async fn world(rule: Value) -> (TestApp, Tenant, SimDevice, SimDevice) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let silent = enrolled(&app, &tenant, "D-1").await;
    let other = enrolled(&app, &tenant, "D-2").await;
    put(&tenant, rule).await.expect(200);
    (app, tenant, silent, other)
}

#[tokio::test]
async fn a_silent_device_is_locked_out_returns_by_itself_and_is_let_in_by_an_administrator() {
    let (app, tenant, silent, mut other) = world(json!({"after": "24h"})).await;
    pass_hours(&app, 24, &mut [&mut other]).await;
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "enrolled", "it has an hour for the last question");
    pass_hours(&app, 6, &mut [&mut other]).await;
    let told_of = enrollment(&tenant, "D-1").await;
    assert_eq!((&told_of["state"], told_of["locked_at"].is_string()), (&json!("inactive"), true));
    assert_eq!(told_of["locked_at"], told_of["inactive_since"]);
    assert_eq!(enrollment(&tenant, "D-2").await["state"], "enrolled");
    assert_eq!(told(&tenant).await, [entry("device-inactive", "D-1")]);
    let access =
        async |tenant: &Tenant| tenant.get("access?udid=D-1").await.expect(200).json["reason"].clone();
    assert_eq!(access(&tenant).await, "inactive");

    // It answers: enrolled again by itself, and still locked out.
    silent.idle().await.expect("it is served");
    let back = enrollment(&tenant, "D-1").await;
    assert_eq!((&back["state"], &back["inactive_since"]), (&json!("enrolled"), &Value::Null));
    assert_eq!((&back["locked_at"], access(&tenant).await), (&told_of["locked_at"], json!("locked")));
    silent.idle().await.expect("it is served");
    assert_eq!(told(&tenant).await, [entry("device-returned", "D-1"), entry("device-inactive", "D-1")]);

    // Not even a new enrollment opens what is closed.
    silent.authenticate().await.expect("it enrolls anew");
    silent.token_update(None).await.expect("it enrolls anew");
    assert_eq!(access(&tenant).await, "locked");

    // What is told at one moment has no order.
    pass_seconds(&app, 1);
    for _ in 0..2 {
        let unlocked = tenant.post("enrollments/D-1/unlock", json!({})).await.expect(200);
        assert_eq!(
            (&unlocked.json["state"], &unlocked.json["locked_at"]),
            (&json!("enrolled"), &Value::Null)
        );
    }
    assert_eq!(access(&tenant).await, "enrolled");
    assert_eq!(told(&tenant).await[0], entry("access-unlocked", "D-1"));
    assert_eq!(told(&tenant).await.len(), 3, "what changes nothing is not told");
    assert_eq!(tenant.post("enrollments/D-9/unlock", json!({})).await.status, 404);
}

#[tokio::test]
async fn every_word_of_an_inactive_device_brings_it_back() {
    for word in ["poll", "token", "bootstrap", "declarations"] {
        let (app, tenant, silent, mut other) = world(json!({"after": "24h"})).await;
        fall_silent(&app, &mut other).await;
        assert_eq!(enrollment(&tenant, "D-1").await["state"], "inactive");
        match word {
            "poll" => {
                drop(silent.report("00000000-0000-4000-8000-000000000001", Reply::NotNow).await.unwrap())
            }
            "token" => silent.token_update(None).await.unwrap(),
            "bootstrap" => silent.set_bootstrap_token(b"token").await.unwrap(),
            _ => {
                let tokens =
                    plist::Dictionary::from_iter([("Endpoint".to_owned(), plist::Value::from("tokens"))]);
                assert_eq!(silent.send_checkin("DeclarativeManagement", tokens).await.unwrap().status, 200);
            }
        }
        assert_eq!(enrollment(&tenant, "D-1").await["state"], "enrolled", "{word}");
        assert_eq!(told(&tenant).await[0], entry("device-returned", "D-1"), "{word}");
    }
}

#[tokio::test]
async fn devices_that_answer_are_never_inactive_and_without_a_rule_nobody_is_asked() {
    let (app, tenant, mut one, mut other) = world(json!({"after": "24h"})).await;
    pass_hours(&app, 30, &mut [&mut one, &mut other]).await;
    assert!(told(&tenant).await.is_empty());
    put(&tenant, json!({"after": "never"})).await.expect(200);
    let pushes = app.runner.apns.pushes().len();
    pass_hours(&app, 30, &mut []).await;
    assert_eq!((told(&tenant).await.len(), app.runner.apns.pushes().len()), (0, pushes));
}

#[tokio::test]
async fn a_deaf_server_locks_nobody_out() {
    let (app, tenant, _silent, mut other) = world(json!({"after": "24h"})).await;
    // Nobody at all is heard, so that it may be the server that does not hear.
    pass_hours(&app, 36, &mut []).await;
    assert!(told(&tenant).await.is_empty());
    // Others are heard again: the device is asked once more, and only then it is the device's own silence.
    other.idle().await.expect("it is served");
    pass_hours(&app, 12, &mut [&mut other]).await;
    assert_eq!(told(&tenant).await, [entry("device-inactive", "D-1")]);
}

#[tokio::test]
async fn an_expired_push_certificate_locks_nobody_out() {
    let (app, tenant, _silent, _other) = world(json!({"after": "24h"})).await;
    let elsewhere = app.ready_tenant("Blue School").await;
    app.pass_days(364);
    let heard = enrolled(&app, &elsewhere, "D-3").await;
    app.pass_days(2);
    for _ in 0..4 {
        heard.idle().await.expect("others are heard");
        pass_hours(&app, 8, &mut []).await;
    }
    assert!(told(&tenant).await.is_empty());
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "enrolled");
}

#[tokio::test]
async fn too_many_at_once_are_held_told_once_and_confirmed_by_their_number() {
    let (app, tenant, mut first, mut second) = world(json!({"after": "24h", "daily_cap": 2})).await;
    let topic = topic(&app, &tenant).await;
    fleet(&app, &tenant, &topic, (0..4).map(|number| format!("S-{number}")), 0).await;
    pass_hours(&app, 36, &mut [&mut first, &mut second]).await;
    assert_eq!(told(&tenant).await, [entry("inactivity-held", "")]);
    let held = tenant.get("inactivity").await.expect(200).json["held"].clone();
    assert_eq!((&held["would_hit"], &held["devices"]), (&json!(4), &json!(6)));

    let preview = tenant.post("inactivity/preview", json!({})).await.expect(200).json;
    assert_eq!(preview["words"], "It would hit 4 devices of 6.");
    assert_eq!((&preview["held"], &preview["first"]), (&json!(true), &json!(["S-0", "S-1", "S-2", "S-3"])));
    let wrong = tenant.post("inactivity/confirm", json!({"devices": 3})).await.expect(409);
    assert_eq!((wrong.problem(), &wrong.json["field"]), ("inactivity-confirm", &json!("devices")));
    let confirmed = tenant.post("inactivity/confirm", json!({"devices": 4})).await.expect(200);
    assert_eq!(confirmed.json["held"], Value::Null);

    // Confirmed, two become inactive this day, and two the next one.
    pass_hours(&app, 1, &mut [&mut first, &mut second]).await;
    let listed = tenant.get("enrollments?state=inactive&locked=true").await.expect(200).json;
    assert_eq!(listed["enrollments"].as_array().unwrap().len(), 2);
    pass_hours(&app, 22, &mut [&mut first, &mut second]).await;
    let listed = tenant.get("enrollments?locked=false").await.expect(200).json;
    let free: Vec<&Value> = listed["enrollments"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(free, ["D-1", "D-2"]);
    assert_eq!(told(&tenant).await.len(), 5);
}

#[tokio::test]
async fn a_rule_is_tried_without_consequences_and_holidays_are_spared() {
    let (app, tenant, _silent, other) = world(json!({"after": "never"})).await;
    pass_hours(&app, 1, &mut []).await;
    app.pass_days(8);
    other.token_update(None).await.expect("it is heard");
    let first = app.clock.now() - SignedDuration::from_hours(24 * 5);
    let day = |at: shared::time::Timestamp| at.strftime("%Y-%m-%d").to_string();
    let holidays = json!([{"name": "Autumn", "from": day(first), "to": day(app.clock.now())}]);
    for (rule, hit) in [
        (json!({"after": "7d"}), 1),
        (json!({"after": "14d"}), 0),
        (json!({"after": "never"}), 0),
        (json!({"after": "7d", "exceptions": holidays}), 0),
        (json!({"after": "24h", "exceptions": holidays}), 1),
    ] {
        let preview = tenant.post("inactivity/preview", json!({"rule": rule})).await.expect(200).json;
        assert_eq!((&preview["would_hit"], &preview["devices"]), (&json!(hit), &json!(2)), "{rule}");
    }
    assert_eq!(tenant.get("inactivity").await.expect(200).json["after"], "never");
    assert!(told(&tenant).await.is_empty());
    put(&tenant, json!({"after": "24h", "exceptions": holidays, "daily_cap": 1})).await.expect(200);
    let shown = tenant.get("inactivity").await.expect(200).json;
    assert_eq!(
        (&shown["after"], &shown["exceptions"], &shown["daily_cap"]),
        (&json!("24h"), &holidays, &json!(1))
    );
}

#[tokio::test]
async fn a_device_lock_waits_for_the_device_that_comes_back() {
    let rule =
        json!({"after": "24h", "device_lock": {"message": "Please call the office", "phone_number": "555"}});
    let (app, tenant, silent, mut other) = world(rule).await;
    fall_silent(&app, &mut other).await;
    let waiting = enrollment(&tenant, "D-1").await;
    assert_eq!((&waiting["state"], &waiting["waiting_commands"]), (&json!("inactive"), &json!(1)));
    pass_hours(&app, 6, &mut [&mut other]).await;
    assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 1, "once");
    let command = silent.idle().await.expect("it is served").expect("the lock");
    assert_eq!(command.request_type, "DeviceLock");
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "enrolled");
}

#[tokio::test]
async fn the_wrong_field_of_a_rule_is_named() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    for (rule, problem, field) in [
        (json!({"after": "2d"}), "json-body", "after"),
        (json!({}), "json-body", ""),
        (json!({"after": "7d", "daily_cap": 0}), "inactivity-daily-cap", "daily_cap"),
        (
            json!({"after": "7d", "exceptions": [{"name": "x", "from": "2026-12-24", "to": "2026-12-23"}]}),
            "inactivity-exceptions",
            "exceptions[0].to",
        ),
        (
            json!({"after": "7d", "device_lock": {"message": ""}}),
            "inactivity-device-lock",
            "device_lock.message",
        ),
    ] {
        let refused = put(&tenant, rule.clone()).await.expect(400);
        assert_eq!(refused.problem(), problem, "{rule}");
        assert_eq!(refused.json["field"].as_str().unwrap_or_default(), field, "{rule}");
    }
    assert_eq!(tenant.get("inactivity").await.expect(200).json["daily_cap"], 50);
}
