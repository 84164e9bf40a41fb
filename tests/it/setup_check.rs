//! The operator asks whether devices can reach and trust the server.

use pomarium_tests::TestApp;

#[tokio::test]
async fn a_server_without_https_is_told_so() {
    let app = TestApp::start().await;
    let told = app.operator().get("/v1/setup-check").await.expect(200).json;
    assert_eq!(told["base_url"], app.runner.base_url());
    assert_eq!(told["ok"], false);
    let trouble = told["troubles"][0].as_str().unwrap();
    assert!(trouble.contains("Devices enroll over https only"), "{trouble}");
}
