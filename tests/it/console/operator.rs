//! The operator's pages.

use pomarium_local::runner::OPERATOR;
use pomarium_tests::{Browser, TestApp};

use crate::crypto::{KEY, certificate_pem, pem, self_signed};
use crate::profile_signer::Brought;

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

#[tokio::test]
async fn the_operator_deals_with_certificates_and_sees_how_the_server_is() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    let mut operator = Browser::new(&app);
    operator.sign_in(&app, OPERATOR).await.expect(200);
    let list = operator.open("/console/operator").await.expect(200);
    let place = format!("/console/operator/tenants/{}", tenant.id);
    list.says(&place);
    operator.open(&place).await.expect(200).says("it@green-school.example").says("Not confirmed");
    operator.open("/console/operator/tenants/none").await.expect(404);

    let vendors = "/console/operator/vendor-certificates";
    operator.open(vendors).await.expect(200).says("Signs").is_silent_about("Let it sign");
    let (own, key) = (certificate_pem(&self_signed(&[], app.clock.now(), (-1, 365))), pem(&KEY));
    let certificate = ("certificate", "vendor.pem", own.as_bytes());
    operator.upload(vendors, &[], &[certificate]).await.expect(400).says("role=\"alert\"");
    let key = ("key", "key.pem", key.as_bytes());
    let digest = [("digest", "sha256"), ("password", "")];
    let second = operator.upload(vendors, &digest, &[certificate, key]).await.expect(200);
    let fingerprint = second.says("Let it sign").between("name=\"fingerprint\" value=\"", "\"").unwrap();
    let name = second.between("Type its name: <strong>", "<").unwrap();
    let of = ("fingerprint", fingerprint.as_str());
    let activated = operator.submit(&format!("{vendors}/activate"), &[of]).await.expect(200);
    activated.says("It signs every tenant's request from now on.");
    let former = activated.between("name=\"fingerprint\" value=\"", "\"").unwrap();
    let former_name = activated.between("Type its name: <strong>", "<").unwrap();
    let delete = format!("{vendors}/delete");
    operator.submit(&delete, &[of, ("confirm", &name)]).await.expect(409).says("role=\"alert\"");
    let of = ("fingerprint", former.as_str());
    operator.submit(&delete, &[of, ("confirm", "it")]).await.expect(409).says("type its name");
    operator.submit(&delete, &[of, ("confirm", &former_name)]).await.expect(200).is_silent_about(&former);

    let signing = "/console/operator/signing-certificate";
    operator.open(signing).await.expect(200).says("None is installed.");
    let files = Brought::new(&app, "Server", 20).files();
    let file = |name: &'static str| (name, "file.pem", files[name].as_str().unwrap().as_bytes());
    let all = [file("certificate"), file("key"), file("chain")];
    operator.upload(signing, &[], &all).await.expect(200).says("It ends in 20 days");

    let health = "/console/operator/health";
    let page = operator.open(health).await.expect(200);
    page.says("No device was heard yet.").says("operator@localhost.example").says("Ends soon").says(signing);
    operator.open(&format!("{health}?check=1")).await.expect(200).says("role=\"alert\"");
    let credential = page.between("name=\"credential\" value=\"", "\"").unwrap();
    let off = [("credential", credential.as_str()), ("days", "7"), ("by", "Ops")];
    operator.submit(&format!("{health}/snooze"), &off).await.expect(200).says("by Ops");
    operator.submit(&format!("{signing}/remove"), &[]).await.expect(200).says("None is installed.");

    let log = "/console/operator/audit-log";
    operator.open(log).await.expect(200).says("vendor-certificate-activated").says("expiry-snoozed");
    let some = operator.open(&format!("{log}?action=expiry-snoozed")).await.expect(200);
    some.says("Ops").is_silent_about("vendor-certificate-activated");
    assert!(operator.open(&format!("{log}/export")).await.expect(200).text.contains("pomarium-log-1"));

    let mut jo = super::administrator(&app, &tenant, "jo@green-school.example").await;
    for page in [vendors, signing, health, log, place.as_str()] {
        jo.open(page).await.expect(404);
    }
}
