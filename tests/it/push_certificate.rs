//! A tenant's first push certificate, from the request to its activation.

use pomarium_tests::TestApp;
use serde_json::json;

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
