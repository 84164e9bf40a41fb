//! Logs end when their tenant says.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::devices::{enrolled, pass_seconds};
use crate::seals::{export, seals, verify};

const HOUR: i64 = 3_600;

async fn put(tenant: &Tenant, events_days: u32, audit_days: u32) -> Answer {
    let days = json!({"events_days": events_days, "audit_days": audit_days});
    tenant.admin.call(Method::PUT, &tenant.path("retention"), days.to_string().into()).await
}

async fn shown(tenant: &Tenant, log: &str, month: &str) -> Vec<Value> {
    let page = tenant.get(&format!("{log}?month={month}")).await.expect(200).json;
    page[if log == "audit" { "entries" } else { "events" }].as_array().unwrap().clone()
}

/// How many entries and seals of the surveillance log the table holds.
async fn stored(app: &TestApp, tenant: &Tenant) -> (usize, usize) {
    let client = Client::new(&app.runner.aws.sdk_config());
    let items = client.scan().table_name("core").into_paginator().items().send();
    let items: Vec<_> = items.collect::<Result<_, _>>().await.unwrap();
    let count = |part: &str| {
        let begins = format!("TENANT#{}#{part}", tenant.id);
        items.iter().filter(|item| item["pk"].as_s().unwrap().starts_with(&begins)).count()
    };
    (count("EVENTS#"), count("SEALS#events"))
}

#[tokio::test]
async fn what_is_over_is_not_shown_and_then_deleted_and_the_rest_still_fits_its_seals() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    enrolled(&app, &tenant, "D-1").await;
    pass_seconds(&app, HOUR);
    app.seal().await;
    app.pass_days(20);
    enrolled(&app, &tenant, "D-2").await;
    pass_seconds(&app, HOUR);
    app.seal().await;
    assert_eq!(stored(&app, &tenant).await, (2, 2));

    app.pass_days(15);
    put(&tenant, 30, 1_095).await.expect(200);
    assert_eq!(
        tenant.get("retention").await.expect(200).json,
        json!({"events_days": 30, "audit_days": 1_095, "commands_days": 90})
    );
    assert!(shown(&tenant, "events", "2026-11").await.is_empty(), "at once");
    assert_eq!(shown(&tenant, "events", "2026-12").await.len(), 1);
    assert!(!shown(&tenant, "audit", "2026-11").await.is_empty());
    app.seal().await;
    assert_eq!(stored(&app, &tenant).await.0, 1);
    for log in ["events", "audit"] {
        let (fine, words) = verify(&export(&tenant, log, "").await, &[]);
        assert!(fine, "{words}");
    }
    let left = seals(&export(&tenant, "events", "").await);
    assert_eq!((left.len(), &left[0]["number"]), (1, &json!(2)));

    // A longer time brings nothing back.
    put(&tenant, 400, 1_095).await.expect(200);
    app.seal().await;
    assert!(shown(&tenant, "events", "2026-11").await.is_empty());
    let numbers: BTreeSet<u64> = seals(&export(&tenant, "events", "").await)
        .iter()
        .map(|seal| seal["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [2].into());
}

#[tokio::test]
async fn nobody_keeps_a_log_for_a_day_or_for_ever() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    assert_eq!(
        tenant.get("retention").await.expect(200).json,
        json!({"events_days": 400, "audit_days": 1_095, "commands_days": 90})
    );
    for (events, audit, field) in [(29, 400, "events_days"), (400, 3_651, "audit_days")] {
        let refused = put(&tenant, events, audit).await.expect(400);
        assert_eq!((refused.problem(), refused.json["field"].as_str()), ("retention-days", Some(field)));
        assert!(refused.text().contains("30 to 3,650 days"));
    }
    for days in [29, 91] {
        let body = json!({"events_days": 400, "audit_days": 400, "commands_days": days}).to_string();
        let refused =
            tenant.admin.call(Method::PUT, &tenant.path("retention"), body.into()).await.expect(400);
        assert_eq!(
            (refused.problem(), refused.json["field"].as_str()),
            ("retention-days", Some("commands_days"))
        );
        assert!(refused.text().contains("30 to 90 days"));
    }
}
