//! What people upload instead of their push certificate: each mistake has its own answer, and none leaves a trace.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pomarium_tests::{Answer, Tenant, TestApp};
use serde_json::{Value, json};

use crate::crypto::{
    KEY, TOPIC, certificate_pem, curve_key, issued_elsewhere, locked_pem, pem, pkcs12, request, self_signed,
};
use crate::stored::{everything, unchanged};

/// Two schools on the eleventh day: each with an active certificate; green has renewed once, and has a second renewal
/// under review.
struct Schools {
    app: TestApp,
    green: Tenant,
    blue: Tenant,
    /// Green's certificates: the former, the active, the staged.
    former: String,
    active: String,
}

async fn renewed(app: &TestApp, tenant: &Tenant) -> String {
    let state = tenant.get("push-certificate").await.expect(200);
    let topic = state.json["active"]["topic"].as_str().unwrap();
    tenant.request().await;
    app.runner
        .portal
        .renew(topic, &tenant.request_file().await)
        .map_err(|_| ())
        .expect("the portal renews")
        .pem
}

impl Schools {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let green = app.ready_tenant("Green School").await;
        let blue = app.ready_tenant("Blue School").await;
        let former = app.runner.portal.list().unwrap().remove(0).pem;
        app.pass_days(10);
        let active = renewed(&app, &green).await;
        green.stage(&active).await;
        green.activate(json!({})).await;
        app.pass_days(1);
        let next = renewed(&app, &green).await;
        assert_eq!(green.stage(&next).await.json["source"], "Renewal");
        Self { app, green, blue, former, active }
    }

    /// The mistakes, by name, as the bodies of uploads.
    async fn mistakes(&self) -> Vec<(&'static str, Value)> {
        let Self { app, green, blue, former, active } = self;
        let now = app.clock.now();
        let certificate = |pem: &str| json!({"certificate": pem});
        let own = |uids: &[&str], days| certificate_pem(&self_signed(uids, now, days));
        let good = own(&[TOPIC], (-1, 364));
        let elsewhere = issued_elsewhere(app);
        let archive = STANDARD.encode(pkcs12(&elsewhere, "right"));
        blue.request().await;
        let blues = app.runner.portal.issue(&blue.request_file().await).map_err(|_| ()).unwrap().pem;
        let blue_topic =
            blue.get("push-certificate").await.json["active"]["topic"].as_str().unwrap().to_owned();
        let taken =
            app.runner.portal.renew(&blue_topic, &green.request_file().await).map_err(|_| ()).unwrap().pem;
        let [_, intermediate] = &app.runner.portal.issuer_roots()[..] else {
            panic!("root and intermediate")
        };
        vec![
            ("nothing", certificate("")),
            ("words", certificate("Dear administrator, here is the certificate")),
            ("damaged pem", certificate(&active.replace("MII", "MIJ"))),
            ("the request instead of the certificate", certificate(&green.request_file().await)),
            ("a request in pem", certificate(&String::from_utf8(request().to_pem().unwrap()).unwrap())),
            ("the key alone", certificate(&pem(&KEY))),
            ("the authority's certificate", certificate(&certificate_pem(intermediate))),
            ("two certificates", certificate(&format!("{active}{good}"))),
            ("no uid", certificate(&own(&[], (-1, 364)))),
            ("two uids", certificate(&own(&[TOPIC, TOPIC], (-1, 364)))),
            ("an app's certificate", certificate(&own(&["com.example.app"], (-1, 364)))),
            ("expired", certificate(&own(&[TOPIC], (-366, -1)))),
            ("not yet valid", certificate(&own(&[TOPIC], (3, 368)))),
            ("another issuer", certificate(&good)),
            ("the active one", certificate(active)),
            ("an older one", certificate(former)),
            ("another tenant's topic", certificate(&taken)),
            ("of another request", certificate(&blues)),
            ("with another key", json!({"certificate": active, "key": pem(&KEY)})),
            ("with a key that is none", json!({"certificate": active, "key": "key"})),
            ("with a curve's key", json!({"certificate": active, "key": pem(&curve_key())})),
            ("with a locked key", json!({"certificate": good, "key": locked_pem("right")})),
            (
                "with a locked key and another password",
                json!({"certificate": good, "key": locked_pem("right"), "password": "wrong"}),
            ),
            ("pkcs12 without a password", certificate(&archive)),
            ("pkcs12 with a wrong password", json!({"certificate": archive, "password": "wrong"})),
            (
                "damaged pkcs12",
                json!({"certificate": &archive[..archive.len() / 8 * 4], "password": "right"}),
            ),
        ]
    }
}

#[tokio::test]
async fn every_mistake_has_its_own_answer_and_leaves_no_trace() {
    let schools = Schools::new().await;
    let mistakes = schools.mistakes().await;
    let before = everything(&schools.app).await;
    let mut answers = Vec::new();
    for (mistake, body) in mistakes {
        let answer = schools.green.post("push-certificate/staged", body).await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{mistake}");
        assert!(answer.json["field"].is_string(), "{mistake}: {}", answer.text());
        assert!(answer.json["next_step"].is_string(), "{mistake}: {}", answer.text());
        unchanged(&schools.app, &before).await;
        answers.push(json!({"mistake": mistake, "answer": answer.json}));
    }
    insta::assert_json_snapshot!(answers);
    // What was under review before still is.
    schools.green.activate(json!({})).await;
}

#[tokio::test]
async fn without_a_request_the_key_must_come_along() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    let certificate = issued_elsewhere(&app);
    let refused =
        tenant.post("push-certificate/staged", json!({"certificate": certificate_pem(&certificate)})).await;
    assert_eq!((refused.status, refused.problem()), (409, "push-key-missing"));

    let archive = STANDARD.encode(pkcs12(&certificate, "right"));
    for body in [
        json!({"certificate": certificate_pem(&certificate), "key": pem(&KEY)}),
        json!({"certificate": certificate_pem(&certificate), "key": locked_pem("right"), "password": "right"}),
        json!({"certificate": STANDARD.encode(certificate.to_der().unwrap()), "key": pem(&KEY)}),
        json!({"certificate": format!("{}{}", certificate_pem(&certificate), pem(&KEY))}),
        json!({"certificate": archive, "password": "right"}),
    ] {
        let review = tenant.post("push-certificate/staged", body).await.expect(201);
        assert_eq!(review.json["source"], "New");
    }
    tenant.activate(json!({})).await;
}

#[tokio::test]
async fn a_file_may_be_the_whole_body() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.request().await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(|_| ()).unwrap();
    let path = tenant.path("push-certificate/staged");
    let put = |file: &[u8]| tenant.admin.call(reqwest::Method::POST, &path, file.to_vec());
    let refused: Answer = put(b"nonsense").await.expect(400);
    assert_eq!(refused.problem(), "push-certificate-not-a-certificate");
    put(issued.pem.as_bytes()).await.expect(201);
    tenant.admin.call(reqwest::Method::DELETE, &path, Vec::new()).await.expect(204);
    assert_eq!(tenant.get("push-certificate/staged").await.expect(409).problem(), "nothing-staged");
    assert_eq!(
        tenant.post("push-certificate/activate", json!({})).await.expect(409).problem(),
        "nothing-staged"
    );
}
