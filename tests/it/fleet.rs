//! Many devices at once, put into the store as they would stand there: enrolling each would take a test too long.

use pomarium_local::apns::WakeUps;
use pomarium_tests::{Tenant, TestApp};
use shared::domain::enrollment::{Enrollment, PushAddress};
use shared::domain::event::EventKind;
use shared::id::{EnrollmentId, Fingerprint};
use shared::store::TokenUpdateWrite;

use crate::killed::scope;

/// Devices that listen on `topic` and were seen just now, with so many commands waiting each. What wakes them comes with them.
pub(crate) async fn fleet(
    app: &TestApp,
    tenant: &Tenant,
    topic: &str,
    names: impl IntoIterator<Item = String>,
    waiting: u64,
) -> Vec<WakeUps> {
    let (store, scope, now) = (&app.runner.state.store, scope(tenant), app.clock.now());
    let mut wake_ups = Vec::new();
    for name in names {
        let signer = Fingerprint::of(format!("{} {name}", tenant.id).as_bytes());
        let token = hex::decode(signer.to_string()).unwrap();
        wake_ups.push(app.runner.apns.register(&token, topic, &name));
        let id: EnrollmentId = name.parse().unwrap();
        let begun = Enrollment { waiting, ..Enrollment::begun(id.clone(), 1, signer, now) };
        store.write_channels(&scope, &[begun], &[], None).await.unwrap();
        let push = PushAddress { topic: topic.into(), token: hex::encode(token), magic: name };
        let write = TokenUpdateWrite {
            push,
            unlock_token: None,
            user_name: None,
            awaiting_configuration: None,
            probably_enrolls: waiting == 0,
        };
        let enrolled = app.runner.state.event(&scope, EventKind::DeviceEnrolled, &id);
        store.update_token(&scope, &id, signer, &write, now, &enrolled).await.unwrap();
    }
    wake_ups
}

/// The topic of the tenant's active push certificate.
pub(crate) async fn topic(app: &TestApp, tenant: &Tenant) -> String {
    let all = app.runner.state.store.push_certificates(&scope(tenant)).await.unwrap();
    all.active().unwrap().certificate.topic.clone()
}

/// How many of them were woken, each counted once.
pub(crate) fn woken(fleet: &[WakeUps]) -> usize {
    fleet.iter().filter(|device| device.waiting() > 0).count()
}
