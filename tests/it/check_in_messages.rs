//! Every check-in message, and the odd ways in which clients send them.

use plist::{Dictionary, Value};
use pomarium_local::device::{SimDevice, Url};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::protocol::report::Status;

use crate::devices::{enrolled, enrollment, queue};

async fn world() -> (TestApp, Tenant, SimDevice) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let device = enrolled(&app, &tenant, "D-1").await;
    (app, tenant, device)
}

fn keys<const N: usize>(keys: [(&str, Value); N]) -> Dictionary {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The status and the body of the answer to a check-in.
async fn said(device: &SimDevice, message_type: &str, keys: Dictionary) -> (u16, String) {
    let answer = device.send_checkin(message_type, keys).await.expect("an answer");
    (answer.status, String::from_utf8(answer.body).expect("text"))
}

/// Every binary value in the core table, as DynamoDB holds it.
async fn stored_bytes(app: &TestApp) -> Vec<Vec<u8>> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&app.runner.aws.sdk_config());
    let scan = dynamodb.scan().table_name(&app.runner.state.config.table_core);
    let found = scan.send().await.expect("DynamoDB answers");
    let attributes = found.items().iter().flat_map(|item| item.values());
    attributes.filter_map(|value| value.as_b().ok()).map(|bytes| bytes.as_ref().to_vec()).collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_bootstrap_token_comes_back_and_is_sealed_at_rest() {
    let (app, tenant, mac) = world().await;
    assert_eq!(mac.bootstrap_token().await.expect("an answer"), None);
    let token = b"the bootstrap token of a Mac";
    mac.set_bootstrap_token(token).await.expect("it is kept");
    assert_eq!(mac.bootstrap_token().await.expect("an answer").as_deref(), Some(&token[..]));
    // macOS may ask on a user's channel: the token is the device's.
    let asked = mac.user("U-1", "jo").bootstrap_token().await;
    assert_eq!(asked.expect("an answer").as_deref(), Some(&token[..]));
    assert_eq!(enrollment(&tenant, "D-1").await["has_bootstrap_token"], true);

    let stored = stored_bytes(&app).await;
    // Its seal and the unlock token's.
    assert_eq!(stored.len(), 2);
    assert!(!stored.iter().any(|bytes| contains(bytes, token) || contains(bytes, mac.unlock_token())));

    mac.set_bootstrap_token(b"").await.expect("it is forgotten");
    assert_eq!(mac.bootstrap_token().await.expect("an answer"), None);
    assert_eq!(enrollment(&tenant, "D-1").await["has_bootstrap_token"], false);
}

#[tokio::test]
async fn a_later_token_update_moves_the_pushes_and_keeps_the_unlock_token() {
    let (app, tenant, mut device) = world().await;
    queue(&tenant, "D-1", "ProfileList").await;
    app.deliver_hints().await;
    let former = device.push_token().to_vec();
    device.listen(&app.runner.apns).expect("a new push token");
    device.token_update(None).await.expect("it is accepted");
    assert_eq!(enrollment(&tenant, "D-1").await["has_unlock_token"], true);
    // Something waits: the device is woken at its new address without anybody's order.
    assert_eq!((app.deliver_hints().await, device.pushes_waiting()), (1, 1));
    let tokens: Vec<String> = app.runner.apns.pushes().into_iter().map(|push| push.token).collect();
    assert_eq!(tokens, [hex::encode(former), hex::encode(device.push_token())]);

    device.authenticate().await.expect("it enrolls anew");
    assert_eq!(enrollment(&tenant, "D-1").await["has_unlock_token"], false);
}

#[tokio::test]
async fn a_users_channel_lives_on_its_devices_identity() {
    let (app, tenant, device) = world().await;
    let mut user = device.user("U-1", "jo");
    assert_eq!(user.idle().await.expect_err("not begun").status(), Some(400));
    user.listen(&app.runner.apns).expect("a push token");
    user.token_update(None).await.expect("the channel begins");
    assert_eq!(enrollment(&tenant, "D-1:U-1").await["state"], "enrolled");
    let for_device = queue(&tenant, "D-1", "ProfileList").await;
    let for_user = queue(&tenant, "D-1:U-1", "ProfileList").await;
    app.deliver_hints().await;
    assert_eq!((device.pushes_waiting(), user.pushes_waiting()), (1, 1));
    assert_eq!(user.answer_all().await.expect("it answers")[0].uuid, for_user);
    assert_eq!(device.idle().await.expect("a command").map(|command| command.uuid), Some(for_device));

    user.check_out().await.expect("the user leaves");
    assert_eq!(enrollment(&tenant, "D-1:U-1").await["state"], "removed");
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "enrolled");
    user.token_update(None).await.expect("the user comes back");
    device.check_out().await.expect("the device leaves");
    assert_eq!(enrollment(&tenant, "D-1:U-1").await["state"], "removed");
    assert_eq!(user.idle().await.expect_err("its device left").status(), Some(400));
}

#[tokio::test]
async fn users_are_not_managed_by_password() {
    let (_app, _tenant, device) = world().await;
    let user = device.user("U-1", "jo");
    assert_eq!(said(&user, "UserAuthenticate", Dictionary::new()).await, (410, String::new()));
}

#[tokio::test]
async fn a_device_that_asks_for_declarations_hears_that_there_are_none() {
    let (_app, _tenant, device) = world().await;
    let ask = async |endpoint: &str| {
        said(&device, "DeclarativeManagement", keys([("Endpoint", endpoint.into())])).await
    };
    let (status, tokens) = ask("tokens").await;
    let tokens: serde_json::Value = serde_json::from_str(&tokens).expect("JSON");
    assert_eq!((status, &tokens["SyncTokens"]["DeclarationsToken"]), (200, &json!("none")));
    let (status, items) = ask("declaration-items").await;
    let items: serde_json::Value = serde_json::from_str(&items).expect("JSON");
    let kinds = ["Activations", "Configurations", "Assets", "Management"];
    assert!(status == 200 && kinds.iter().all(|kind| items["Declarations"][kind] == json!([])), "{items}");
    assert_eq!(items["DeclarationsToken"], "none");
    assert_eq!(ask("declaration/activation/unknown").await, (404, String::new()));
    let report =
        keys([("Endpoint", "status".into()), ("Data", Value::Data(b"{\"StatusItems\":{}}".to_vec()))]);
    assert_eq!(said(&device, "DeclarativeManagement", report).await, (200, String::new()));
}

#[tokio::test]
async fn what_the_server_cannot_give_it_says_so() {
    let (_app, _tenant, device) = world().await;
    let maid = keys([("TokenServiceType", "com.apple.maid".into())]);
    assert_eq!(said(&device, "GetToken", maid).await, (400, String::new()));
    let (status, answer) = said(&device, "ReturnToService", Dictionary::new()).await;
    assert!(status == 200 && answer.contains("<key>Enabled</key>\n\t\t<false/>"), "{answer}");
    assert_eq!(said(&device, "Goodbye", Dictionary::new()).await, (400, String::new()));
}

#[tokio::test]
async fn an_identity_serves_one_device_only() {
    let (_app, tenant, device) = world().await;
    let mut thief = SimDevice::new("D-2", "C02ABC", "Another");
    thief.set_profile(device.profile().expect("installed").clone());
    thief.set_identity(device.identity().expect("issued").clone());
    assert_eq!(thief.authenticate().await.expect_err("it is another's").status(), Some(400));
    assert_eq!(thief.idle().await.expect_err("it is another's").status(), Some(400));
    assert_eq!(tenant.get("enrollments/D-2").await.status, 404);
    assert_eq!(device.idle().await.expect("it is its own"), None);
}

#[tokio::test]
async fn another_devices_identity_of_the_same_tenant_does_not_do() {
    let (app, tenant, device) = world().await;
    let mut other = enrolled(&app, &tenant, "D-2").await;
    other.set_identity(device.identity().expect("issued").clone());
    queue(&tenant, "D-2", "ProfileList").await;
    assert_eq!(other.idle().await.expect_err("it is another's").status(), Some(400));
    for (message_type, more) in [
        (
            "TokenUpdate",
            keys([("Topic", "t".into()), ("Token", Value::Data(vec![1])), ("PushMagic", "m".into())]),
        ),
        ("SetBootstrapToken", keys([("BootstrapToken", Value::Data(vec![1]))])),
        ("GetBootstrapToken", Dictionary::new()),
        ("DeclarativeManagement", keys([("Endpoint", "tokens".into())])),
        ("CheckOut", Dictionary::new()),
    ] {
        assert_eq!(said(&other, message_type, more).await, (400, String::new()), "{message_type}");
    }
}

#[tokio::test]
async fn every_url_takes_every_message_by_put_and_post_with_any_content_type() {
    let (app, tenant, device) = world().await;
    let base = format!("{}/mdm/{}", app.runner.base_url(), tenant.id);
    let idle = device.poll_message(Status::Idle, None, Dictionary::new());
    let tokens = device.checkin("DeclarativeManagement", keys([("Endpoint", "tokens".into())]));
    for url in [format!("{base}/checkin"), format!("{base}/command"), base] {
        for method in [Method::PUT, Method::POST] {
            for content_type in
                [None, Some("application/x-apple-aspen-mdm-checkin; charset=UTF-8"), Some("text/plain")]
            {
                for (message, expected) in [(&idle, ""), (&tokens, "application/json")] {
                    let answer = device.send_as(method.clone(), &url, content_type, message).await;
                    let answer = answer.expect("an answer");
                    let context = format!("{method} {url} {content_type:?}");
                    assert_eq!((answer.status, answer.content_type.as_str()), (200, expected), "{context}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_whole_life_fits_on_one_url_without_content_types() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad").with_one_url().without_content_type();
    assert!(device.url(Url::Server).is_err(), "no profile yet");
    device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    assert_eq!(device.url(Url::CheckIn).ok(), device.url(Url::Server).ok());
    queue(&tenant, "D-1", "SecurityInfo").await;
    assert_eq!(device.answer_all().await.expect("it answers").len(), 1);
    device.check_out().await.expect("it leaves");
    assert_eq!(enrollment(&tenant, "D-1").await["state"], "removed");
}
