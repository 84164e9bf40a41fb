//! Where the private key of a request goes, and what becomes of it when the request is given up.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use openssl::pkey::PKey;
use pomarium_tests::actors::subject;
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::crypto::{KEY, pem};

const PASSWORD: &str = "four words are enough";

fn download(password: &str) -> Value {
    json!({"subject": subject(), "key": {"custody": "download", "password": password}})
}

async fn cancel(tenant: &Tenant) -> Answer {
    let path = tenant.path("push-certificate/request");
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await
}

/// The pending request as it is stored.
async fn stored(app: &TestApp, tenant: &Tenant) -> std::collections::HashMap<String, AttributeValue> {
    let client = Client::new(&app.runner.aws.sdk_config());
    let key = AttributeValue::S(format!("TENANT#{}#PUSH", tenant.id));
    let get = client.get_item().table_name("pki").key("pk", key);
    get.key("sk", AttributeValue::S("REQUEST".into())).send().await.unwrap().item.unwrap()
}

/// Whether the pending request's private key is in the secret store.
async fn has_key(app: &TestApp, tenant: &Tenant, key: &str) -> bool {
    let path = format!("{}/push-key/{key}", tenant.id);
    app.runner.state.secrets.get(&path).await.unwrap().is_some()
}

async fn key_id(app: &TestApp, tenant: &Tenant) -> String {
    stored(app, tenant).await["key_id"].as_s().unwrap().clone()
}

#[tokio::test]
async fn a_downloaded_key_is_shown_once_kept_nowhere_and_brought_back_with_the_certificate() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let made = tenant.post("push-certificate/request", download(PASSWORD)).await.expect(201).json;
    assert_eq!(
        (&made["custody"], &made["private_key"]["file_name"]),
        (&json!("downloaded"), &json!("CustomerCSR.key"))
    );
    let file = made["private_key"]["file"].as_str().unwrap();
    assert!(file.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let opened = PKey::private_key_from_pem_passphrase(file.as_bytes(), PASSWORD.as_bytes()).unwrap();
    assert!(PKey::private_key_from_pem_passphrase(file.as_bytes(), b"four words were enough").is_err());

    let key = key_id(&app, &tenant).await;
    assert!(!has_key(&app, &tenant, &key).await);
    let shown = tenant.get("push-certificate/request").await.expect(200);
    assert_eq!(shown.json["custody"], "downloaded");
    assert!(!shown.text().contains("PRIVATE KEY"));

    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
    let alone = tenant.post("push-certificate/staged", json!({"certificate": issued.pem})).await.expect(409);
    assert_eq!(alone.problem(), "push-key-not-kept");
    assert!(alone.text().contains("was downloaded"), "{}", alone.text());
    let other = json!({"certificate": issued.pem, "key": pem(&KEY)});
    let other = tenant.post("push-certificate/staged", other).await.expect(400);
    assert_eq!(other.problem(), "push-certificate-wrong-key");
    let locked = json!({"certificate": issued.pem, "key": file});
    let locked = tenant.post("push-certificate/staged", locked).await.expect(400);
    assert_eq!(locked.problem(), "private-key-needs-password");

    let both = json!({"certificate": issued.pem, "key": file, "password": PASSWORD});
    tenant.post("push-certificate/staged", both).await.expect(201);
    tenant.activate(json!({})).await;
    let kept = app.runner.state.secrets.get(&format!("{}/push-key/{key}", tenant.id)).await.unwrap().unwrap();
    assert!(PKey::private_key_from_pem(kept.expose()).unwrap().public_eq(&opened));
    assert_eq!(
        tenant.get("push-certificate/request").await.status,
        404,
        "the certificate answers the request"
    );
}

#[tokio::test]
async fn a_password_that_protects_nothing_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let refused = tenant.post("push-certificate/request", download("eleven char")).await.expect(400);
    assert_eq!((refused.problem(), &refused.json["field"]), ("key-password", &json!("key.password")));
    assert!(refused.text().contains("12 to 128"), "{}", refused.text());
    assert_eq!(tenant.get("push-certificate/request").await.status, 404);
}

#[tokio::test]
async fn a_cancelled_request_takes_its_key_along() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    assert_eq!(cancel(&tenant).await.status, 404);
    tenant.request().await;
    let key = key_id(&app, &tenant).await;
    assert!(has_key(&app, &tenant, &key).await);
    app.clock.set(app.clock.now() + shared::time::SignedDuration::from_secs(1));
    cancel(&tenant).await.expect(204);
    assert!(!has_key(&app, &tenant, &key).await);
    assert_eq!(tenant.get("push-certificate/request").await.status, 404);
    let log = tenant.get("audit").await.expect(200).json;
    assert_eq!(log["entries"][0]["action"], "push-request-cancelled");
    assert_eq!(log["entries"][0]["facts"]["key"], key.as_str());
    tenant.request().await;
}

#[tokio::test]
async fn an_upload_under_review_keeps_the_key_of_a_cancelled_request() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.request().await;
    let key = key_id(&app, &tenant).await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
    tenant.stage(&issued.pem).await;
    cancel(&tenant).await.expect(204);
    assert!(has_key(&app, &tenant, &key).await);
    tenant.activate(json!({})).await;
}

#[tokio::test]
async fn an_upload_and_a_cancellation_at_once_never_part_certificate_and_key() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    for _ in 0..5 {
        tenant.request().await;
        let key = key_id(&app, &tenant).await;
        let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
        let upload = tenant.post("push-certificate/staged", json!({"certificate": issued.pem}));
        let (uploaded, cancelled) = tokio::join!(upload, cancel(&tenant));
        assert!([201, 409].contains(&uploaded.status), "{}", uploaded.text());
        if uploaded.status == 201 {
            assert!(has_key(&app, &tenant, &key).await);
        }
        if cancelled.status != 204 {
            assert_eq!(cancelled.problem(), "push-certificate-changed");
            cancel(&tenant).await.expect(204);
        }
    }
}

#[tokio::test]
async fn a_request_from_before_custody_reads_as_kept() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.request().await;
    let mut old = stored(&app, &tenant).await;
    old.remove("custody").unwrap();
    old.remove("key_fingerprint").unwrap();
    let client = Client::new(&app.runner.aws.sdk_config());
    client.put_item().table_name("pki").set_item(Some(old)).send().await.unwrap();
    assert_eq!(tenant.get("push-certificate/request").await.expect(200).json["custody"], "kept");
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
    tenant.stage(&issued.pem).await;
    tenant.activate(json!({})).await;
}
