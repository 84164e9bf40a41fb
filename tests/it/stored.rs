//! All that the server keeps, for tests that say "and nothing changed".

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use pomarium_tests::TestApp;

/// Every item of every table by its key, in words that can be compared; counts against limits are left out.
#[derive(Debug)]
pub(crate) struct Stored(BTreeMap<String, String>);

/// What the server keeps at this moment.
pub(crate) async fn everything(app: &TestApp) -> Stored {
    let client = Client::new(&app.runner.aws.sdk_config());
    let mut found = BTreeMap::new();
    for table in ["core", "pki", "ephemeral"] {
        let mut pages = client.scan().table_name(table).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            let part = |name: &str| item[name].as_s().unwrap().clone();
            let place = format!("{table} {} {}", part("pk"), part("sk"));
            // That somebody asked is counted, whatever comes of it.
            if part("pk").starts_with("LIMIT#") {
                continue;
            }
            found.insert(place, words(&AttributeValue::M(item)));
        }
    }
    Stored(found)
}

/// Every item that names a tenant anywhere, by table and key: but the operator's, and counts against limits.
pub(crate) async fn of_tenant(aws: &SdkConfig, tenant: &str) -> BTreeMap<String, String> {
    let client = Client::new(aws);
    let mut found = BTreeMap::new();
    for table in ["core", "pki", "ephemeral"] {
        let mut pages = client.scan().table_name(table).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            let part = |name: &str| item[name].as_s().unwrap().clone();
            let place = format!("{table} {} {}", part("pk"), part("sk"));
            let words = words(&AttributeValue::M(item));
            let is_elsewhere =
                ["OPERATOR", "LIMIT#"].iter().any(|start| place.contains(&format!(" {start}")));
            if words.contains(tenant) && !is_elsewhere {
                found.insert(place, words);
            }
        }
    }
    found
}

/// The names of all attributes in a table.
pub(crate) async fn attributes(app: &TestApp, table: &str) -> BTreeSet<String> {
    let client = Client::new(&app.runner.aws.sdk_config());
    let mut names = BTreeSet::new();
    let mut pages = client.scan().table_name(table).into_paginator().items().send();
    while let Some(item) = pages.next().await {
        names.extend(item.unwrap().into_keys());
    }
    names
}

/// Checks that the server keeps what it kept, and nothing else.
pub(crate) async fn unchanged(app: &TestApp, before: &Stored) {
    let now = everything(app).await;
    let places: BTreeSet<_> = before.0.keys().chain(now.0.keys()).collect();
    let changed: Vec<_> = places
        .into_iter()
        .filter(|place| before.0.get(*place) != now.0.get(*place))
        .map(|place| (place, before.0.get(place), now.0.get(place)))
        .collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

/// A value with its attributes in order.
fn words(value: &AttributeValue) -> String {
    match value.as_m() {
        Ok(map) => {
            let sorted: BTreeMap<_, _> = map.iter().map(|(name, value)| (name, words(value))).collect();
            format!("{sorted:?}")
        }
        Err(other) => format!("{other:?}"),
    }
}
