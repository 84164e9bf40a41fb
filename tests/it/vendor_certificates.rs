//! The operator's MDM vendor certificates: refused when they are wrong, one of them signs, and none is missed.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::x509::X509;
use pomarium_tests::actors::subject;
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::pki::push_request::{self, Digest};
use shared::pki::trust::TrustRoots;

use crate::crypto::{KEY, certificate_pem, locked_pem, pem, pkcs12, self_signed};

const PATH: &str = "/v1/vendor-certificates";

async fn install(app: &TestApp, body: &Value) -> Answer {
    app.operator().post(PATH, body.clone()).await
}

fn good(app: &TestApp) -> Value {
    let vendor = app.runner.portal.make_vendor().unwrap();
    json!({"certificate": vendor.certificate, "key": vendor.key.expose(), "chain": vendor.chain})
}

#[tokio::test]
async fn a_vendor_certificate_that_cannot_sign_is_refused_by_name() {
    let app = TestApp::start().await;
    let kept = app.operator().get(PATH).await.expect(200);
    let good = good(&app);
    let now = app.clock.now();
    let of_our_key = |days| certificate_pem(&self_signed(&[], now, days));
    let with = |changes: &[(&str, String)]| {
        let mut body = good.clone();
        for (field, value) in changes {
            body[*field] = json!(value);
        }
        body
    };
    let wrong = [
        (with(&[("certificate", "words".into())]), 400, "vendor-certificate-unreadable", "certificate"),
        (with(&[("chain", "words".into())]), 400, "vendor-certificate-unreadable", "certificate"),
        (with(&[("key", "words".into())]), 400, "private-key-unreadable", "key"),
        (with(&[("key", pem(&KEY))]), 400, "vendor-certificate-wrong-key", "key"),
        (with(&[("key", locked_pem("right"))]), 400, "private-key-needs-password", "password"),
        (
            with(&[("key", locked_pem("right")), ("password", "wrong".into())]),
            400,
            "private-key-wrong-password",
            "password",
        ),
        (with(&[("chain", String::new())]), 400, "vendor-chain-incomplete", "chain"),
        (
            with(&[("certificate", of_our_key((-366, -1))), ("key", pem(&KEY))]),
            409,
            "vendor-certificate-expired",
            "",
        ),
        (with(&[("certificate", of_our_key((5, 366))), ("key", pem(&KEY))]), 409, "vendor-chain-invalid", ""),
    ];
    for (body, status, problem, field) in wrong {
        let refused = install(&app, &body).await;
        assert_eq!((refused.status, refused.problem()), (status, problem), "{}", refused.text());
        assert_eq!(refused.json["field"].as_str().unwrap_or_default(), field, "{problem}");
        assert!(refused.json["next_step"].is_string(), "{problem}");
        assert_eq!(app.operator().get(PATH).await.json, kept.json, "{problem}");
    }
    for body in [
        json!({}),
        json!({"certificate": good["certificate"]}),
        json!({"key": good["key"]}),
        json!({"certificate": good["certificate"], "key": good["key"], "pfx": "AAAA"}),
    ] {
        assert_eq!(install(&app, &body).await.expect(400).problem(), "vendor-certificate-files");
    }
    install(&app, &good).await.expect(201);
}

/// A second vendor certificate, of our own authority, that ends after so many days.
fn second(app: &TestApp, days: i64) -> X509 {
    self_signed(&[], app.clock.now(), (-1, days))
}

async fn list(app: &TestApp) -> Vec<Value> {
    app.operator().get(PATH).await.expect(200).json["vendor_certificates"].as_array().unwrap().clone()
}

async fn activate(app: &TestApp, fingerprint: &Value) -> Answer {
    app.operator().post(&format!("{PATH}/{}/activate", fingerprint.as_str().unwrap()), json!({})).await
}

async fn delete(app: &TestApp, fingerprint: &Value) -> Answer {
    let path = format!("{PATH}/{}", fingerprint.as_str().unwrap());
    app.operator().call(Method::DELETE, &path, Vec::new()).await
}

async fn request(tenant: &Tenant) -> Answer {
    tenant.post("push-certificate/request", json!({"subject": subject(), "replace": true})).await
}

/// Takes everything about vendor certificates away, as if none had ever been installed.
async fn remove_all(app: &TestApp) {
    let client = Client::new(&app.runner.aws.sdk_config());
    let mut names = vec!["ACTIVE".to_owned()];
    for installed in list(app).await {
        let fingerprint = installed["fingerprint"].as_str().unwrap();
        app.runner.state.secrets.delete(&format!("vendor/{fingerprint}")).await.unwrap();
        names.push(format!("INSTALLED#{fingerprint}"));
    }
    for sk in names {
        let delete = client.delete_item().table_name("pki");
        let delete = delete.key("pk", AttributeValue::S("OPERATOR#VENDOR".into()));
        delete.key("sk", AttributeValue::S(sk)).send().await.unwrap();
    }
}

#[tokio::test]
async fn several_are_installed_and_one_signs() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let first = list(&app).await[0].clone();
    assert_eq!(
        (&first["active"], &first["digest"], &first["days_left"]),
        (&json!(true), &json!("sha256"), &json!(730))
    );

    let own = second(&app, 366);
    let body =
        json!({"pfx": STANDARD.encode(pkcs12(&own, "a word")), "password": "a word", "digest": "sha1"});
    let installed = install(&app, &body).await.expect(201).json;
    assert_eq!((&installed["name"], &installed["active"]), (&json!("Somebody Else"), &json!(false)));
    request(&tenant).await.expect(201);
    let now = app.clock.now();
    let by_own = |file: &str| push_request::check(file.as_bytes(), &TrustRoots::from(own.clone()), now);
    assert!(by_own(&tenant.request_file().await).is_err());

    let name = &installed["fingerprint"];
    assert_eq!(activate(&app, name).await.expect(200).json["active"], true);
    activate(&app, name).await.expect(200);
    request(&tenant).await.expect(201);
    assert_eq!(by_own(&tenant.request_file().await).unwrap().digest, Digest::Sha1);

    let refused = delete(&app, name).await.expect(409);
    assert_eq!(refused.problem(), "vendor-certificate-active");
    delete(&app, &first["fingerprint"]).await.expect(204);
    assert_eq!(delete(&app, &first["fingerprint"]).await.status, 404);
    assert_eq!(activate(&app, &first["fingerprint"]).await.status, 404);
    let left = list(&app).await;
    assert_eq!((left.len(), &left[0]["fingerprint"], &left[0]["digest"]), (1, name, &json!("sha1")));
    request(&tenant).await.expect(201);
}

#[tokio::test]
async fn of_two_who_activate_and_delete_at_once_the_signer_stays() {
    let app = TestApp::start().await;
    let body = json!({"certificate": certificate_pem(&second(&app, 366)), "key": pem(&KEY)});
    let installed = install(&app, &body).await.expect(201).json;
    let name = &installed["fingerprint"];
    let (activated, deleted) = tokio::join!(activate(&app, name), delete(&app, name));
    assert!([200, 404, 409].contains(&activated.status), "{}", activated.text());
    assert!([204, 404, 409].contains(&deleted.status), "{}", deleted.text());
    assert_ne!((activated.status, deleted.status), (200, 204));
    let signing: Vec<_> = list(&app).await.into_iter().filter(|one| one["active"] == true).collect();
    assert_eq!(signing.len(), 1);
}

#[tokio::test]
async fn an_expired_vendor_certificate_is_the_operators_trouble() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    app.pass_days(731);
    assert_eq!(list(&app).await[0]["days_left"], -1);
    let refused = request(&tenant).await.expect(409);
    assert_eq!(refused.problem(), "vendor-certificate-expired");
    assert!(refused.text().contains("the operator of this service must renew it"), "{}", refused.text());
    assert_eq!(tenant.get("push-certificate/request").await.status, 404);
    let expired = list(&app).await[0]["fingerprint"].clone();

    let body = json!({"certificate": certificate_pem(&second(&app, 366)), "key": pem(&KEY)});
    let another = install(&app, &body).await.expect(201).json;
    let refused = request(&tenant).await.expect(409);
    assert_eq!(refused.problem(), "vendor-certificate-expired");
    let next = refused.json["next_step"].as_str().unwrap();
    assert!(
        next.contains("\"Somebody Else\"") && next.contains(another["fingerprint"].as_str().unwrap()),
        "{next}"
    );

    activate(&app, &another["fingerprint"]).await.expect(200);
    request(&tenant).await.expect(201);
    assert_eq!(activate(&app, &expired).await.expect(409).problem(), "vendor-certificate-expired");
}

#[tokio::test]
async fn without_a_vendor_certificate_nobody_can_ask_apple() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    remove_all(&app).await;
    let refused = request(&tenant).await.expect(409);
    assert_eq!(refused.problem(), "vendor-certificate-missing");
    assert!(list(&app).await.is_empty());
    // A deleted secret waits for its end under the same name: installing brings it back.
    assert_eq!(install(&app, &good(&app)).await.expect(201).json["active"], true);
    request(&tenant).await.expect(201);
}

#[tokio::test]
async fn the_one_of_an_older_installation_is_taken_over() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let expected = list(&app).await[0]["fingerprint"].clone();
    remove_all(&app).await;
    let former = shared::secret::Secret::new(good(&app).to_string().into_bytes());
    app.runner.state.secrets.put("vendor", &former).await.unwrap();
    let (one, other) = tokio::join!(request(&tenant), list(&app));
    assert!([201, 409].contains(&one.status), "{}", one.text());
    assert_eq!(other.len(), 1);
    request(&tenant).await.expect(201);
    let taken = list(&app).await;
    assert_eq!((taken.len(), &taken[0]["fingerprint"], &taken[0]["active"]), (1, &expected, &json!(true)));
}

#[tokio::test]
async fn the_end_of_the_active_one_can_be_found_and_troubles_no_tenants_notices() {
    let app = TestApp::start().await;
    app.ready_tenant("Green School").await;
    let body = json!({"certificate": certificate_pem(&second(&app, 365)), "key": pem(&KEY)});
    let installed = install(&app, &body).await.expect(201).json;
    activate(&app, &installed["fingerprint"]).await.expect(200);
    app.pass_days(340);
    let client = Client::new(&app.runner.aws.sdk_config());
    let found = client.query().table_name("pki").index_name("by-expiry");
    let found = found.key_condition_expression("expiry_month = :month").filter_expression("kind = :kind");
    let found = found.expression_attribute_values(":month", AttributeValue::S("2027-11".into()));
    let kind = AttributeValue::S("vendor-certificate".into());
    let found = found.expression_attribute_values(":kind", kind).send().await.unwrap();
    assert_eq!(found.items().len(), 1);
    assert_eq!(found.items()[0]["fingerprint"].as_s().unwrap(), installed["fingerprint"].as_str().unwrap());
    let tally = shared::service::notify_expiry::notify_expiry(&app.runner.state, || true).await.unwrap();
    assert_eq!(tally.failed, 0);
}
