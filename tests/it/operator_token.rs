//! The script that makes an installation's first operator token writes what the code reads.

use std::process::Command;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use pomarium_tests::TestApp;
use serde_json::Value;

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
    let (item, token) = shown.trim().split_once('\n').expect("the item, then the token");
    let item: Value = serde_json::from_str(item).expect("the item is JSON");
    let item =
        item.as_object().expect("an object").iter().map(|(name, value)| (name.clone(), attribute(value)));
    let put = Client::new(&app.runner.aws.sdk_config()).put_item().table_name("core");
    put.set_item(Some(item.collect())).send().await.expect("the item is one");

    app.api(token).get("/v1/tenants").await.expect(200);
    let forged = format!("{}x", &token[..token.len() - 1]);
    app.api(&forged).get("/v1/tenants").await.expect(401);
}

fn attribute(value: &Value) -> AttributeValue {
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
