//! The operator's MDM vendor certificate: refused when it is wrong, and named when it is missing or over.

use pomarium_tests::{Answer, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::crypto::{KEY, certificate_pem, locked_pem, pem, self_signed};

const PATH: &str = "/v1/vendor-certificate";

async fn install(app: &TestApp, body: &Value) -> Answer {
    app.operator().call(Method::PUT, PATH, body.to_string().into()).await
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
    install(&app, &good).await.expect(200);
}

#[tokio::test]
async fn an_expired_vendor_certificate_is_the_operators_trouble() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    app.pass_days(731);
    assert_eq!(app.operator().get(PATH).await.expect(200).json["days_left"], -1);
    let body = json!({"subject": pomarium_tests::actors::subject()});
    let refused = tenant.post("push-certificate/request", body.clone()).await.expect(409);
    assert_eq!(refused.problem(), "vendor-certificate-expired");
    assert!(refused.text().contains("the operator of this service must renew it"), "{}", refused.text());
    assert_eq!(tenant.get("push-certificate/request").await.status, 404);

    install(&app, &good(&app)).await.expect(200);
    tenant.post("push-certificate/request", body).await.expect(201);
}

#[tokio::test]
async fn without_a_vendor_certificate_nobody_can_ask_apple() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    app.runner.state.secrets.delete("vendor").await.expect("it is deleted");
    let body = json!({"subject": pomarium_tests::actors::subject()});
    let refused = tenant.post("push-certificate/request", body).await.expect(409);
    assert_eq!(refused.problem(), "vendor-certificate-missing");
    assert_eq!(app.operator().get(PATH).await.expect(409).problem(), "vendor-certificate-missing");
    // A deleted secret waits for its end under the same name: installing brings it back.
    install(&app, &good(&app)).await.expect(200);
    app.operator().get(PATH).await.expect(200);
}
