//! The export of an installed certificate, for who knows the password chosen at its activation.

use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::x509::X509;
use pomarium_tests::{Answer, Tenant, TestApp};
use serde_json::{Value, json};

use crate::devices::pass_seconds;
use crate::stored::{everything, unchanged};

const PASSWORD: &str = "correct horse battery";

/// A tenant whose certificate waits for its activation.
async fn staged(app: &TestApp) -> Tenant {
    let tenant = app.tenant("Green School").await;
    tenant.request().await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
    tenant.stage(&issued.pem).await;
    tenant
}

/// A tenant whose certificate can be exported.
async fn protected(app: &TestApp) -> Tenant {
    let tenant = staged(app).await;
    let active = tenant.activate(json!({"password": PASSWORD, "password_again": PASSWORD})).await;
    assert_eq!(active.json["active"]["exportable"], true);
    tenant
}

async fn export(tenant: &Tenant, body: Value) -> Answer {
    tenant.post("push-certificate/export", body).await
}

async fn wrong(tenant: &Tenant) -> Answer {
    export(tenant, json!({"password": "wrong", "format": "pem"})).await
}

#[tokio::test]
async fn certificate_and_key_come_out_as_they_went_in() {
    let app = TestApp::start().await;
    let tenant = protected(&app).await;
    let active = tenant.get("push-certificate").await.json["active"].clone();

    let file = export(&tenant, json!({"password": PASSWORD, "format": "pfx"})).await.expect(200);
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"push-certificate.pfx\""));
    assert_eq!(file.header("cache-control"), Some("no-store"));
    let content = Pkcs12::from_der(&file.bytes).unwrap().parse2(PASSWORD).unwrap();
    let (certificate, key) = (content.cert.unwrap(), content.pkey.unwrap());
    assert!(certificate.public_key().unwrap().public_eq(&key));

    let which = json!({"fingerprint": active["fingerprint"], "password": PASSWORD, "format": "pem"});
    let file = export(&tenant, which).await.expect(200);
    assert_eq!(X509::from_pem(&file.bytes).unwrap(), certificate);
    assert!(PKey::private_key_from_pem(&file.bytes).unwrap().public_eq(&key));

    let unknown = json!({"fingerprint": "0".repeat(64), "password": PASSWORD, "format": "pem"});
    assert_eq!(export(&tenant, unknown).await.expect(404).problem(), "not-found");
    let log = tenant.get("audit").await.expect(200);
    assert!(log.text().contains("push-certificate-exported") && !log.text().contains(PASSWORD));
}

#[tokio::test]
async fn without_a_password_at_the_activation_nothing_comes_out() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let refused = export(&tenant, json!({"password": PASSWORD, "format": "pem"})).await.expect(409);
    assert_eq!(refused.problem(), "export-password-missing");
}

#[tokio::test]
async fn a_password_that_is_short_or_mistyped_activates_nothing() {
    let app = TestApp::start().await;
    let tenant = staged(&app).await;
    let before = everything(&app).await;
    for (password, again, problem) in
        [("short", "short", "key-password"), (PASSWORD, "correct horse", "export-password-mismatch")]
    {
        let body = json!({"password": password, "password_again": again});
        let refused = tenant.post("push-certificate/activate", body).await.expect(400);
        assert_eq!(refused.problem(), problem);
    }
    let once = json!({"password": PASSWORD});
    let refused = tenant.post("push-certificate/activate", once).await.expect(400);
    assert_eq!(refused.problem(), "export-password-mismatch");
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_export_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let tenant = protected(&app).await;
    let right = json!({"password": PASSWORD, "format": "pfx"});
    for left in (0..5).rev() {
        let refused = wrong(&tenant).await.expect(400);
        assert_eq!(refused.problem(), "export-password-wrong");
        let told = if left == 0 { "locked".to_owned() } else { format!("Tries left: {left}.") };
        assert!(refused.text().contains(&told), "{}", refused.text());
    }
    pass_seconds(&app, 60);
    let locked = export(&tenant, right.clone()).await.expect(429);
    assert_eq!((locked.problem(), locked.header("retry-after")), ("export-locked", Some("840")));
    pass_seconds(&app, 840);
    export(&tenant, right).await.expect(200);

    // The right one is a new beginning.
    assert!(wrong(&tenant).await.expect(400).text().contains("Tries left: 4."));
}

#[tokio::test]
async fn many_tries_at_once_are_no_more_than_five() {
    let app = TestApp::start().await;
    let tenant = protected(&app).await;
    let tries = tokio::join!(
        wrong(&tenant),
        wrong(&tenant),
        wrong(&tenant),
        wrong(&tenant),
        wrong(&tenant),
        wrong(&tenant),
        wrong(&tenant),
        wrong(&tenant)
    );
    let mut answers: Vec<u16> = <[Answer; 8]>::from(tries).iter().map(|answer| answer.status).collect();
    answers.sort_unstable();
    assert_eq!(answers, [400, 400, 400, 400, 400, 429, 429, 429]);
}
