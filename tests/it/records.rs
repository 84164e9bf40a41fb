//! Records that former releases wrote are read by today's code, and what later releases add is left alone by it: docs/DATA.md, *How a
//! form changes*. `POMARIUM_WRITE_RECORDS=1` writes those of this release anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::PKey;
use openssl::x509::X509;
use pomarium_local::device::{ServedProfile, SimDevice};
use pomarium_local::runner::openapi;
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::pki::Credential;
use shared::time::{SignedDuration, Timestamp};

use crate::devices::queue;
use crate::repository::{folders, read};

const TABLES: [&str; 3] = ["core", "pki", "ephemeral"];
const FOLDER: &str = "tests/fixtures/records";
/// Where a webhook leads.
const BUS: &str = "arn:aws:events:eu-central-1:123456789012:event-bus/pomarium-green";
/// An attribute that no release has had yet.
const LATER: &str = "made_by_a_later_release";

/// Kinds of records that a change writes as a whole, so that what a later release added is lost. Such an addition takes two releases:
/// the first one keeps what it does not use.
const REWRITTEN: [&str; 8] = [
    "core PERSON#* MEMBER#TENANT#*",
    "core TENANT#* ACCESS",
    "core TENANT#* CALENDAR",
    "core TENANT#* INACTIVITY",
    "core TENANT#* MEMBER#*",
    "core TENANT#* REFRESH",
    "core TENANT#* SETTINGS",
    "pki TENANT#*#OWNERSHIP OWNERSHIP",
];

type Item = HashMap<String, AttributeValue>;

/// What one release left behind, and who can speak in it.
struct Records(Value);

impl Records {
    fn of(release: &str) -> Self {
        Self(serde_json::from_str(&read(&format!("{FOLDER}/{release}/records.json"))).unwrap())
    }

    fn items(&self, table: &str) -> Vec<Item> {
        let listed = self.0["items"][table].as_array().unwrap().iter();
        listed.map(attributes).collect()
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        STANDARD.decode(self.text(name)).unwrap()
    }

    /// Puts them into the tables of a server, with an attribute of a later release.
    async fn restore(&self, app: &TestApp) -> (Tenant, SimDevice) {
        // The records were made with the same chance, which must not repeat itself.
        for _ in 0..10_000 {
            let _: [u8; 1] = app.runner.state.random.bytes();
        }
        let client = Client::new(&app.runner.aws.sdk_config());
        for table in TABLES {
            for mut item in self.items(table) {
                item.insert(LATER.to_owned(), AttributeValue::S("kept".to_owned()));
                client.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
            }
        }
        let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
        let mut profile = ServedProfile::read(&self.bytes("profile")).unwrap();
        let here = |url: &str| url.replace(self.text("address"), app.runner.base_url());
        (profile.server_url, profile.check_in_url) = (here(&profile.server_url), here(&profile.check_in_url));
        device.set_profile(profile);
        device.set_identity(Credential {
            certificate: X509::from_der(&self.bytes("certificate")).unwrap(),
            key: PKey::private_key_from_der(&self.bytes("key")).unwrap(),
        });
        (Tenant::new(self.text("tenant").to_owned(), app.api(self.text("token"))), device)
    }
}

/// This release's name.
fn release() -> String {
    openapi().info.version
}

/// A tenant with a little of everything.
async fn write() -> Value {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let put = async |path: &str, body: Value| {
        tenant.admin.call(Method::PUT, &tenant.path(path), body.to_string().into()).await.expect(200)
    };
    tenant.record_ownership().await;
    put("inactivity", json!({"after": "30d", "device_lock": {"message": "Bring it back."}})).await;
    put("refresh", json!({"queries": {"DeviceInformation": 24}})).await;
    put("retention", json!({"events_days": 90, "audit_days": 400})).await;
    put("access/settings", json!({"allow_unenrolled_devices": true})).await;
    put("enrollment-settings", json!({"removal": {"rule": "always"}})).await;
    tenant.let_in("head@green-school.example", "viewer").await;
    tenant.post("groups", json!({"name": "Year 7"})).await.expect(201);
    tenant.post("webhooks", json!({"event_bus": BUS})).await.expect(201);
    tenant.post("expirations/calendar", json!({})).await.expect(201);

    let link = tenant.enrollment_link().await;
    let profile = app.stranger().get(&link).await.expect(200).bytes;
    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    device.set_profile(ServedProfile::read(&profile).unwrap());
    device.obtain_identity().await.expect("an identity");
    device.authenticate().await.expect("it begins");
    device.listen(&app.runner.apns).unwrap();
    device.token_update(Some(b"unlock token")).await.expect("it enrolls");
    device.set_bootstrap_token(b"bootstrap token").await.expect("it is kept");
    device.user("U-1", "jane").token_update(None).await.expect("the user is known");
    queue(&tenant, "D-1", "DeviceInformation").await;
    app.deliver_hints().await;
    device.answer_all().await.expect("it answers");
    app.clock.set(app.clock.now() + SignedDuration::from_secs(1));
    queue(&tenant, "D-1", "SecurityInfo").await;
    app.deliver_hints().await;
    let listed = tenant.get("expirations").await.expect(200);
    let credential = listed.json["expirations"][0]["credential"].as_str().unwrap();
    let until = app.clock.now() + SignedDuration::from_hours(24);
    let snooze = json!({"until": until, "by": "Jo"});
    tenant.post(&format!("expirations/{credential}/snooze"), snooze).await.expect(201);
    tenant.request().await;
    tenant.enrollment_link().await;

    let client = Client::new(&app.runner.aws.sdk_config());
    let mut tables = serde_json::Map::new();
    for table in TABLES {
        let mut pages = client.scan().table_name(table).into_paginator().items().send();
        let mut items = BTreeMap::new();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            items.insert(place(&item), described(&item));
        }
        tables.insert(table.to_owned(), items.into_values().collect());
    }
    let identity = device.identity().unwrap();
    json!({
        "tenant": tenant.id, "token": tenant.token(), "address": app.runner.base_url(), "items": tables,
        "profile": STANDARD.encode(profile), "certificate": STANDARD.encode(identity.certificate.to_der().unwrap()),
        "key": STANDARD.encode(identity.key.private_key_to_der().unwrap()),
    })
}

#[tokio::test]
async fn every_release_has_left_its_records() {
    if std::env::var("POMARIUM_WRITE_RECORDS").is_ok() {
        let folder = format!("{}/../{FOLDER}/{}", env!("CARGO_MANIFEST_DIR"), release());
        std::fs::create_dir_all(&folder).unwrap();
        let text = serde_json::to_string(&write().await).unwrap() + "\n";
        // A line for each record, so that a difference can be read.
        std::fs::write(format!("{folder}/records.json"), text.replace("},{\"", "},\n{\"")).unwrap();
    }
    assert!(folders(FOLDER).contains(&release()), "POMARIUM_WRITE_RECORDS=1 writes those of {}", release());
    let now = kinds(&write().await);
    let kept = kinds(&Records::of(&release()).0);
    assert_eq!(now, kept, "this release writes other records than {FOLDER} has of it");
    assert!(kept.len() > 30, "{kept:?}");
}

#[tokio::test]
async fn todays_code_reads_the_records_of_every_release() {
    for release in folders(FOLDER) {
        let (app, records) = (TestApp::start().await, Records::of(&release));
        let (tenant, device) = records.restore(&app).await;
        for path in [
            "",
            "tokens",
            "members",
            "groups",
            "audit",
            "events",
            "enrollments",
            "enrollments/D-1",
            "enrollments/D-1/commands",
            "enrollments/D-1/inventory",
            "enrollment-links",
            "enrollment-settings",
            "identity-authority",
            "inactivity",
            "refresh",
            "retention",
            "access/settings",
            "access?udid=D-1",
            "webhooks",
            "sign-in",
            "expirations",
            "push-certificate",
            "push-certificate/request",
            "push-certificate/ownership",
            "push-certificate/status",
            "settings/support-access",
            "profile-signer",
            "command-jobs",
        ] {
            let path = tenant.path(path);
            let answer = tenant.admin.get(path.trim_end_matches('/')).await;
            assert_eq!(answer.status, 200, "{release} {path}: {}", answer.text());
        }
        let waiting = device.idle().await.expect("it is served").expect("a command waits for it");
        assert_eq!(waiting.request_type, "SecurityInfo");
    }
}

#[tokio::test]
async fn what_a_later_release_adds_is_left_alone() {
    let mut rewritten = BTreeSet::new();
    for release in folders(FOLDER) {
        let (app, records) = (TestApp::start().await, Records::of(&release));
        let (tenant, mut device) = records.restore(&app).await;
        change_everything(&app, &tenant, &mut device).await;
        let client = Client::new(&app.runner.aws.sdk_config());
        for table in TABLES {
            for item in records.items(table) {
                let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
                let got = client.get_item().table_name(table).set_key(Some(key.into())).send().await.unwrap();
                // What has ended by now was not changed but taken away.
                if got.item.is_some_and(|item| !item.contains_key(LATER)) {
                    rewritten.insert(format!("{table} {}", kind(&item)));
                }
            }
        }
    }
    assert_eq!(rewritten, REWRITTEN.map(str::to_owned).into());
}

/// Today's code works with the records: devices, people, schedules.
async fn change_everything(app: &TestApp, tenant: &Tenant, device: &mut SimDevice) {
    let call = async |method: Method, path: &str, body: Value| {
        let path = tenant.path(path);
        let answer = tenant.admin.call(method, path.trim_end_matches('/'), body.to_string().into()).await;
        assert!([200, 201].contains(&answer.status), "{path}: {}", answer.text());
    };
    device.answer_all().await.expect("it answers");
    device.token_update(None).await.expect("it is known");
    device.user("U-1", "jane").token_update(None).await.expect("the user is known");
    queue(tenant, "D-1", "ProfileList").await;
    app.deliver_hints().await;
    device.answer_all().await.expect("it answers");
    call(Method::PATCH, "", json!({"name": "Greener School"})).await;
    call(Method::PUT, "inactivity", json!({"after": "14d"})).await;
    call(Method::PUT, "refresh", json!({"queries": {"SecurityInfo": 24}})).await;
    call(Method::PUT, "retention", json!({"events_days": 120, "audit_days": 500})).await;
    call(Method::PUT, "access/settings", json!({"allow_unenrolled_devices": false})).await;
    call(Method::PUT, "enrollment-settings", json!({"removal": {"rule": "always"}})).await;
    call(Method::PUT, "members/head@green-school.example", json!({"role": "admin"})).await;
    call(Method::POST, "push-certificate/ownership/confirm", json!({})).await;
    call(Method::POST, "expirations/calendar", json!({})).await;
    app.sweep().await;
    app.pass_days(340);
    expiry_notifier::handle(app.runner.state.clone(), Timestamp::MAX).await.expect("mails go out");
}

/// An item's key without what only names somebody: `TENANT#*#DEVICE#* CHANNEL#*`.
fn kind(item: &Item) -> String {
    let known = |part: &str| part.len() > 2 && part.bytes().all(|byte| byte.is_ascii_uppercase());
    let part = |name: &str| {
        let parts = item[name].as_s().unwrap().split('#').map(|part| if known(part) { part } else { "*" });
        parts.collect::<Vec<_>>().join("#")
    };
    format!("{} {}", part("pk"), part("sk"))
}

fn kinds(records: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for table in TABLES {
        for item in records["items"][table].as_array().unwrap() {
            let item = attributes(item);
            kinds.entry(format!("{table} {}", kind(&item))).or_default().extend(item.into_keys());
        }
    }
    kinds
}

fn place(item: &Item) -> String {
    format!("{} {}", item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap())
}

/// An item as DynamoDB's JSON.
fn described(item: &Item) -> Value {
    let sorted: BTreeMap<_, _> = item.iter().map(|(name, value)| (name.clone(), value_json(value))).collect();
    json!(sorted)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "DynamoDB may know more kinds; no record has them")]
fn value_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Bool(truth) => json!({"BOOL": truth}),
        AttributeValue::Null(_) => json!({"NULL": true}),
        AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes)}),
        AttributeValue::Ss(texts) => json!({"SS": texts.iter().collect::<BTreeSet<_>>()}),
        AttributeValue::L(list) => json!({"L": list.iter().map(value_json).collect::<Vec<_>>()}),
        AttributeValue::M(map) => json!({"M": described(map)}),
        other => panic!("no record has {other:?}"),
    }
}

fn attributes(item: &Value) -> Item {
    item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(value: &Value) -> AttributeValue {
    let (kind, content) = value.as_object().unwrap().iter().next().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text(content)),
        "N" => AttributeValue::N(text(content)),
        "BOOL" => AttributeValue::Bool(content.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(true),
        "B" => AttributeValue::B(Blob::new(STANDARD.decode(text(content)).unwrap())),
        "SS" => AttributeValue::Ss(content.as_array().unwrap().iter().map(text).collect()),
        "L" => AttributeValue::L(content.as_array().unwrap().iter().map(attribute).collect()),
        "M" => AttributeValue::M(attributes(content)),
        other => panic!("nobody knows {other}"),
    }
}
