//! Typed commands: what is warned of, what is refused, what is sealed, and the inventory that answers keep.

use aws_sdk_dynamodb::types::AttributeValue;
use plist::{Dictionary, Value};
use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::{Tenant, TestApp};
use serde_json::{Value as Json, json};

use crate::devices::{enrolled, enrollment, pass_seconds, queue, status, uuid_of};

async fn world() -> (TestApp, Tenant, SimDevice) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    (app, tenant, device)
}

fn answers(keys: &[(&str, Value)]) -> Dictionary {
    keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

async fn tell(device: &SimDevice, uuid: &str, key: &str, value: impl Into<Value>) {
    let answer = Dictionary::from_iter([(key.to_owned(), value.into())]);
    device.report(uuid, Reply::Acknowledge(answer)).await.expect("the report is accepted");
}

async fn told(tenant: &Tenant, device: &SimDevice, answers_to: &[(&str, Value)]) {
    let queries: Vec<&str> = answers_to.iter().map(|(key, _)| *key).collect();
    let order =
        json!({"targets": ["D-1"], "command": {"RequestType": "DeviceInformation", "Queries": queries}});
    let uuid = uuid_of(&tenant.post("commands", order).await.expect(201));
    tell(device, &uuid, "QueryResponses", answers(answers_to)).await;
}

async fn warnings(tenant: &Tenant, command: Json) -> Vec<String> {
    let sent = tenant.post("commands", json!({"targets": ["D-1"], "command": command})).await.expect(201);
    let code = |warning: &Json| warning["code"].as_str().unwrap_or_default().to_owned();
    sent.json["warnings"].as_array().map(|all| all.iter().map(code).collect()).unwrap_or_default()
}

#[tokio::test]
async fn what_a_device_will_probably_not_do_is_warned_of_and_sent() {
    let (_app, tenant, device) = world().await;
    let known = [
        ("ProductName", Value::from("iPad13,1")),
        ("OSVersion", Value::from("10.2")),
        ("IsSupervised", Value::from(false)),
    ];
    told(&tenant, &device, &known).await;
    assert_eq!(enrollment(&tenant, "D-1").await["device"]["os_version"], "10.2");
    assert_eq!(enrollment(&tenant, "D-1").await["device"]["supervised"], false);
    assert_eq!(
        warnings(&tenant, json!({"RequestType": "RestartDevice"})).await,
        ["os-version", "supervised"]
    );
    assert_eq!(warnings(&tenant, json!({"RequestType": "DeviceLock", "Pin": "1"})).await, ["unknown-key"]);
    assert_eq!(warnings(&tenant, json!({"RequestType": "ACommandOfNextYear"})).await, [""; 0]);
    assert_eq!(enrollment(&tenant, "D-1").await["waiting_commands"], 3);
}

#[tokio::test]
async fn a_refused_command_names_the_field() {
    let (_app, tenant, _device) = world().await;
    for (command, code, field) in [
        (json!({"RequestType": "DeviceLock", "PIN": "12345"}), "command-key-value", "command.PIN"),
        (json!({"RequestType": "RemoveProfile"}), "command-key-missing", "command.Identifier"),
        (
            json!({"RequestType": "ShutDownDevice", "RequestType2": null}),
            "command-null",
            "command.RequestType2",
        ),
        (
            json!({"RequestType": "ProfileList", "ManagedOnly": "yes"}),
            "command-key-type",
            "command.ManagedOnly",
        ),
    ] {
        let refused =
            tenant.post("commands", json!({"targets": ["D-1"], "command": command})).await.expect(400);
        assert_eq!((refused.problem(), &refused.json["field"]), (code, &json!(field)));
    }
}

/// Everything in the core table, as bytes.
async fn stored(app: &TestApp) -> Vec<Vec<u8>> {
    fn bytes(value: &AttributeValue, found: &mut Vec<Vec<u8>>) {
        if let Ok(blob) = value.as_b() {
            found.push(blob.as_ref().to_vec());
        } else if let Ok(text) = value.as_s() {
            found.push(text.clone().into_bytes());
        } else if let Ok(map) = value.as_m() {
            map.values().for_each(|inner| bytes(inner, found));
        }
    }
    let client = aws_sdk_dynamodb::Client::new(&app.runner.aws.sdk_config());
    let items =
        client.scan().table_name("core").send().await.expect("the table answers").items.unwrap_or_default();
    let mut found = Vec::new();
    items.iter().flat_map(|item| item.values()).for_each(|value| bytes(value, &mut found));
    found
}

#[tokio::test]
async fn secrets_in_commands_are_sealed_and_a_pin_is_read_by_an_admin_alone() {
    let (app, tenant, device) = world().await;
    let lock = json!({"RequestType": "DeviceLock", "PIN": "271828"});
    let uuid =
        uuid_of(&tenant.post("commands", json!({"targets": ["D-1"], "command": lock})).await.expect(201));
    pass_seconds(&app, 1);
    queue(&tenant, "D-1", "ClearPasscode").await;
    let holds = |stored: &[Vec<u8>], secret: &[u8]| {
        stored.iter().any(|bytes| bytes.windows(secret.len()).any(|window| window == secret))
    };
    let before = stored(&app).await;
    assert!(holds(&before, b"DeviceLock"), "the search finds what is there");
    assert!(!holds(&before, b"271828"));
    assert!(!holds(&before, openssl::base64::encode_block(device.unlock_token()).as_bytes()));
    let served = device.idle().await.expect("it is served").expect("a command");
    assert_eq!(served.keys.get("PIN").and_then(Value::as_string), Some("271828"));

    let path = tenant.path(&format!("commands/{uuid}/targets/D-1/pin"));
    let made = tenant.post("tokens", json!({"name": "help desk", "role": "viewer"})).await.expect(201);
    let viewer = app.api(made.json["token"].as_str().expect("a token"));
    viewer.post(&path, json!({})).await.expect(403);
    assert_eq!(tenant.admin.post(&path, json!({})).await.expect(200).json["pin"], "271828");
    let log = tenant.get("audit").await.expect(200).json["entries"].clone();
    let read = log.as_array().into_iter().flatten().filter(|entry| entry["action"] == "command-pin-revealed");
    let whose: Vec<&Json> = read.map(|entry| &entry["facts"]["enrollment"]).collect();
    assert_eq!(whose, [&json!("D-1")]);
    let restart = queue(&tenant, "D-1", "RestartDevice").await;
    tenant.post(&format!("commands/{restart}/targets/D-1/pin"), json!({})).await.expect(404);
}

#[tokio::test]
async fn answers_keep_the_inventory_each_section_with_its_time() {
    let (app, tenant, device) = world().await;
    let inventory = async || tenant.get("enrollments/D-1/inventory").await.expect(200).json;
    let before = inventory().await;
    assert_eq!(before["device"]["told_at"], Json::Null);
    assert_eq!(before["device"]["content"]["SerialNumber"], "C02XYZ");
    assert_eq!(before.as_object().map(serde_json::Map::len), Some(1));

    told(&tenant, &device, &[("OSVersion", "18.1".into()), ("BatteryLevel", Value::Real(0.5))]).await;
    pass_seconds(&app, 60);
    told(&tenant, &device, &[("OSVersion", "18.2".into())]).await;
    let now = inventory().await["device"].clone();
    assert_eq!(now["told_at"], "2026-11-21T09:01:00Z");
    assert_eq!(
        (&now["content"]["OSVersion"], &now["content"]["BatteryLevel"]),
        (&json!("18.2"), &json!(0.5))
    );

    let apps = |name: &str| Value::Array(vec![answers(&[("Identifier", name.into())]).into()]);
    let all = queue(&tenant, "D-1", "InstalledApplicationList").await;
    tell(&device, &all, "InstalledApplicationList", apps("a.b.c")).await;
    let managed = json!({"RequestType": "InstalledApplicationList", "ManagedAppsOnly": true});
    let part =
        uuid_of(&tenant.post("commands", json!({"targets": ["D-1"], "command": managed})).await.expect(201));
    tell(&device, &part, "InstalledApplicationList", Value::Array(Vec::new())).await;
    assert_eq!(status(&tenant, &part).await, "Acknowledged");
    assert_eq!(
        inventory().await["apps"]["content"],
        json!([{"Identifier": "a.b.c"}]),
        "a part is no inventory"
    );

    for (request_type, key, section) in [
        ("ProfileList", "ProfileList", "profiles"),
        ("CertificateList", "CertificateList", "certificates"),
        ("SecurityInfo", "SecurityInfo", "security"),
        ("ProvisioningProfileList", "ProvisioningProfileList", "provisioning-profiles"),
        ("Restrictions", "GlobalRestrictions", "restrictions"),
    ] {
        let uuid = queue(&tenant, "D-1", request_type).await;
        tell(&device, &uuid, key, "told").await;
        let shown = tenant.get(&format!("enrollments/D-1/inventory/{section}")).await.expect(200);
        assert_eq!((&shown.json["content"], &shown.json["told_at"]), (&json!("told"), &now["told_at"]));
    }
    // What nobody asked for changes nothing.
    tell(&device, "6B2F1D0A-0000-4000-8000-000000000001", "SecurityInfo", "forged").await;
    assert_eq!(inventory().await["security"]["content"], "told");
    tenant.get("enrollments/D-9/inventory").await.expect(404);
    tenant.get("enrollments/D-1/inventory/nonsense").await.expect(404);
}

#[tokio::test]
async fn five_megabytes_of_apps_are_kept_and_read_by_name() {
    let (_app, tenant, device) = world().await;
    let name = |number: usize| format!("{number:05} {}", "x".repeat(600));
    let list = (0..8_000).map(|number| answers(&[("Name", name(number).into())]).into()).collect();
    let uuid = queue(&tenant, "D-1", "InstalledApplicationList").await;
    tell(&device, &uuid, "InstalledApplicationList", Value::Array(list)).await;
    let overview = tenant.get("enrollments/D-1/inventory").await.expect(200).json;
    assert_eq!(
        (&overview["apps"]["content"], &overview["apps"]["told_at"]),
        (&Json::Null, &json!("2026-11-21T09:00:00Z"))
    );
    let whole = tenant.get("enrollments/D-1/inventory/apps").await.expect(200);
    assert!(whole.bytes.len() > 4_900_000, "{}", whole.bytes.len());
    assert_eq!(whole.json["content"][7_999]["Name"], name(7_999));
}
