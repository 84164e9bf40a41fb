//! The operator's pages.

use pomarium_local::runner::OPERATOR;
use pomarium_tests::{Browser, TestApp};

#[tokio::test]
async fn the_operator_takes_on_a_customer_whose_administrator_signs_in() {
    let app = TestApp::start().await;
    let mut operator = Browser::new(&app);
    let tenants = operator.sign_in(&app, OPERATOR).await.expect(200);
    assert_eq!(tenants.place, "/console/operator");
    tenants.says("There is no tenant yet.");

    let refused =
        operator.submit("/console/operator", &[("name", ""), ("administrator", "jo@green.example")]).await;
    refused.expect(400).says("A name has 1 to 100 printable characters.").says("jo@green.example");
    let refused =
        operator.submit("/console/operator", &[("name", "Green School"), ("administrator", "jo")]).await;
    refused.expect(400).says("\"jo\" is not an e-mail address.").says("Green School");
    let form = [("name", "Green School"), ("administrator", "Jo@Green.example")];
    operator.submit("/console/operator", &form).await.expect(200).says("Green School is ready");
    operator.open("/console/operator").await.expect(200).says("Green School");

    let mut jo = Browser::new(&app);
    let home = jo.sign_in(&app, "jo@green.example").await.expect(200);
    home.says("Three steps, and your first device is managed.").says("Get your push certificate");
    // The operator has no business there by itself.
    operator.open(&home.place).await.expect(404).is_silent_about("Green School");
    let mistyped = jo.open(&format!("{}/nothing/here", home.place)).await.expect(404);
    mistyped.says("There is no such page");
}

#[tokio::test]
async fn operators_add_and_remove_each_other() {
    let app = TestApp::start().await;
    let mut operator = Browser::new(&app);
    operator.sign_in(&app, OPERATOR).await.expect(200);
    let place = "/console/operator/operators";
    operator.submit(place, &[("address", "Kim@vendor.example")]).await.expect(200).says("kim@vendor.example");
    operator.submit(place, &[("address", "kim")]).await.expect(400).says("is not an e-mail address");
    let mut kim = Browser::new(&app);
    kim.sign_in(&app, "kim@vendor.example").await.expect(200);
    kim.open(place).await.expect(200);
    let own = [("address", "kim@vendor.example")];
    kim.submit(&format!("{place}/remove"), &own)
        .await
        .expect(409)
        .says("Nobody changes or removes their own");
    operator.submit(&format!("{place}/remove"), &own).await.expect(200).says("cannot sign in any more");
    operator.submit(&format!("{place}/remove"), &own).await.expect(404);
    assert_eq!(kim.open(place).await.place, "/console/sign-in?next=%2Fconsole%2Foperator%2Foperators");
}
