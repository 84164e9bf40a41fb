//! The part of the story about many devices at once: groups, and commands by a job.

use pomarium_local::device::SimDevice;
use pomarium_local::runner::{QueueFunction, deliver_all, run};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::Processes;
use crate::devices::{enrolled, pass_seconds};

/// A group that a device joins, by hand and by its link.
pub(super) async fn groups(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let made = tenant.post("groups", json!({"name": "Year 8"})).await.expect(201).json;
    let path = format!("groups/{}", made["id"].as_str().unwrap());
    enrolled(app, tenant, "D-5").await;
    for changes in [json!({"add": ["D-5"]}), json!({"remove": ["D-5"]}), json!({"add": ["D-5"]})] {
        tenant.post(&format!("{path}/members"), changes).await.expect(200);
    }
    for path in ["groups".to_owned(), path.clone(), format!("{path}/members")] {
        tenant.get(&path).await.expect(200);
    }
    many(app, processes, tenant).await;
    tenant.admin.call(Method::DELETE, &tenant.path(&path), Vec::new()).await.expect(204);
    tenant.post("enrollments/D-5/retire", json!({})).await.expect(200);
    let link = tenant.post("enrollment-links", json!({"group": "Year 9"})).await.expect(201).json;
    let mut device = SimDevice::new("D-6", "C02XYZ", "Jo's iPad");
    device.enroll(link["url"].as_str().unwrap(), &app.runner.apns).await.expect("it joins the group");
    device.check_out().await.expect("it goes");
}

/// Commands to many devices, of which D-5 is one.
async fn many(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let listed: Vec<String> = (0..102).map(|number| format!("D-{number}")).collect();
    for targets in [json!(listed), json!({"group": "Year 8"}), json!({"all": true})] {
        let body = json!({"targets": targets, "command": {"RequestType": "ProfileList"}});
        tenant.post("commands/preview", body.clone()).await.expect(200);
        let uuid = tenant.post("commands", body).await.expect(202).json["command_uuid"].clone();
        pass_seconds(app, 900);
        // The hint is lost, and the sweep repairs it.
        run(processes.state("inactivity-sweeper"), "inactivity-sweeper").await.unwrap();
        let state = processes.state("command-jobs");
        deliver_all(QueueFunction::CommandJobs, &state, app.runner.aws.queues()).await.unwrap();
        let path = format!("command-jobs/{}", uuid.as_str().unwrap());
        assert_eq!(tenant.get(&path).await.expect(200).json["queued"], 1);
        tenant.get(&format!("{path}/targets")).await.expect(200);
    }
    tenant.get("command-jobs").await.expect(200);
    let body = json!({"targets": {"all": true}, "command": {"RequestType": "RestartDevice"}});
    let uuid = tenant.post("commands", body).await.expect(202).json["command_uuid"].clone();
    let path = tenant.path(&format!("command-jobs/{}", uuid.as_str().unwrap()));
    tenant.admin.call(Method::DELETE, &path, Vec::new()).await.expect(200);
    let sweeper = processes.state("inactivity-sweeper");
    deliver_all(QueueFunction::InactivitySweeper, &sweeper, app.runner.aws.queues()).await.unwrap();
}
