//! Devices that show their identity in the TLS handshake and sign nothing: over real TLS, against the trust store of the bucket.

use http::Request;
use openssl::x509::X509;
use pomarium_local::device::{DeviceError, Digest, SimDevice, TlsClient, Url, sign};
use pomarium_local::runner::{function_routes, run};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use shared::pki::Credential;
use shared::pki::scep::MessageType;
use shared::pki::trust_bundle::{LIMITS, Limits};
use shared::service::authenticate_device::{Proofs, authenticate_device};
use shared::service::refresh_trust_store::{Progress, refresh_within};

use crate::devices::{enrolled, enrollment, queue, status};
use crate::external_scep::{World, fixed};
use crate::idle_cost::proxy::Proxy;

/// Sets how devices prove themselves, and returns what the server says of it.
async fn set(tenant: &Tenant, how: &str) -> Value {
    let body = json!({"device_authentication": how}).to_string();
    tenant.admin.call(Method::PUT, &tenant.path("enrollment-settings"), body.into()).await.expect(200).json
}

/// How far mutual TLS has come.
async fn state(tenant: &Tenant) -> Value {
    tenant.get("enrollment-settings").await.expect(200).json["mutual_tls_state"].clone()
}

/// What the schedule starts.
async fn round(app: &TestApp) -> Value {
    run(app.runner.state.clone(), "trust-store").await.expect("a round")
}

/// A tenant whose devices enroll with mutual TLS.
async fn school(app: &TestApp, name: &str) -> Tenant {
    let tenant = app.ready_tenant(name).await;
    set(&tenant, "mutual-tls").await;
    settle(app).await;
    assert_eq!(state(&tenant).await, "active");
    tenant
}

/// As many rounds as it takes.
async fn settle(app: &TestApp) {
    for _ in 0..3 {
        if round(app).await["progress"] == "settled" {
            // What other processes remember of authorities.
            app.clock.set(app.clock.now() + shared::time::SignedDuration::from_secs(61));
            return;
        }
    }
    panic!("the gateway never knows everybody");
}

/// A device that enrolled and trusts the server's certificate.
async fn device(app: &TestApp, tenant: &Tenant, udid: &str) -> SimDevice {
    let mut device = SimDevice::new(udid, "C02XYZ", "Jo's iPad").trusting(&app.runner.tls_root);
    device.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("the device enrolls");
    device
}

/// An Idle poll of a device, as text.
fn idle(udid: &str) -> String {
    format!(
        "<plist version=\"1.0\"><dict><key>UDID</key><string>{udid}</string><key>Status</key><string>Idle</string>\
         </dict></plist>"
    )
}

/// What is answered to an Idle poll in `udid`'s name over a connection with `identity`.
async fn poll(
    app: &TestApp,
    tenant: &Tenant,
    udid: &str,
    identity: Option<&Credential>,
    headers: &[(&str, &str)],
) -> Result<u16, DeviceError> {
    let base = &app.runner.state.config.mutual_tls.as_ref().unwrap().base_url;
    let mut request = Request::put(format!("{base}/mdm/{}/command", tenant.id));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = TlsClient::new(std::slice::from_ref(&app.runner.tls_root), identity.cloned());
    let answer = client.send(request.body(idle(udid).into()).unwrap()).await?;
    assert!(answer.body.is_empty());
    Ok(answer.status)
}

#[tokio::test]
async fn a_tenant_changes_over_and_back_and_no_device_is_lost() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let old = enrolled(&app, &tenant, "D-1").await;
    assert_eq!(round(&app).await, json!({"progress": "told", "authorities": 0, "left_out": 0, "noted": 0}));

    let told = set(&tenant, "mutual-tls").await;
    assert_eq!(
        (&told["device_authentication"], &told["mutual_tls_state"]),
        (&json!("mutual-tls"), &json!("pending"))
    );
    // Nobody has to wait: who enrolls now signs, and keeps to that.
    let early = device(&app, &tenant, "D-2").await;
    assert!(early.profile().unwrap().sign_messages);
    assert_eq!(round(&app).await, json!({"progress": "told", "authorities": 1, "left_out": 0, "noted": 0}));
    assert_eq!(state(&tenant).await, "pending", "the gateway was told, and takes its time");
    assert_eq!(
        round(&app).await,
        json!({"progress": "settled", "authorities": 1, "left_out": 0, "noted": 1})
    );
    assert_eq!(state(&tenant).await, "active");
    assert_eq!(round(&app).await["noted"], 0);

    let mut new = device(&app, &tenant, "D-3").await;
    let profile = new.profile().unwrap().clone();
    let base = app.runner.state.config.mutual_tls.clone().unwrap().base_url;
    assert!(!profile.sign_messages);
    assert_eq!(new.url(Url::Server).unwrap(), format!("{base}/mdm/{}/command", tenant.id));
    assert_eq!(new.url(Url::CheckIn).unwrap(), format!("{base}/mdm/{}/checkin", tenant.id));
    let uuid = queue(&tenant, "D-3", "ProfileList").await;
    app.deliver_hints().await;
    assert!(new.wait_for_push().await);
    assert_eq!(new.answer_all().await.expect("it is served").len(), 1);
    assert_eq!(status(&tenant, &uuid).await, "Acknowledged");
    let user = new.user("U-1", "jo");
    user.token_update(None).await.expect("its user's channel begins");
    assert!(user.idle().await.expect("and is heard").is_none());
    for (udid, how) in [("D-1", "signature"), ("D-2", "signature"), ("D-3", "mutual-tls")] {
        assert_eq!(enrollment(&tenant, udid).await["identity"]["device_authentication"], how, "{udid}");
    }

    assert_eq!(set(&tenant, "signature").await["mutual_tls_state"], Value::Null);
    settle(&app).await;
    let newest = device(&app, &tenant, "D-4").await;
    assert!(newest.profile().unwrap().sign_messages);
    for device in [&old, &early, &new, &newest] {
        assert!(device.idle().await.expect("each lives on in its own way").is_none());
    }
    new.check_out().await.expect("it goes");
}

#[tokio::test]
async fn a_connection_proves_one_device_of_one_tenant_and_no_header_does() {
    let app = TestApp::start().await;
    let (green, blue) = (school(&app, "Green School").await, school(&app, "Blue School").await);
    let ours = device(&app, &green, "D-1").await.identity().unwrap().clone();
    let other = device(&app, &green, "D-2").await.identity().unwrap().clone();
    let theirs = device(&app, &blue, "B-1").await.identity().unwrap().clone();
    assert_eq!(poll(&app, &green, "D-1", Some(&ours), &[]).await.unwrap(), 200);

    let pem = String::from_utf8(ours.certificate.to_pem().unwrap()).unwrap().replace('\n', "%0A");
    let context = json!({"authentication": {"clientCert": {"clientCertPem": pem}}}).to_string();
    let forged = [
        ("X-Client-Cert", pem.as_str()),
        ("X-Amzn-Mtls-Clientcert", &pem),
        ("X-Forwarded-Client-Cert", &pem),
        ("X-Amzn-Request-Context", &context),
        ("X-Amz-Request-Context", &context),
    ];
    for (udid, identity, headers) in [
        // In the same trust store, and yet another tenant's.
        ("D-1", &theirs, &[][..]),
        ("B-1", &theirs, &[]),
        ("D-1", &theirs, &forged),
        ("D-1", &other, &[]),
        ("D-1", &other, &forged),
        ("D-9", &ours, &[]),
    ] {
        assert_eq!(poll(&app, &green, udid, Some(identity), headers).await.unwrap(), 400, "{udid}");
    }
    // Without a certificate of the trust store there is not even a connection.
    assert!(matches!(poll(&app, &green, "D-1", None, &forged).await, Err(DeviceError::Unreachable { .. })));
    let made_up = app.runner.factory.certify("D-1").unwrap();
    assert!(poll(&app, &green, "D-1", Some(&made_up), &[]).await.is_err());

    // On the host that asks for no certificate, only a signature counts.
    let http = reqwest::Client::new();
    let url = format!("{}/mdm/{}/command", app.runner.base_url(), green.id);
    let mut plain = http.put(&url).body(idle("D-1"));
    for (name, value) in forged {
        plain = plain.header(name, value);
    }
    assert_eq!(plain.send().await.unwrap().status(), 400);
    let signed = |identity| sign(idle("D-1").as_bytes(), identity, Digest::Sha256).unwrap();
    let plain = http.put(&url).body(idle("D-1")).header("mdm-signature", signed(&ours));
    assert_eq!(plain.send().await.unwrap().status(), 200, "its key proves the device here, too");

    // Both proofs must be of one identity, and both good.
    for (identity, signature, expected) in [
        (&ours, signed(&ours), 200),
        (&ours, signed(&other), 400),
        (&other, signed(&ours), 400),
        (&ours, "nonsense".to_owned(), 400),
    ] {
        let headers = [("mdm-signature", signature.as_str())];
        assert_eq!(poll(&app, &green, "D-1", Some(identity), &headers).await.unwrap(), expected);
    }
    let pem = String::from_utf8(other.certificate.to_pem().unwrap()).unwrap();
    let (signature, body) = (signed(&ours), idle("D-1"));
    for (signature, certificate, code) in [
        (Some(signature.as_str()), Some(pem.as_str()), "client-certificate-differs"),
        (None, None, "mdm-signature-missing"),
    ] {
        let proofs = Proofs { signature, certificate };
        let tenant = green.id.parse().unwrap();
        let refused = authenticate_device(&app.runner.state, tenant, proofs, body.as_bytes()).await;
        assert_eq!(refused.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn a_revoked_identity_is_refused_and_one_that_ended_gets_no_connection() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let signs = enrolled(&app, &tenant, "D-1").await;
    set(&tenant, "mutual-tls").await;
    settle(&app).await;
    let (revoked, sleeps) = (device(&app, &tenant, "D-2").await, device(&app, &tenant, "D-3").await);
    tenant.post("enrollments/D-2/revoke-identity", json!({})).await.expect(200);
    assert_eq!(revoked.idle().await.unwrap_err().status(), Some(400));

    // A device's clock has no say in it.
    let mut late = SimDevice::new("D-4", "C02XYZ", "A wrong clock").trusting(&app.runner.tls_root);
    late = late.believing("2049-12-31T23:59:59Z".parse().unwrap());
    late.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    assert!(late.idle().await.expect("it is heard").is_none());

    app.pass_days(364);
    assert!(sleeps.idle().await.expect("still good").is_none());
    app.pass_days(2);
    assert!(
        matches!(sleeps.idle().await, Err(DeviceError::Unreachable { .. })),
        "the gateway looks at dates"
    );
    assert!(signs.idle().await.expect("we do not").is_none());
}

#[tokio::test]
async fn a_device_renews_in_the_middle_of_its_identitys_life() {
    let app = TestApp::start().await;
    let tenant = school(&app, "Green School").await;
    let mut device = device(&app, &tenant, "D-1").await;
    let before = device.identity().unwrap().certificate.to_der().unwrap();
    app.pass_days(181);
    app.sweep().await;
    assert!(device.answer_all().await.expect("nothing waits").is_empty());
    app.pass_days(31);
    app.sweep().await;
    assert_eq!(device.answer_all().await.expect("it is asked").len(), 1);
    assert!(!device.profile().unwrap().sign_messages, "its profile stays what it was");
    assert_ne!(device.identity().unwrap().certificate.to_der().unwrap(), before);
    assert!(device.idle().await.expect("it is heard with the new one").is_none());
}

#[tokio::test]
async fn a_new_authority_issues_to_these_devices_once_the_gateway_knows_it() {
    let app = TestApp::start().await;
    let tenant = school(&app, "Green School").await;
    let mut first = device(&app, &tenant, "D-1").await;
    let mut second = device(&app, &tenant, "D-2").await;
    let issuer = async |udid| enrollment(&tenant, udid).await["identity"]["authority"].clone();
    let former = issuer("D-1").await;
    let (replaced, _) = tenant.replace_authority().await;
    assert_eq!(state(&tenant).await, "pending");

    // Who renews by itself stays with the authority that the gateway knows.
    first.renew_identity(MessageType::RenewalReq).await.expect("it renews");
    assert!(first.idle().await.expect("it is let in").is_none());
    assert_eq!(issuer("D-1").await, former);
    // Who is to be asked is asked later, and who enrolls signs.
    tenant.post("enrollments/D-2/renew-identity", json!({})).await.expect(202);
    app.sweep().await;
    assert!(second.answer_all().await.expect("nothing waits").is_empty());
    assert!(device(&app, &tenant, "D-3").await.profile().unwrap().sign_messages);

    settle(&app).await;
    assert_eq!(state(&tenant).await, "active");
    assert!(!device(&app, &tenant, "D-4").await.profile().unwrap().sign_messages);
    app.sweep().await;
    assert_eq!(second.answer_all().await.expect("it is asked now").len(), 1);
    assert!(second.idle().await.expect("it is let in").is_none());
    first.renew_identity(MessageType::RenewalReq).await.expect("it renews");
    assert!(first.idle().await.expect("it is let in").is_none());
    for udid in ["D-1", "D-2", "D-4"] {
        assert_ne!(issuer(udid).await, former, "{udid}");
    }

    // Retired, it leaves the trust store.
    let confirmed = json!({"confirm_devices": 0});
    tenant.post(&format!("identity-authority/{replaced}/retire"), confirmed).await.expect(200);
    assert_eq!(round(&app).await["authorities"], 1);
    settle(&app).await;
    assert!(first.idle().await.expect("it is let in").is_none());
}

#[tokio::test]
async fn a_tenants_own_certificate_service_is_not_for_these_devices() {
    let world = World::new().await;
    let (app, tenant) = (&world.app, &world.tenant);
    set(tenant, "mutual-tls").await;
    settle(app).await;
    let mut device = device(app, tenant, "D-1").await;
    let issuer = async || enrollment(tenant, "D-1").await["identity"].clone();
    let before = issuer().await;
    world.choose(fixed()).await.expect(200);
    settle(app).await;
    tenant.post("enrollments/D-1/renew-identity", json!({})).await.expect(202);
    app.sweep().await;
    assert_eq!(device.answer_all().await.expect("it is asked").len(), 1);
    assert!(device.idle().await.expect("it is let in").is_none());
    let after = issuer().await;
    assert_eq!(before["authority"], after["authority"], "the gateway knows no other");
    assert_ne!(before["fingerprint"], after["fingerprint"]);
}

#[tokio::test]
async fn who_depends_on_the_trust_store_keeps_its_place_when_it_is_full() {
    let app = TestApp::start().await;
    let green = school(&app, "Green School").await;
    let blue = app.ready_tenant("Blue School").await;
    set(&blue, "mutual-tls").await;
    let full = Limits { certificates: 1, ..LIMITS };
    for _ in 0..2 {
        let round = refresh_within(&app.runner.state, full).await.unwrap();
        assert_eq!((round.progress, round.authorities, round.left_out), (Progress::Settled, 1, 1));
    }
    assert_eq!((state(&green).await, state(&blue).await), (json!("active"), json!("pending")));
    assert!(!device(&app, &green, "D-1").await.profile().unwrap().sign_messages);
    assert!(device(&app, &blue, "B-1").await.profile().unwrap().sign_messages);
    settle(&app).await;
    assert_eq!(state(&blue).await, "active");
    let authorities = |app: &TestApp| {
        let trusted = app.runner.aws.trust("127.0.0.1").now().unwrap();
        X509::stack_from_pem(&trusted.pem).unwrap().len()
    };
    assert_eq!(authorities(&app), 2);
}

#[tokio::test]
async fn rounds_go_on_where_others_ended_and_wait_for_the_gateway() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    set(&tenant, "mutual-tls").await;
    // Before the gateway has the host: the file is there, with which the host can be made.
    let mut config = app.runner.state.config.clone();
    config.mutual_tls.as_mut().unwrap().base_url = "https://devices.example".to_owned();
    let (_proxy, early) = Proxy::beside_with(&app, config).await;
    for _ in 0..2 {
        let round = run(early.clone(), "trust-store").await.unwrap();
        assert_eq!((&round["progress"], &round["authorities"]), (&json!("no-host"), &json!(1)));
    }
    // Two at once change nothing twice.
    let (one, other) = tokio::join!(round(&app), round(&app));
    assert_eq!((&one["progress"], &other["noted"]), (&json!("told"), &json!(0)));
    app.runner.aws.set_domain_updating("127.0.0.1", true).unwrap();
    for _ in 0..2 {
        assert_eq!(round(&app).await["progress"], "waits");
        assert_eq!(state(&tenant).await, "pending");
    }
    app.runner.aws.set_domain_updating("127.0.0.1", false).unwrap();
    let (one, other) = tokio::join!(round(&app), round(&app));
    assert_eq!(one["noted"].as_u64().unwrap() + other["noted"].as_u64().unwrap(), 1);
    assert_eq!(state(&tenant).await, "active");
}

#[tokio::test]
async fn a_server_without_such_a_host_says_so_and_does_nothing() {
    let app = TestApp::start().await;
    let tenant = school(&app, "Green School").await;
    let mut config = app.runner.state.config.clone();
    config.mutual_tls = None;
    let (proxy, server) = Proxy::beside_with(&app, config).await;
    let round = run(server.clone(), "trust-store").await.unwrap();
    assert_eq!(round["progress"], "off");
    assert!(proxy.take().is_empty());
    let router = shared::http::app(function_routes(), server);
    let ask = async |how: &str| {
        let request = Request::put(tenant.path("enrollment-settings"))
            .header("authorization", format!("Bearer {}", tenant.token()))
            .header("content-type", "application/json")
            .body(axum::body::Body::from(json!({"device_authentication": how}).to_string()))
            .unwrap();
        let answer = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        let bytes = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let refused = ask("mutual-tls").await;
    assert_eq!(
        (&refused["type"], &refused["field"]),
        (&json!("urn:pomarium:error:mutual-tls-unavailable"), &json!("device_authentication"))
    );
    assert_eq!(ask("signature").await["device_authentication"], "signature");
}
