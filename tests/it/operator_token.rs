//! The script that makes an installation's first operator token writes what the code reads.

use std::process::Command;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use pomarium_tests::TestApp;
use serde_json::{Value, json};

fn script(arguments: &[&str]) -> (bool, String, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/operator-token");
    let output = Command::new(script).args(arguments).output().expect("the script runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn its_token_opens_the_api() {
    let app = TestApp::start().await;
    let (done, shown, _) = script(&["--show", "prod", "first operator"]);
    assert!(done);
    let (items, token) = shown.trim().split_once('\n').expect("the items, then the token");
    let items: Value = serde_json::from_str(items).expect("the items are JSON");
    let client = Client::new(&app.runner.aws.sdk_config());
    for put in items.as_array().expect("a list").iter().map(|part| &part["Put"]) {
        assert_eq!(
            (&put["TableName"], put["ConditionExpression"].is_string()),
            (&json!("pomarium-prod-core"), true)
        );
        let item = put["Item"].as_object().expect("an object").iter();
        let item = item.map(|(name, value)| (name.clone(), attribute(value))).collect();
        client.put_item().table_name("core").set_item(Some(item)).send().await.expect("the item is one");
    }

    app.api(token).get("/v1/tenants").await.expect(200);
    // The script takes the time of its machine.
    let entry = &items[1]["Put"]["Item"];
    let month = entry["at"]["S"].as_str().expect("a time")[..7].to_owned();
    let log = app.operator().get(&format!("/v1/audit?month={month}")).await.expect(200);
    let written = log.json["entries"].as_array().expect("a list").iter();
    let mut written = written.filter(|written| written["actor"] == "system:operator-token");
    let written = written.next().expect("the log says so");
    assert_eq!(written["action"], "operator-token-created");
    assert!(token.contains(written["facts"]["token"].as_str().expect("a name")));
    let forged = format!("{}x", &token[..token.len() - 1]);
    app.api(&forged).get("/v1/tenants").await.expect(401);
}

fn attribute(value: &Value) -> AttributeValue {
    if let Some(map) = value["M"].as_object() {
        return AttributeValue::M(map.iter().map(|(name, value)| (name.clone(), attribute(value))).collect());
    }
    let text = |kind: &str| value[kind].as_str().map(str::to_owned);
    text("N").map(AttributeValue::N).or(text("S").map(AttributeValue::S)).expect("a text or a number")
}

#[test]
fn it_says_what_it_needs() {
    for arguments in [&[][..], &["Prod!"], &["prod", "bad\"name"]] {
        let (done, shown, said) = script(arguments);
        assert!(!done && shown.is_empty(), "{arguments:?}");
        assert!(said.starts_with("operator-token: "), "{said}");
    }
}
