//! The part of the story about devices that fall silent, and what they are asked by themselves.

use pomarium_local::runner::{QueueFunction, deliver_all, run};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::Processes;
use crate::devices::{enrolled, pass_seconds};

/// One device falls silent, another is heard; access is asked and opened again.
pub(super) async fn silence(app: &TestApp, processes: &Processes, tenant: &Tenant) {
    let silent = enrolled(app, tenant, "D-7").await;
    let heard = enrolled(app, tenant, "D-8").await;
    let rule = json!({"after": "24h", "device_lock": {"message": "Call the office"}}).to_string();
    tenant.admin.call(Method::PUT, &tenant.path("inactivity"), rule.into()).await.expect(200);
    let hourly = json!({"queries": {"ProfileList": 1}}).to_string();
    tenant.admin.call(Method::PUT, &tenant.path("refresh"), hourly.into()).await.expect(200);
    tenant.get("refresh").await.expect(200);
    let preview = tenant.post("inactivity/preview", json!({})).await.expect(200);
    let confirmed = json!({"devices": preview.json["would_hit"]});
    tenant.post("inactivity/confirm", confirmed).await.expect(200);
    pass_seconds(app, 24 * 3_600);
    for _ in 0..2 {
        let sweeper = processes.state("inactivity-sweeper");
        run(sweeper.clone(), "inactivity-sweeper").await.unwrap();
        deliver_all(QueueFunction::InactivitySweeper, &sweeper, app.runner.aws.queues()).await.unwrap();
        pass_seconds(app, 3_600);
        deliver_all(QueueFunction::Push, &processes.state("push"), app.runner.aws.queues()).await.unwrap();
        pass_seconds(app, 3_600);
        heard.idle().await.expect("it is heard");
    }
    assert_eq!(tenant.get("access?udid=D-7").await.expect(200).json["reason"], "inactive");
    for _ in 0..2 {
        silent.idle().await.expect("it comes back").expect("its lock waits");
    }
    tenant.post("enrollments/D-7/unlock", json!({})).await.expect(200);
    let settings = json!({"allow_unenrolled_devices": true}).to_string();
    tenant.admin.call(Method::PUT, &tenant.path("access/settings"), settings.into()).await.expect(200);
    for device in [silent, heard] {
        device.check_out().await.expect("it goes");
    }
}
