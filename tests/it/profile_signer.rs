//! Who signs profiles, and that others who check signatures accept them.

use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::stack::Stack;
use openssl::x509::{X509, X509Name};
use pomarium_local::runner;
use pomarium_tests::{Answer, Api, Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::audit::AuditAction;
use shared::domain::profile_signer::Whose;
use shared::pki::Credential;
use shared::pki::authority::{self, AuthoritySubject, Identity};
use shared::scope::{Operator, Realm};

use crate::crypto::{KEY, certificate_pem, curve_key, pem};
use crate::stored::{everything, unchanged};

const SERVER: &str = "/v1/profile-signer";

/// An authority that nobody here knows, and a signing certificate of [`KEY`] that it issued.
pub(crate) struct Brought {
    root: X509,
    signer: X509,
}

impl Brought {
    pub(crate) fn new(app: &TestApp, common_name: &str, days: u32) -> Self {
        let subject = AuthoritySubject {
            common_name: "Public Root".into(),
            organization: "Public".into(),
            country: None,
        };
        let root = authority::create(&subject, &KEY, [1; 16], app.clock.now()).unwrap();
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, common_name).unwrap();
        let identity = Identity { key: &KEY, subject: &name.build(), serial: [2; 16], days };
        let issuer = Credential { certificate: root.clone(), key: KEY.clone() };
        let signer = authority::issue_profile_signer(&issuer, &identity, app.clock.now()).unwrap();
        Self { root, signer }
    }

    pub(crate) fn files(&self) -> Value {
        json!({"certificate": certificate_pem(&self.signer), "key": pem(&KEY), "chain": certificate_pem(&self.root)})
    }

    fn pfx(&self, password: &str) -> Value {
        let mut chain = Stack::new().unwrap();
        chain.push(self.root.clone()).unwrap();
        let archive = Pkcs12::builder().pkey(&KEY).cert(&self.signer).ca(chain).build2(password).unwrap();
        json!({"certificate": STANDARD.encode(archive.to_der().unwrap()), "password": password})
    }
}

async fn put(api: &Api, path: &str, body: &Value) -> Answer {
    api.call(Method::PUT, path, body.to_string().into()).await
}

async fn remove(api: &Api, path: &str) -> Answer {
    api.call(Method::DELETE, path, Vec::new()).await
}

async fn profile(app: &TestApp, tenant: &Tenant) -> Vec<u8> {
    app.stranger().get(&tenant.enrollment_link().await).await.expect(200).bytes
}

async fn signed_with(tenant: &Tenant) -> String {
    let shown = tenant.get("profile-signer").await.expect(200);
    shown.json["signed_with"].as_str().unwrap().to_owned()
}

/// What `openssl smime -verify` says of a served profile, with only this root to trust.
fn verify(app: &TestApp, profile: &[u8], root: &X509) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let message = file("profile.mobileconfig", profile);
    let roots = file("roots.pem", &root.to_pem().unwrap());
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (message, roots) = (path(&message), path(&roots));
    let at = app.clock.now().as_second().to_string();
    Command::new("openssl")
        .args(["smime", "-verify", "-inform", "der", "-in", &message, "-CAfile", &roots, "-attime", &at])
        .output()
        .expect("openssl is installed")
}

#[track_caller]
fn accepted(app: &TestApp, profile: &[u8], root: &X509) {
    let checked = verify(app, profile, root);
    let words = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && words.contains("Verification successful"), "{words}");
    let content = String::from_utf8_lossy(&checked.stdout);
    assert!(content.starts_with("<?xml") && content.contains("com.apple.mdm"), "{content}");
}

#[tokio::test]
async fn an_organization_signs_with_its_own_certificate_and_openssl_accepts_it() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let brought = Brought::new(&app, "profiles.green.example", 365);
    for body in [brought.files(), brought.pfx("right")] {
        let shown = put(&tenant.admin, &tenant.path("profile-signer"), &body).await.expect(200).json;
        assert_eq!(
            (&shown["common_name"], &shown["issuer"]),
            (&json!("profiles.green.example"), &json!("Public Root"))
        );
        assert_eq!((&shown["days_left"], &shown["chain_length"]), (&json!(365), &json!(1)));
        accepted(&app, &profile(&app, &tenant).await, &brought.root);
    }
    let shown = tenant.get("profile-signer").await.expect(200);
    assert_eq!(shown.json["signed_with"], "organization");
    assert!(!shown.text().contains("PRIVATE KEY"));
    let stranger = Brought::new(&app, "Another", 1).signer;
    assert!(
        !verify(&app, &profile(&app, &tenant).await, &stranger).status.success(),
        "a wrong root is noticed"
    );
}

#[tokio::test]
async fn the_authoritys_own_signature_is_accepted_by_openssl() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    assert_eq!(signed_with(&tenant).await, "authority");
    let root = app.stranger().get(&format!("/scep/{}?operation=GetCACert", tenant.id)).await.expect(200);
    accepted(&app, &profile(&app, &tenant).await, &X509::from_der(&root.bytes).unwrap());
}

#[tokio::test]
async fn a_certificate_that_is_over_is_passed_by_and_enrollment_goes_on() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (own, server) = (Brought::new(&app, "own", 10), Brought::new(&app, "server", 20));
    put(&tenant.admin, &tenant.path("profile-signer"), &own.files()).await.expect(200);
    put(&app.operator(), SERVER, &server.files()).await.expect(200);
    assert_eq!(signed_with(&tenant).await, "organization");

    app.pass_days(10);
    assert_eq!(signed_with(&tenant).await, "server");
    accepted(&app, &profile(&app, &tenant).await, &server.root);
    let meaning = tenant.get("profile-signer").await.json["meaning"].clone();
    assert!(meaning.as_str().unwrap().contains("is not valid now (it ends on 2026-12-01)"), "{meaning}");

    app.pass_days(10);
    assert_eq!(signed_with(&tenant).await, "authority");
    profile(&app, &tenant).await;
    assert_eq!(app.operator().get(SERVER).await.expect(200).json["server"]["days_left"], 0);
}

#[tokio::test]
async fn brought_certificates_stand_in_the_calendar_and_are_mailed_about() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let (own, servers) = (Brought::new(&app, "own", 10), Brought::new(&app, "servers", 40));
    put(&tenant.admin, &tenant.path("profile-signer"), &own.files()).await.expect(200);
    put(&app.operator(), SERVER, &servers.files()).await.expect(200);
    let listed = async |api: &Api, path: &str| -> Value {
        let all = api.get(path).await.expect(200).json["expirations"].take();
        let brought = |one: &&Value| one["kind"] == "signing-certificate";
        all.as_array().unwrap().iter().find(brought).cloned().unwrap_or_default()
    };
    let calendar = tenant.path("expirations");
    let tenants = listed(&tenant.admin, &calendar).await;
    assert_eq!((&tenants["name"], &tenants["days_left"]), (&json!("own"), &json!(10)), "{tenants}");
    let operators = listed(&app.operator(), "/v1/expirations").await;
    assert_eq!((&operators["name"], &operators["state"]), (&json!("servers"), &json!("ok")), "{operators}");
    assert!(
        operators["steps"][1].as_str().unwrap().contains("/console/operator/signing-certificate"),
        "{operators}"
    );

    let sent = async || {
        let told = runner::run(app.runner.state.clone(), "expiry-notifier").await.expect("it runs");
        told["sent"].clone()
    };
    assert_eq!(sent().await, 1, "the tenant's contact");
    app.pass_days(10);
    let until = app.clock.now() + shared::time::SignedDuration::from_secs(2 * shared::time::DAY);
    let path = format!("/v1/expirations/{}/snooze", operators["credential"].as_str().unwrap());
    let snooze = json!({"until": until, "by": "Jo Green"});
    tenant.admin.post(&path, snooze.clone()).await.expect(403);
    app.operator().post("/v1/expirations/signing-certificate.aa/snooze", snooze.clone()).await.expect(404);
    app.operator().post(&path, snooze).await.expect(201);
    assert_eq!(listed(&app.operator(), "/v1/expirations").await["snooze"]["by"], "Jo Green");
    assert_eq!(sent().await, 1, "the tenant's contact alone");
    app.pass_days(2);
    assert_eq!(sent().await, 2, "the operator as well");

    remove(&tenant.admin, &tenant.path("profile-signer")).await.expect(204);
    remove(&app.operator(), SERVER).await.expect(204);
    assert_eq!(listed(&tenant.admin, &calendar).await, Value::Null);
    assert_eq!(listed(&app.operator(), "/v1/expirations").await, Value::Null);
}

#[tokio::test]
async fn what_is_given_up_signs_no_more() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let brought = Brought::new(&app, "own", 10);
    put(&app.operator(), SERVER, &brought.files()).await.expect(200);
    put(&tenant.admin, &tenant.path("profile-signer"), &brought.files()).await.expect(200);
    for _ in 0..2 {
        remove(&tenant.admin, &tenant.path("profile-signer")).await.expect(204);
        assert_eq!(signed_with(&tenant).await, "server");
    }
    remove(&app.operator(), SERVER).await.expect(204);
    assert_eq!(signed_with(&tenant).await, "authority");
    assert_eq!(app.operator().get(SERVER).await.expect(200).json["server"], Value::Null);
    let log = tenant.get("audit").await.expect(200).json;
    let count = |action: &str| {
        log["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == action).count()
    };
    assert_eq!((count("profile-signer-installed"), count("profile-signer-removed")), (1, 1));
    // It may come back.
    put(&tenant.admin, &tenant.path("profile-signer"), &brought.files()).await.expect(200);
    assert_eq!(signed_with(&tenant).await, "organization");
}

#[tokio::test]
async fn a_certificate_that_cannot_sign_is_refused_by_name() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let brought = Brought::new(&app, "own", 10);
    let before = everything(&app).await;
    let with = |field: &str, value: Value| {
        let mut body = brought.files();
        body[field] = value;
        body
    };
    let mut wrong_password = brought.pfx("right");
    wrong_password["password"] = json!("wrong");
    for (body, problem, field) in [
        (with("certificate", json!("words")), "profile-signer-unreadable", "certificate"),
        (with("chain", json!("words")), "profile-signer-unreadable", "chain"),
        (with("key", Value::Null), "profile-signer-key-missing", "key"),
        (with("key", json!(pem(&curve_key()))), "profile-signer-not-rsa", "key"),
        (with("chain", json!("")), "profile-signer-chain-missing", "chain"),
        (wrong_password, "pkcs12-wrong-password", "password"),
    ] {
        let refused = put(&tenant.admin, &tenant.path("profile-signer"), &body).await;
        assert_eq!((refused.status, refused.problem()), (400, problem), "{}", refused.text());
        assert_eq!(refused.json["field"], field, "{problem}");
        assert!(refused.json["next_step"].is_string(), "{problem}");
    }
    app.pass_days(10);
    let late = put(&app.operator(), SERVER, &brought.files()).await.expect(409);
    assert_eq!(late.problem(), "profile-signer-expired");
    unchanged(&app, &before).await;
}

#[tokio::test]
async fn of_two_who_install_at_the_same_time_one_is_told() {
    let app = TestApp::start().await;
    let store = &app.runner.state.store;
    put(&app.operator(), SERVER, &Brought::new(&app, "first", 10).files()).await.expect(200);
    let first = store.profile_signer(Whose::Server).await.unwrap().unwrap();
    put(&app.operator(), SERVER, &Brought::new(&app, "second", 10).files()).await.expect(200);
    let operator = Operator::system("test");
    let realm = Realm::Operator(&operator);
    let audit = app.runner.state.audit(realm, AuditAction::ProfileSignerInstalled);
    // Each had read what was there before the second came.
    for replaces in [None, Some(&first)] {
        let late = store.put_profile_signer(realm, &first, replaces, &audit).await.unwrap_err();
        assert_eq!(late.code(), "profile-signer-changed");
    }
    let late = store.delete_profile_signer(realm, &first, &audit).await.unwrap_err();
    assert_eq!(late.code(), "profile-signer-changed");
    assert_eq!(app.operator().get(SERVER).await.json["server"]["common_name"], "second");
}
