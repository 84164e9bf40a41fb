//! The part of the story about commands that do not stay as they were sent.

use pomarium_local::device::SimDevice;
use pomarium_tests::{Api, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::Processes;
use crate::devices::pass_seconds;

/// An order with a name of its own, by which its repetition is known.
pub(super) fn named(app: &TestApp, udid: &str, command: serde_json::Value) -> serde_json::Value {
    let uuid = app.runner.state.random.command_uuid();
    json!({"targets": [udid], "command": command, "command_uuid": uuid})
}

/// Commands that hold secrets, are taken back, set aside and approved.
pub(super) async fn withdrawals(
    app: &TestApp,
    processes: &Processes,
    tenant: &Tenant,
    device: &SimDevice,
    udid: &str,
) {
    let delete =
        async |path: String| tenant.admin.call(Method::DELETE, &tenant.path(&path), Vec::new()).await;
    let send = async |command: serde_json::Value| {
        let sent = tenant.post("commands", named(app, udid, command)).await.expect(201);
        sent.json["command_uuid"].as_str().unwrap().to_owned()
    };
    delete(format!("enrollments/{udid}/commands")).await.expect(200);
    let lock = send(json!({"RequestType": "DeviceLock", "PIN": "271828"})).await;
    for _ in 0..11 {
        device.idle().await.expect("it is served");
    }
    tenant.get(&format!("enrollments/{udid}/commands?stuck=true")).await.expect(200);
    tenant.post(&format!("commands/{lock}/targets/{udid}/retry"), json!({})).await.expect(204);
    tenant.post(&format!("commands/{lock}/targets/{udid}/pin"), json!({})).await.expect(200);
    delete(format!("commands/{lock}/targets/{udid}")).await.expect(204);
    tenant.get(&format!("enrollments/{udid}/inventory/certificates")).await.expect(200);

    let path = format!("/v1/tenants/{}", tenant.id);
    let setting = json!({"erase_needs_approval": true}).to_string();
    tenant.admin.call(Method::PATCH, &path, setting.into()).await.expect(200);
    let made = tenant.post("tokens", json!({"name": udid, "role": "admin"})).await.expect(201);
    let colleague = Api::new(&processes.address, made.json["token"].as_str());
    let erase = send(json!({"RequestType": "EraseDevice"})).await;
    pass_seconds(app, 1);
    colleague.post(&tenant.path(&format!("commands/{erase}/approve")), json!({})).await.expect(200);
    delete(format!("commands/{erase}")).await.expect(204);
}
