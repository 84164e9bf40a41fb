//! Renewals that the sweeper asks for.

use pomarium_local::device::IdentityPayload;
use pomarium_local::runner::{QueueFunction, deliver_all};
use pomarium_tests::{Tenant, TestApp};
use serde_json::json;

use super::Processes;
use crate::devices::enrolled;
use crate::renewals::fetch;

/// One device is asked to renew its identity because an administrator wants it.
pub(super) async fn renewals(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let mut device = enrolled(app, tenant, "D-5").await;
    want_renewal(app, processes, tenant).await;
    let (_, mut profile) = fetch(&device).await;
    if let IdentityPayload::Scep(scep) = &mut profile.identity {
        scep.url = format!("{}/scep/{}", processes.address, tenant.id);
    }
    device.set_profile(profile);
    let former = device.identity().unwrap().clone();
    device.obtain_identity().await.expect("it is renewed");
    device.set_identity(former);
    device.check_out().await.expect("it goes");
}

/// The order, and what the sweeper does with it.
pub(super) async fn want_renewal(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    tenant.post("enrollments/D-5/renew-identity", json!({})).await.expect(202);
    sweep_renewals(app, processes).await;
}

/// The sweeper's messages that are due.
pub(super) async fn sweep_renewals(app: &TestApp, processes: &Processes) {
    let sweeper = processes.state("inactivity-sweeper");
    deliver_all(QueueFunction::InactivitySweeper, &sweeper, app.runner.aws.queues()).await.unwrap();
}
