//! Nothing secret reaches the log, whatever happens: a run with all its successes and failures is searched for what it
//! was given in confidence.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pomarium_local::apns::Answer;
use pomarium_local::device::{Reply, SimDevice};
use pomarium_tests::TestApp;
use pomarium_tests::actors::subject;
use pomarium_tests::logs::{FILTER, Log, SEED, secret_in};
use serde_json::json;
use shared::domain::enrollment::PushAddress;
use shared::domain::link::LinkToken;
use shared::domain::token::{BearerToken, Owner};
use shared::secret::Secret;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;

use crate::crypto::{KEY, issued_elsewhere, locked_pem, pem, pkcs12};
use crate::repository::rust_files;

/// Collects what this thread logs while the guard lives; the server of a test runs on its test's thread.
pub(crate) fn start(log: &Log) -> DefaultGuard {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .without_time()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_writer(log.clone());
    tracing::subscriber::set_default(subscriber.finish())
}

/// The forms in which bytes come to be printed.
fn forms(secret: &[u8]) -> Vec<String> {
    let mut forms = vec![
        hex::encode(secret),
        hex::encode_upper(secret),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        format!("{secret:?}"),
    ];
    forms.extend(String::from_utf8(secret.to_vec()));
    forms
}

#[tokio::test]
async fn a_run_with_all_its_troubles_gives_nothing_away() {
    let log = Log::default();
    let _guard = start(&log);
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut secrets: Vec<(&str, Vec<u8>)> = vec![
        ("the operator's token", app.runner.operator_token.expose().clone().into()),
        ("the tenant's token", tenant.token().into()),
    ];

    // Uploads with keys and passwords, right and wrong.
    let certificate = issued_elsewhere(&app);
    let archive = STANDARD.encode(pkcs12(&certificate, "the right word"));
    let locked = locked_pem("the right word");
    for body in [
        json!({"certificate": archive, "password": "a wrong word"}),
        json!({"certificate": archive, "password": "the right word"}),
        json!({"certificate": pem(&KEY), "password": "the right word"}),
        json!({"certificate": archive, "key": locked, "password": "a wrong word"}),
        json!({"certificate": archive, "key": "key", "surprise": "the right word"}),
    ] {
        tenant.post("push-certificate/staged", body).await;
    }
    secrets
        .extend([("a password", b"the right word".to_vec()), ("a wrong password", b"a wrong word".to_vec())]);
    secrets.push(("the customer's key", KEY.private_key_to_pkcs8().unwrap()));

    // A private key that is handed out.
    for password in ["a short one", "a password for the key"] {
        let key = json!({"custody": "download", "password": password});
        let body = json!({"subject": subject(), "key": key, "replace": true});
        let made = tenant.post("push-certificate/request", body).await;
        if let Some(file) = made.json["private_key"]["file"].as_str() {
            let opened =
                openssl::pkey::PKey::private_key_from_pem_passphrase(file.as_bytes(), password.as_bytes());
            secrets.push(("the downloaded key", opened.unwrap().private_key_to_pkcs8().unwrap()));
            secrets.push(("the downloaded file", file.into()));
        }
        secrets.push(("the key's password", password.into()));
    }

    // Tokens that are refused.
    let wrong = format!("{}wrong", tenant.token());
    app.api(&wrong).get("/v1/tenants").await.expect(401);
    app.api("pom_nonsense").get("/v1/tenants").await.expect(401);

    // An enrollment, and a link that is opened too late.
    let link = tenant.enrollment_link().await;
    let mut device = SimDevice::new("D-1", "C02XYZ", "Jo's iPad");
    device.enroll(&link, &app.runner.apns).await.expect("it enrolls");
    device.set_bootstrap_token(b"a bootstrap token in its bytes").await.expect("it is kept");
    app.stranger().get(&link).await.expect(409);
    secrets.extend([
        ("the link's token", link.rsplit('.').next().unwrap().into()),
        ("the challenge", device.profile().unwrap().scep().unwrap().challenge.expose().clone().into()),
        ("the push magic", device.push_magic().into()),
        ("the push token", device.push_token().into()),
        ("the unlock token", device.unlock_token().into()),
        ("the bootstrap token", b"a bootstrap token in its bytes".to_vec()),
        ("the device's key", device.identity().unwrap().key.private_key_to_pkcs8().unwrap()),
    ]);

    // A command with a secret in it, answered with another; pushes that APNs refuses.
    let order = json!({"targets": ["D-1"], "command": {"RequestType": "DeviceLock", "PIN": "271828"}});
    tenant.post("commands", order).await.expect(201);
    let busy = Answer::Status { status: 429, reason: "TooManyRequests", retry_after: None };
    app.runner.apns.script(&hex::encode(device.push_token()), [busy]);
    app.deliver_hints().await;
    let found = plist::Dictionary::from_iter([("Found".to_owned(), plist::Value::from("314159"))]);
    device.will_answer("DeviceLock", Reply::Acknowledge(found));
    device.answer_all().await.expect("it answers");
    secrets.extend([("a command's PIN", b"271828".to_vec()), ("a command's result", b"314159".to_vec())]);

    // Garbage at the device's edge, and a mail that cannot be sent.
    let body =
        format!("<plist><dict><key>PushMagic</key><string>{}</string></dict></plist>", device.push_magic());
    let path = format!("/mdm/{}/checkin", tenant.id);
    app.stranger().message(reqwest::Method::PUT, &path, Some("nonsense"), body.into()).await.expect(400);
    app.runner.state.secrets.delete(&format!("{}/data-key", tenant.id)).await.unwrap();
    assert!(device.token_update(Some(b"another unlock token")).await.is_err());
    secrets.push(("another unlock token", b"another unlock token".to_vec()));

    let text = log.text();
    for expected in [
        "a device enrolled",
        "a request was refused",
        "a device's message was refused",
        "a device's message failed",
    ] {
        assert!(text.contains(expected), "the run did not log: {expected}");
    }
    for (what, secret) in secrets {
        for form in forms(&secret) {
            // Not the text itself: the log of a failed test is read by many.
            assert!(!text.contains(&form), "{what} stands in the log");
        }
    }
}

#[test]
fn what_holds_a_secret_does_not_print_it() {
    let secret = || Secret::new("hunter2".to_owned());
    let random = shared::port::random::Random::seeded(1);
    let printed = [
        format!("{:?}", secret()),
        format!("{:?}", Some(Secret::new(b"hunter2".to_vec()))),
        format!("{:?}", BearerToken { owner: Owner::Operator, id: random.id(), secret: secret() }),
        format!("{:?}", LinkToken::new(random.id(), secret())),
        format!(
            "{:?}",
            PushAddress { topic: "topic".into(), token: "hunter2".into(), magic: "hunter2".into() }
        ),
    ];
    for text in printed {
        for form in forms(b"hunter2") {
            assert!(!text.contains(&form), "{text}");
        }
    }
}

#[test]
fn a_secret_in_a_log_is_found() {
    let random = shared::port::random::Random::seeded(SEED);
    let secrets: Vec<_> = (0..100).map(|_| random.token()).collect();
    let nothing = || std::iter::empty::<String>();
    assert_eq!(
        secret_in("{\"route\":\"/v1/tenants/{tenant}\",\"id\":\"abcdefghijklmnop\"}", nothing()),
        None
    );
    for secret in secrets {
        for line in [
            secret.expose().clone(),
            format!("\"pom_operator_x_{}\"", secret.expose()),
            format!("a{}b", secret.expose()),
        ] {
            assert!(secret_in(&line, nothing()).is_some(), "{line}");
        }
    }
    assert!(secret_in("-----BEGIN PRIVATE KEY-----", nothing()).is_some());
    let code = || std::iter::once("1234 5678".to_owned());
    assert!(secret_in("code 1234 5678", code()).is_some() && secret_in("code 1234 5679", code()).is_none());
}

/// Comparisons of what is no secret, as they stand in the code.
const PUBLIC: [&str; 5] = [
    "attributes.recipient_nonce.as_deref() == Some(&request.nonce)",
    "kept.purpose == Purpose::Attributes",
    "provider.secret.as_ref() != Some(&former)",
    "issued.key_hash == requested_key_hash(request)",
    "== *given",
];

#[test]
fn secrets_are_compared_in_one_place() {
    let (mut compared, mut public) = (0, 0);
    for (path, text) in rust_files(&["shared/src", "functions"]) {
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        compared += code.matches("is_same(").count();
        assert!(path == "shared/src/secret.rs" || !code.contains("memcmp"), "{path} compares by itself");
        for line in code.lines().filter(|line| line.contains(" == ") || line.contains(" != ")) {
            let is_secret =
                ["hash", "secret", "nonce", ".expose()", "verifier"].iter().any(|word| line.contains(word));
            if PUBLIC.iter().any(|known| line.contains(known)) {
                public += 1;
            } else {
                let is_test =
                    path.ends_with("tests.rs") || path.contains("/tests/") || path.ends_with("fixture.rs");
                assert!(
                    is_test || !is_secret,
                    "{path} compares what may be a secret, but not by is_same: {line}"
                );
            }
        }
    }
    assert_eq!(public, PUBLIC.len(), "a comparison that is allowed here does not exist any more");
    assert!(compared > 8, "only {compared} comparisons were found");
}
