//! Enrollment and silence in the console.

use pomarium_tests::{Browser, Tenant, TestApp};

use super::Processes;
use crate::crypto::certificate_pem;

pub(super) async fn pages(app: &TestApp, _: &Processes, jo: &mut Browser, tenant: &Tenant) {
    enrollment(app, jo, tenant, &format!("/console/{}/enrollment", tenant.id)).await;
    silence(jo, &format!("/console/{}/silence", tenant.id)).await;
}

async fn enrollment(app: &TestApp, jo: &mut Browser, tenant: &Tenant, page: &str) {
    let at = |rest: &str| format!("{page}/{rest}");
    let [root, _] = &app.runner.portal.issuer_roots()[..] else { panic!("root and intermediate") };
    let opened = jo.open(page).await.expect(200);
    let former = opened.between("name=\"replaces\" value=\"", "\"").unwrap();
    let new = [("common_name", "Third"), ("organization", "Green School"), ("replaces", former.as_str())];
    jo.submit(&at("authority"), &new).await.expect(200);
    jo.submit(&at("authority/trust"), &[("certificate", &certificate_pem(root))]).await.expect(200);
    let refused = jo.submit(&at("authority/retire"), &[("authority", &former)]).await;
    assert!([200, 409].contains(&refused.status), "{}", refused.text);
    let terms = [("uses", "2"), ("valid_days", "7"), ("group", "Class of the console")];
    let made = jo.submit(&at("links"), &terms).await.expect(200);
    let id = made.between("/enrollment/links/", "\"").unwrap();
    jo.open(&at(&format!("links/{id}"))).await.expect(200);
    let kim = [("email", "kim@console.example")];
    jo.submit(&at("invitations"), &kim).await.expect(200);
    let list = b"email\nlu@console.example\n";
    jo.upload(&at("invitations/list"), &[], &[("list", "people.csv", list.as_slice())]).await.expect(200);
    jo.open(&at("settings")).await.expect(200);
    // As they are, but for a password: what devices have cannot be given or taken any more.
    let known = tenant.get("enrollment-settings").await.expect(200).json;
    let mut ticked: Vec<String> = known["access_rights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|right| right.as_str().unwrap().replace('-', "_"))
        .collect();
    let switches = ["pinned", "per_user_connections", "bootstrap_token"];
    ticked.extend(switches.into_iter().filter(|name| known[*name] == true).map(str::to_owned));
    let mut settings: Vec<_> = ticked.iter().map(|name| (name.as_str(), "yes")).collect();
    settings.extend([("removal", "with-password"), ("removal_password", "correct horse")]);
    jo.submit(&at("settings"), &settings).await.expect(200);
    jo.submit(&at(&format!("links/{id}/revoke")), &[]).await.expect(200);
}

async fn silence(jo: &mut Browser, page: &str) {
    let at = |rest: &str| format!("{page}/{rest}");
    let rule = [("after", "24h"), ("daily_cap", "50")];
    jo.open(page).await.expect(200);
    jo.submit(&at("preview"), &rule).await.expect(200);
    jo.submit(page, &rule).await.expect(200);
    let hit = jo.submit(&at("preview"), &rule).await.expect(200).between("It would hit ", " of").unwrap();
    jo.submit(&at("confirm"), &[("devices", &hit)]).await.expect(200);
    // One of the story's devices: locked or not, the page may be asked for it.
    jo.submit(&at("unlock"), &[("enrollment", "D-7")]).await.expect(200);
    jo.submit(&at("access"), &[("unenrolled", "in")]).await.expect(200);
}
