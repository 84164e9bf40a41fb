//! A PIN of its own for every Mac.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pomarium_local::runner::{QueueFunction, deliver_all};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{HOUR, devices, job, names};
use crate::devices::{enrolled, mac, pass_seconds, uuid_of};
use crate::killed::{Death, dying_state};

fn lock(targets: Value) -> Value {
    json!({"targets": targets, "command": {"RequestType": "DeviceLock", "Message": "Lost"}, "random_pin": true})
}

/// The PIN of a command on a device, where it was queued with one.
async fn pin(tenant: &Tenant, uuid: &str, device: &str) -> Option<String> {
    let answer = tenant.post(&format!("commands/{uuid}/targets/{device}/pin"), json!({})).await;
    if answer.status == 404 {
        return None;
    }
    let pin = answer.expect(200).json["pin"].as_str().unwrap().to_owned();
    assert!(pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()), "{pin}");
    Some(pin)
}

#[tokio::test]
async fn each_mac_gets_a_pin_of_its_own_and_an_ipad_none() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..120)).await;
    let mac = mac(&app, &tenant, "M-1").await;
    let ipad = enrolled(&app, &tenant, "P-1").await;
    let preview = tenant.post("commands/preview", lock(json!({"all": true}))).await.expect(200).json;
    assert_eq!((&preview["would_hit"], &preview["warnings"]), (&json!(122), &json!([])));
    let uuid = uuid_of(&tenant.post("commands", lock(json!({"all": true}))).await.expect(202));
    app.deliver_jobs().await;
    assert_eq!(job(&tenant, &uuid).await["queued"], 122);
    let mut pins = BTreeSet::new();
    for name in names(0..120) {
        pins.insert(pin(&tenant, &uuid, &name).await.expect("it may be a Mac"));
    }
    // Of 120 out of a million, two are the same once in 140 times.
    assert!(pins.len() >= 118, "{pins:?}");
    let sent = mac.idle().await.expect("it asks").expect("the lock");
    let own = sent.keys.get("PIN").and_then(plist::Value::as_string).map(str::to_owned);
    assert_eq!((own.is_some(), own), (true, pin(&tenant, &uuid, "M-1").await));
    let sent = ipad.idle().await.expect("it asks").expect("the lock");
    assert_eq!((sent.keys.get("PIN"), pin(&tenant, &uuid, "P-1").await), (None, None));

    // A few listed ones the same, also when the call is repeated.
    let mut few = lock(json!(["D-00000", "D-00001"]));
    few["command_uuid"] = json!("0A0A0A0A-0000-4000-8000-00000000000B");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let sent = tenant.post("commands", few.clone()).await.expect(201);
        assert_eq!(sent.json["warnings"], json!([]));
        let uuid = uuid_of(&sent);
        seen.push((pin(&tenant, &uuid, "D-00000").await, pin(&tenant, &uuid, "D-00001").await));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].0.is_some() && seen[0].0 != seen[0].1, "{seen:?}");
}

#[tokio::test]
async fn wherever_a_page_dies_a_device_keeps_its_first_pin() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..2)).await;
    for calls in 0.. {
        let uuid = uuid_of(&tenant.post("commands", lock(json!({"all": true}))).await.expect(202));
        let happened = Arc::new(AtomicBool::new(false));
        let left = Arc::new(AtomicUsize::new(calls));
        let dying = dying_state(&app, Death::new(&app, left, true, &happened)).await;
        deliver_all(QueueFunction::CommandJobs, &dying, app.runner.aws.queues()).await.unwrap();
        let mut first = BTreeMap::new();
        for name in names(0..2) {
            first.insert(name.clone(), pin(&tenant, &uuid, &name).await);
        }
        pass_seconds(&app, HOUR);
        app.begin_sweep().await;
        app.deliver_jobs().await;
        for (name, first) in first {
            let last = pin(&tenant, &uuid, &name).await.expect("it was queued");
            assert!(first.is_none_or(|first| first == last), "died at call {calls}: {name}");
        }
        if !happened.load(Ordering::SeqCst) {
            assert!(calls >= 7, "it made too few calls to be true");
            break;
        }
    }
}

#[tokio::test]
async fn a_random_pin_is_for_what_takes_one_and_survives_the_second_administrator() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    devices(&app, &tenant, names(0..2)).await;
    for command in
        [json!({"RequestType": "RestartDevice"}), json!({"RequestType": "DeviceLock", "PIN": "123456"})]
    {
        for (targets, path) in [
            (json!({"all": true}), "commands"),
            (json!(["D-00000"]), "commands"),
            (json!({"all": true}), "commands/preview"),
        ] {
            let order = json!({"targets": targets, "command": command, "random_pin": true});
            let refused = tenant.post(path, order).await.expect(400);
            assert_eq!(
                (refused.problem(), &refused.json["field"]),
                ("command-random-pin", &json!("random_pin"))
            );
        }
    }
    let path = format!("/v1/tenants/{}", tenant.id);
    let setting = json!({"erase_needs_approval": true}).to_string();
    tenant.admin.call(Method::PATCH, &path, setting.into()).await.expect(200);
    let made = tenant.post("tokens", json!({"name": "Jo", "role": "admin"})).await.expect(201);
    let colleague = app.api(made.json["token"].as_str().unwrap());
    for (targets, status) in [(json!({"all": true}), 202), (json!(["D-00000", "D-00001"]), 201)] {
        let erase =
            json!({"targets": targets, "command": {"RequestType": "EraseDevice"}, "random_pin": true});
        let uuid = uuid_of(&tenant.post("commands", erase).await.expect(status));
        colleague.post(&tenant.path(&format!("commands/{uuid}/approve")), json!({})).await.expect(200);
        app.deliver_jobs().await;
        let pins = (pin(&tenant, &uuid, "D-00000").await, pin(&tenant, &uuid, "D-00001").await);
        assert!(pins.0.is_some() && pins.1.is_some() && pins.0 != pins.1, "{pins:?}");
    }
}
