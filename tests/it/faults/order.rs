//! SQS keeps no order: what was sent last comes first, and in the end everything is as if it had not.

use std::collections::BTreeMap;

use pomarium_local::runner::{QueueFunction, begin_seals, deliver_all, deliver_backwards, run};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::kept::{Kept, differences, kept};
use super::trouble::Trouble;
use crate::devices::{enrolled, pass_seconds, queue, uuid_of};
use crate::fleet::{fleet, topic};
use crate::receiver::Receiver;
use crate::sweeper::lose_hints;

/// More than one page of a job or a sweep has.
const DEVICES: usize = 110;

/// What a webhook was told of each device, in order.
type Told = BTreeMap<String, Vec<String>>;

/// Every queue at work for two tenants: jobs of several pages, one of them taken back; hints, lost ones too; events and seals.
async fn played(backwards: bool) -> (Kept, Vec<Told>) {
    let app = TestApp::start().await;
    let deliver = async |function| {
        let (state, queues) = (&app.runner.state, app.runner.aws.queues());
        if backwards {
            deliver_backwards(function, state, queues).await.unwrap()
        } else {
            deliver_all(function, state, queues).await.unwrap()
        }
    };
    let (mut tenants, mut devices, mut receivers) = (Vec::new(), Vec::new(), Vec::new());
    for name in ["Green School", "Blue School"] {
        let tenant = app.ready_tenant(name).await;
        for _ in 0..2 {
            let receiver = Receiver::start().await;
            tenant.post("webhooks", json!({"url": receiver.url()})).await.expect(201);
            receivers.push(receiver);
        }
        let names = (0..DEVICES).map(|number| format!("F-{number:05}"));
        fleet(&app, &tenant, &topic(&app, &tenant).await, names, 0).await;
        devices.push(enrolled(&app, &tenant, "D-1").await);
        tenants.push(tenant);
    }
    let mut jobs = Vec::new();
    for request_type in ["RestartDevice", "ProfileList"] {
        for tenant in &tenants {
            jobs.push(order(tenant, request_type).await);
            pass_seconds(&app, 1);
        }
    }
    assert!(deliver(QueueFunction::CommandJobs).await >= 8, "each job has two pages");
    for (tenant, job) in tenants.iter().zip(&jobs) {
        let path = tenant.path(&format!("commands/{job}"));
        tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(202);
    }
    pass_seconds(&app, 90);
    assert!(deliver(QueueFunction::CommandJobs).await >= 4, "each is taken back on two pages");
    pass_seconds(&app, 900);
    assert!(deliver(QueueFunction::Push).await > 2 * DEVICES, "each device is woken");
    for device in &mut devices {
        assert_eq!(device.answer_all().await.expect("it answers").len(), 1);
    }

    for tenant in &tenants {
        queue(tenant, "D-1", "SecurityInfo").await;
    }
    lose_hints(&app).await;
    pass_seconds(&app, 3_600);
    run(app.runner.state.clone(), "inactivity-sweeper").await.unwrap();
    assert!(deliver(QueueFunction::InactivitySweeper).await >= 2);
    pass_seconds(&app, 900);
    deliver(QueueFunction::Push).await;

    run(app.runner.state.clone(), "events").await.unwrap();
    for _ in 0..20 {
        deliver(QueueFunction::Events).await;
        pass_seconds(&app, 45);
    }
    begin_seals(app.runner.state.clone()).await.unwrap();
    assert!(deliver(QueueFunction::Events).await >= 2);
    let told = receivers.iter().map(|receiver| by_device(receiver.told())).collect();
    (kept(&app, &Trouble::new(None)).await, told)
}

/// Sends a command to all devices by a job, and returns its name.
async fn order(tenant: &Tenant, request_type: &str) -> String {
    let body = json!({"targets": {"all": true}, "command": {"RequestType": request_type}});
    uuid_of(&tenant.post("commands", body).await.expect(202))
}

fn by_device(told: Vec<(String, String)>) -> Told {
    let mut found = Told::new();
    for (kind, device) in told {
        found.entry(device).or_default().push(kind);
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_come_backwards_lead_to_the_same() {
    let ((expected, heard), (found, heard_backwards)) =
        tokio::join!(Box::pin(played(false)), Box::pin(played(true)));
    let different = differences(&expected, &found, &[]);
    assert!(different.is_empty(), "{different:#?}");
    assert_eq!(heard, heard_backwards);
    assert!(heard.iter().all(|told| told.len() > DEVICES), "each webhook was told of every device");
}
