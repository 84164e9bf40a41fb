//! A tenant's first push certificate, from the request to its activation.

use pomarium_tests::TestApp;
use pomarium_tests::actors::subject;
use serde_json::json;

use crate::devices::enrolled;

#[tokio::test]
async fn the_first_certificate_is_requested_uploaded_reviewed_and_activated() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;

    let request = tenant.request().await;
    assert_eq!(request.json["file_name"], "APNSPushCert.csr");
    let file = tenant.get("push-certificate/request/file").await.expect(200);
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"APNSPushCert.csr\""));
    let issued =
        app.runner.portal.issue(&file.text()).map_err(|_| ()).expect("Apple's portal accepts the request");

    let review = tenant.stage(&issued.pem).await;
    assert_eq!(review.json["source"], "New");
    assert_eq!(review.json["certificate"]["topic"], issued.uid.as_str());
    assert_eq!(review.json["orphaned_enrollments"], 0);

    let active = tenant.activate(json!({})).await;
    assert_eq!(active.json["active"]["topic"], issued.uid.as_str());
    let state = tenant.get("push-certificate").await.expect(200);
    assert_eq!(state.json["active"]["days_left"], 365);
    assert_eq!(state.json["request_pending"], false);
    assert_eq!(state.json["staged"], false);
}

#[tokio::test]
async fn a_second_request_asks_before_it_gives_up_the_first() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.request().await;
    let first = tenant.request_file().await;
    let again = json!({"subject": subject()});
    let refused = tenant.post("push-certificate/request", again).await.expect(409);
    assert_eq!(refused.problem(), "push-request-pending");
    assert_eq!(tenant.request_file().await, first);

    let replaced = json!({"subject": subject(), "replace": true});
    tenant.post("push-certificate/request", replaced).await.expect(201);
    let late = app.runner.portal.issue(&first).map_err(|_| ()).expect("Apple knows nothing of it");
    let refused = tenant.post("push-certificate/staged", json!({"certificate": late.pem})).await.expect(400);
    assert_eq!(refused.problem(), "push-certificate-wrong-key");
}

#[tokio::test]
async fn of_two_who_activate_one_wins() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.request().await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(|_| ()).unwrap();
    tenant.stage(&issued.pem).await;
    let activate = || tenant.post("push-certificate/activate", json!({}));
    let (one, other) = tokio::join!(activate(), activate());
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text(), other.text());
    let lost = if one.status == 409 { one } else { other };
    assert!(["push-certificate-changed", "nothing-staged"].contains(&lost.problem()), "{}", lost.text());
    let state = tenant.get("push-certificate").await.expect(200);
    assert_eq!(state.json["active"]["topic"], issued.uid.as_str());
}

#[tokio::test]
async fn what_was_reviewed_is_what_is_activated() {
    let app = TestApp::start().await;
    let tenant = app.tenant("Green School").await;
    tenant.request().await;
    let file = tenant.request_file().await;
    let issue = || app.runner.portal.issue(&file).map_err(|_| ()).unwrap().pem;
    let reviewed = tenant.stage(&issue()).await.json["certificate"]["fingerprint"].clone();
    tenant.stage(&issue()).await;
    let refused =
        tenant.post("push-certificate/activate", json!({"fingerprint": reviewed})).await.expect(409);
    assert_eq!(refused.problem(), "staged-changed");
    let now =
        tenant.get("push-certificate/staged").await.expect(200).json["certificate"]["fingerprint"].clone();
    tenant.activate(json!({"fingerprint": now})).await;
}

#[tokio::test]
async fn a_replacement_wants_to_hear_how_many_devices_it_silences() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut devices = Vec::new();
    for udid in ["D-1", "D-2"] {
        devices.push(enrolled(&app, &tenant, udid).await);
    }
    tenant.request().await;
    let created = app.runner.portal.issue(&tenant.request_file().await).map_err(|_| ()).unwrap();
    let review = tenant.stage(&created.pem).await;
    assert_eq!(
        (&review.json["source"], &review.json["orphaned_enrollments"]),
        (&json!("Replacement"), &json!(2))
    );
    for confirmation in [json!({}), json!({"confirm_orphaned": 1}), json!({"confirm_orphaned": 3})] {
        let refused = tenant.post("push-certificate/activate", confirmation).await.expect(409);
        assert_eq!(refused.problem(), "replacement-not-confirmed");
        assert!(refused.text().contains("2 enrolled devices"), "{}", refused.text());
    }

    // Another device enrolls on the old topic meanwhile: what was confirmed is no longer true.
    enrolled(&app, &tenant, "D-3").await;
    tenant.post("push-certificate/activate", json!({"confirm_orphaned": 2})).await.expect(409);
    let active = tenant.activate(json!({"confirm_orphaned": 3})).await;
    assert_eq!(active.json["source"], "Replacement");

    // Enrolled devices are still reached, with the certificate of their topic; new ones enroll on the new one.
    let order = json!({"targets": ["D-1"], "command": {"RequestType": "ProfileList"}});
    tenant.post("commands", order).await.expect(201);
    assert_eq!(app.deliver_hints().await, 1);
    assert!(devices[0].wait_for_push().await);
    enrolled(&app, &tenant, "D-4").await;
    assert_eq!(tenant.get("enrollments/D-4").await.json["topic"], created.uid.as_str());
}

#[tokio::test]
async fn a_renewal_may_be_rolled_back_and_forth() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    assert_eq!(
        tenant.post("push-certificate/rollback", json!({})).await.expect(409).problem(),
        "nothing-to-roll-back"
    );
    let first = tenant.get("push-certificate").await.json["active"].clone();
    app.pass_days(300);
    tenant.request().await;
    let file = tenant.request_file().await;
    let renewed = app.runner.portal.renew(first["topic"].as_str().unwrap(), &file).map_err(|_| ()).unwrap();
    assert_eq!(tenant.stage(&renewed.pem).await.json["source"], "Renewal");
    let second = tenant.activate(json!({})).await.json["active"].clone();
    assert_ne!(second["fingerprint"], first["fingerprint"]);

    let back = tenant.post("push-certificate/rollback", json!({})).await.expect(200);
    assert_eq!(back.json["fingerprint"], first["fingerprint"]);
    let forth = tenant.post("push-certificate/rollback", json!({})).await.expect(200);
    assert_eq!(forth.json["fingerprint"], second["fingerprint"]);

    // The first one ends; going back to it would silence everything.
    app.pass_days(70);
    let refused = tenant.post("push-certificate/rollback", json!({})).await.expect(409);
    assert_eq!(refused.problem(), "push-certificate-expired");
}

#[tokio::test]
async fn undoing_a_replacement_wants_to_hear_how_many_devices_have_enrolled_since() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let first = tenant.get("push-certificate").await.json["active"]["fingerprint"].clone();
    tenant.request().await;
    let created = app.runner.portal.issue(&tenant.request_file().await).map_err(drop).unwrap();
    tenant.stage(&created.pem).await;
    tenant.activate(json!({"confirm_orphaned": 0})).await;
    enrolled(&app, &tenant, "D-1").await;
    for confirmation in [json!({}), json!({"confirm_orphaned": 2})] {
        let refused = tenant.post("push-certificate/rollback", confirmation).await.expect(409);
        assert_eq!(refused.problem(), "replacement-not-confirmed");
        assert!(refused.text().contains("1 enrolled device listens"), "{}", refused.text());
    }
    let elsewhere = json!({"fingerprint": "0".repeat(64), "confirm_orphaned": 1});
    let refused = tenant.post("push-certificate/rollback", elsewhere).await.expect(409);
    assert_eq!(refused.problem(), "push-certificate-changed");

    let confirmed = json!({"fingerprint": first, "confirm_orphaned": 1});
    let back = tenant.post("push-certificate/rollback", confirmed.clone()).await.expect(200);
    assert_eq!(back.json["fingerprint"], first);
    let repeated = tenant.post("push-certificate/rollback", confirmed).await.expect(200);
    assert_eq!(repeated.json["fingerprint"], first, "a repeated call went forth again");
}
