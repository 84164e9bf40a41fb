//! The part of the story about a certificate service of the tenant's own.

use pomarium_local::device::SimDevice;
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::Processes;
use super::renewed::sweep_renewals;
use crate::devices::pass_seconds;
use crate::external_scep::{fixed, service};
use crate::renewals::fetch;

/// Devices of either URL enroll with its identities and renew them.
pub(super) async fn external_scep(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let ndes = service(app).await;
    ndes.accept_always("open sesame");
    let external =
        json!({"url": ndes.scep_url(), "authority": ndes.authority_pem().unwrap(), "challenge": fixed()});
    let chosen = json!({"identity": "external-scep", "external_scep": external}).to_string();
    let settings = tenant.path("enrollment-settings");
    tenant.admin.call(Method::PUT, &settings, chosen.into()).await.expect(200);
    for (udid, path) in [("D-12", "checkin"), ("D-13", "command")] {
        let url = format!("{}/mdm/{}/{path}", processes.address, tenant.id);
        let mut device = SimDevice::new(udid, udid, "iPad");
        device.open_link(&tenant.enrollment_link().await).await.expect("it opens");
        device.obtain_identity().await.expect("the service issues it");
        let mut profile = device.profile().unwrap().clone();
        (profile.server_url, profile.check_in_url) = (url.clone(), url.clone());
        device.set_profile(profile);
        device.authenticate().await.expect("it begins");
        device.listen(&app.runner.apns).unwrap();
        device.token_update(None).await.expect("it enrolls");
        pass_seconds(app, 1);
        tenant.post(&format!("enrollments/{udid}/renew-identity"), json!({})).await.expect(202);
        sweep_renewals(app, processes).await;
        let (_, mut profile) = fetch(&device).await;
        (profile.server_url, profile.check_in_url) = (url.clone(), url);
        device.set_profile(profile);
        device.obtain_identity().await.expect("the service issues it");
        device.idle().await.expect("it is accepted");
        device.check_out().await.expect("it goes");
    }
    let usual = json!({"removal": {"rule": "always"}}).to_string();
    tenant.admin.call(Method::PUT, &settings, usual.into()).await.expect(200);
}
