//! The customer's own certificate request: reviewed, signed, and its certificate installed with the customer's own key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509Req;
use pomarium_tests::TestApp;
use pomarium_tests::actors::subject;
use reqwest::Method;
use serde_json::{Value, json};

use crate::crypto::{KEY, curve_key, locked_pem, pem, request};
use crate::stored::{everything, unchanged};

const PATH: &str = "push-certificate/request";
const REVIEW: &str = "push-certificate/request/review";

fn request_pem() -> String {
    String::from_utf8(request().to_pem().unwrap()).unwrap()
}

/// The codes of a review's findings.
fn problems(review: &Value) -> Vec<&str> {
    let problems = review["problems"].as_array().unwrap().iter();
    problems.map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_own_request_goes_all_the_way_and_its_key_never_leaves_its_owner() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let review = tenant.post(REVIEW, json!({"csr": request_pem()})).await.expect(200).json;
    assert_eq!(review["subject"]["common_name"], "Green School");
    assert_eq!(review["key"]["bits"], 2048);
    assert_eq!(review["problems"], json!([]));

    let made = tenant.post(PATH, json!({"csr": request_pem()})).await.expect(201).json;
    assert_eq!(made["custody"], "own");
    assert_eq!(made["key_fingerprint"], review["key"]["fingerprint"]);
    assert_eq!(made["subject"], review["subject"]);
    assert_eq!(made.get("private_key"), None);

    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
    let alone = tenant.post("push-certificate/staged", json!({"certificate": issued.pem})).await.expect(409);
    assert_eq!((alone.problem(), &alone.json["field"]), ("push-key-not-kept", &json!("key")));
    assert!(alone.text().contains("where you made the request"), "{}", alone.text());

    let both = json!({"certificate": issued.pem, "key": locked_pem("a word"), "password": "a word"});
    tenant.post("push-certificate/staged", both).await.expect(201);
    tenant.activate(json!({})).await;
    let state = tenant.get("push-certificate").await.expect(200).json;
    assert_eq!((&state["active"]["topic"], &state["request_pending"]), (&json!(issued.uid), &json!(false)));
}

#[tokio::test]
async fn every_form_of_the_file_is_taken() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let der = request().to_der().unwrap();
    tenant.admin.call(Method::POST, &tenant.path(PATH), request_pem().into()).await.expect(201);
    let again = tenant.admin.call(Method::POST, &tenant.path(PATH), der.clone()).await.expect(409);
    assert_eq!(again.problem(), "push-request-pending");
    let body = json!({"csr": STANDARD.encode(&der), "replace": true});
    tenant.post(PATH, body).await.expect(201);
    let review = tenant.admin.call(Method::POST, &tenant.path(REVIEW), der).await.expect(200);
    assert_eq!(problems(&review.json), ["push-request-pending"]);
}

#[tokio::test]
async fn what_apple_would_refuse_is_refused_here_and_named_in_the_review() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let signed = |key: &PKey<openssl::pkey::Private>| {
        let mut builder = X509Req::builder().unwrap();
        builder.set_pubkey(key).unwrap();
        builder.sign(key, MessageDigest::sha256()).unwrap();
        builder.build().to_der().unwrap()
    };
    let small = PKey::from_rsa(Rsa::generate(1_024).unwrap()).unwrap();
    let mut damaged = request().to_der().unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    let before = everything(&app).await;
    for (file, code) in [
        (signed(&small), "certificate-request-key"),
        (signed(&curve_key()), "certificate-request-key"),
        (damaged, "certificate-request-signature"),
    ] {
        let body = json!({"csr": STANDARD.encode(file)});
        let refused = tenant.post(PATH, body.clone()).await.expect(400);
        assert_eq!((refused.problem(), &refused.json["field"]), (code, &json!("csr")));
        let review = tenant.post(REVIEW, body).await.expect(200).json;
        assert_eq!(problems(&review), [code]);
        assert_eq!(review["problems"][0]["detail"], refused.json["detail"]);
    }
    for file in [pem(&KEY), "words".into()] {
        for path in [PATH, REVIEW] {
            let refused = tenant.post(path, json!({"csr": file})).await.expect(400);
            assert_eq!(refused.problem(), "certificate-request-unreadable");
        }
    }
    for body in [
        json!({}),
        json!({"subject": subject(), "csr": request_pem()}),
        json!({"csr": request_pem(), "key": {"custody": "keep"}}),
        json!({"key": {"custody": "keep"}}),
    ] {
        assert_eq!(tenant.post(PATH, body).await.expect(400).problem(), "push-request-source");
    }
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn a_form_is_reviewed_too_and_nothing_is_kept() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let before = everything(&app).await;
    let review = tenant.post(REVIEW, json!({"subject": subject()})).await.expect(200).json;
    assert_eq!((&review["subject"]["country"], &review["key"]), (&json!("DE"), &Value::Null));
    assert_eq!(review["problems"], json!([]));
    let mut wrong = subject();
    wrong["country"] = json!("Germany");
    let review = tenant.post(REVIEW, json!({"subject": wrong})).await.expect(200).json;
    assert_eq!(
        (&review["problems"][0]["field"], review["problems"][0]["code"].as_str()),
        (&json!("country"), Some("subject"))
    );
    unchanged(&app, &before).await;

    app.pass_days(731);
    let review = tenant.post(REVIEW, json!({"subject": subject()})).await.expect(200).json;
    assert_eq!(problems(&review), ["vendor-certificate-expired"]);
}
