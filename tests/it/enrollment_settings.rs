//! What a tenant's profiles ask of devices, and what may still change once they are installed.

use plist::{Dictionary, Value};
use pomarium_tests::{Answer, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::domain::audit::AuditAction;
use shared::domain::enrollment_settings::EnrollmentSettings;
use shared::pki::profile_signature;
use shared::scope::Scope;

use crate::crypto::certificate_pem;
use crate::devices::enrolled;

async fn put(tenant: &Tenant, settings: serde_json::Value) -> Answer {
    let path = tenant.path("enrollment-settings");
    tenant.admin.call(Method::PUT, &path, settings.to_string().into()).await
}

/// The payloads of a profile served now, in their order.
async fn payloads(app: &TestApp, tenant: &Tenant) -> Vec<Dictionary> {
    let served = app.stranger().get(&tenant.enrollment_link().await).await.expect(200);
    let (content, _) = profile_signature::open(&served.bytes).expect("a signed profile");
    let profile: Value = plist::from_bytes(&content).expect("a property list");
    let payloads = profile.as_dictionary().unwrap()["PayloadContent"].as_array().unwrap().iter();
    payloads.map(|payload| payload.as_dictionary().unwrap().clone()).collect()
}

fn kinds(payloads: &[Dictionary]) -> Vec<&str> {
    payloads.iter().map(|payload| payload["PayloadType"].as_string().unwrap()).collect()
}

#[tokio::test]
async fn a_profile_asks_for_what_the_tenant_decided() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    assert_eq!(tenant.get("enrollment-settings").await.expect(200).json["access_rights_number"], 8191);
    assert_eq!(kinds(&payloads(&app, &tenant).await), ["com.apple.security.scep", "com.apple.mdm"]);

    let [root, _] = &app.runner.portal.issuer_roots()[..] else { panic!("root and intermediate") };
    let settings = json!({
        "access_rights": ["query-device", "inspect-profiles"],
        "removal": {"rule": "with-password", "password": "open sesame"},
        "trusted_authority": certificate_pem(root),
        "pinned": true,
        "per_user_connections": false,
    });
    let shown = put(&tenant, settings).await.expect(200);
    assert_eq!(
        (&shown.json["access_rights_number"], &shown.json["removal"]),
        (&json!(17), &json!("with-password"))
    );
    assert!(!tenant.get("enrollment-settings").await.expect(200).text().contains("sesame"));

    let payloads = payloads(&app, &tenant).await;
    let expected = [
        "com.apple.security.root",
        "com.apple.security.scep",
        "com.apple.mdm",
        "com.apple.profileRemovalPassword",
    ];
    assert_eq!(kinds(&payloads), expected);
    let [trust, _, mdm, removal] = &payloads[..] else { panic!("four payloads") };
    assert_eq!(trust["PayloadContent"].as_data(), Some(&root.to_der().unwrap()[..]));
    assert_eq!(removal["RemovalPassword"].as_string(), Some("open sesame"));
    assert_eq!(mdm["AccessRights"].as_unsigned_integer(), Some(17));
    assert_eq!(mdm["ServerCapabilities"], Value::Array(vec!["com.apple.mdm.bootstraptoken".into()]));
    assert_eq!(mdm["ServerURLPinningCertificateUUIDs"], Value::Array(vec![trust["PayloadUUID"].clone()]));
    enrolled(&app, &tenant, "D-1").await;
}

#[tokio::test]
async fn the_password_stays_until_another_one_comes() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let password = async || payloads(&app, &tenant).await.last().unwrap().get("RemovalPassword").cloned();
    let rule = |password: Option<&str>| json!({"removal": {"rule": "with-password", "password": password}});
    assert_eq!(put(&tenant, rule(None)).await.expect(400).problem(), "removal-password");
    put(&tenant, rule(Some("open sesame"))).await.expect(200);
    put(&tenant, rule(None)).await.expect(200);
    assert_eq!(password().await, Some("open sesame".into()));
    put(&tenant, rule(Some("another one"))).await.expect(200);
    assert_eq!(password().await, Some("another one".into()));
    put(&tenant, json!({})).await.expect(200);
    assert_eq!(password().await, None);
}

#[tokio::test]
async fn what_devices_refuse_is_refused_by_name() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    for (settings, problem, field) in [
        (json!({"removal": {"rule": "never"}}), "removal-never", "removal.rule"),
        (
            json!({"removal": {"rule": "with-password", "password": "abc"}}),
            "removal-password",
            "removal.password",
        ),
        (json!({"access_rights": []}), "access-rights", "access_rights"),
        (json!({"access_rights": ["manage-profiles"]}), "access-rights", "access_rights"),
        (json!({"access_rights": ["fly"]}), "json-body", "access_rights[0]"),
        (json!({"topic": "com.apple.mgmt.External.1"}), "json-body", "topic"),
        (json!({"pinned": true}), "pinning-without-certificate", "pinned"),
        (json!({"trusted_authority": "nonsense"}), "trusted-authority", "trusted_authority"),
    ] {
        let answer = put(&tenant, settings.clone()).await.expect(400);
        assert_eq!((answer.problem(), answer.json["field"].as_str()), (problem, Some(field)), "{settings}");
    }
    let never = put(&tenant, json!({"removal": {"rule": "never"}})).await;
    assert!(never.text().contains("a profile containing an MDM payload must be removable"));
}

#[tokio::test]
async fn once_devices_are_enrolled_rights_are_only_taken_and_channels_stay() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    // Nobody is enrolled: anything goes, in any direction.
    put(&tenant, json!({"access_rights": ["query-device"], "per_user_connections": false})).await.expect(200);
    put(&tenant, json!({})).await.expect(200);
    let device = enrolled(&app, &tenant, "D-1").await;
    put(&tenant, json!({"access_rights": ["query-device", "lock-device"]})).await.expect(200);
    let wider = put(&tenant, json!({})).await.expect(409);
    assert_eq!((wider.problem(), &wider.json["field"]), ("access-rights-widened", &json!("access_rights")));
    let channels = json!({"access_rights": ["query-device"], "per_user_connections": false});
    let fixed = put(&tenant, channels).await.expect(409);
    assert_eq!(
        (fixed.problem(), &fixed.json["field"]),
        ("per-user-connections-fixed", &json!("per_user_connections"))
    );
    device.check_out().await.expect("it leaves");
    put(&tenant, json!({"per_user_connections": false})).await.expect(200);
}

#[tokio::test]
async fn of_two_who_change_the_same_settings_the_second_is_told() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let state = &app.runner.state;
    #[expect(clippy::disallowed_methods, reason = "the test writes into the store")]
    let scope = Scope::system(tenant.id.parse().expect("a tenant"), "test");
    for version in [1, 2] {
        let read_by_both = EnrollmentSettings { version, ..EnrollmentSettings::default() };
        let audit = || state.audit(&scope, AuditAction::EnrollmentSettingsChanged);
        state.store.put_enrollment_settings(&scope, &read_by_both, &[], &audit()).await.expect("the first");
        let second = state.store.put_enrollment_settings(&scope, &read_by_both, &[], &audit()).await;
        assert_eq!(second.expect_err("it did not see the first").code(), "enrollment-settings-changed");
    }
}
