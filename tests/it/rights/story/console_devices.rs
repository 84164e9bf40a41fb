//! The console's pages of devices and commands: each opened and submitted once.

use pomarium_local::device::SimDevice;
use pomarium_local::runner::{QueueFunction, deliver_all};
use pomarium_tests::{Browser, Page, Tenant, TestApp};
use reqwest::Method;
use serde_json::json;

use super::Processes;
use crate::devices::{enrolled, pass_seconds, queue};

pub(super) async fn pages(app: &TestApp, processes: &Processes, jo: &mut Browser, tenant: &Tenant) {
    tenant.request().await;
    let issued = app.runner.portal.issue(&tenant.request_file().await).map_err(|_| ()).unwrap();
    tenant.stage(&issued.pem).await;
    tenant.activate(json!({})).await;
    let mut device = enrolled(app, tenant, "D-30").await;
    devices(jo, tenant, &mut device, app).await;
    commands(app, processes, jo, tenant).await;
    endings(app, jo, tenant).await;
    approvals(app, jo, tenant).await;
}

fn place(tenant: &Tenant, rest: &str) -> String {
    format!("/console/{}/{rest}", tenant.id)
}

/// The page that a command was followed to, without its query.
fn path(page: &Page) -> String {
    page.place.split('?').next().unwrap_or_default().to_owned()
}

async fn devices(jo: &mut Browser, tenant: &Tenant, device: &mut SimDevice, app: &TestApp) {
    let at = |rest: &str| place(tenant, &format!("devices/D-30{rest}"));
    jo.open(&place(tenant, "devices")).await.expect(200);
    jo.open(&place(tenant, "devices?q=ipad&state=enrolled")).await.expect(200);
    jo.open(&place(tenant, "devices?q=D-30")).await.expect(200);
    jo.open(&at("")).await.expect(200);
    // Keys are remembered for some minutes.
    pass_seconds(app, 600);
    jo.submit(&at("/send/ask"), &[]).await.expect(200);
    device.answer_all().await.expect("it answers");
    jo.open(&at("/queue")).await.expect(200);
    jo.open(&at("/inventory/apps")).await.expect(200);
    jo.submit(&at("/send/lock"), &[("pin", "271828")]).await.expect(200);
    let lock = queue(tenant, "D-30", "DeviceLock").await;
    for _ in 0..24 {
        device.idle().await.expect("it is served");
    }
    jo.open(&at(&format!("/commands/{lock}"))).await.expect(200);
    jo.submit(&at(&format!("/commands/{lock}/retry")), &[]).await.expect(200);
    let order = json!({"targets": ["D-30"], "command": {"RequestType": "DeviceLock", "PIN": "271828"}});
    let sent = tenant.post("commands", order).await.expect(201).json;
    let pinned = sent["command_uuid"].as_str().unwrap();
    pass_seconds(app, 600);
    jo.submit(&at(&format!("/commands/{pinned}/pin")), &[]).await.expect(200);
    jo.submit(&at(&format!("/commands/{pinned}/cancel")), &[]).await.expect(200);
    jo.submit(&at("/clear"), &[]).await.expect(200);
    jo.submit(&at("/do/renew"), &[]).await.expect(200);
}

async fn commands(app: &TestApp, processes: &Processes, jo: &mut Browser, tenant: &Tenant) {
    let new = place(tenant, "commands/new");
    jo.open(&place(tenant, "commands")).await.expect(200);
    jo.open(&format!("{new}?type=RestartDevice")).await.expect(200);
    let listed: Vec<String> = (0..102).map(|number| format!("D-{number}")).collect();
    let listed = listed.join("\n");
    for to in [("devices", "D-30"), ("devices", listed.as_str()), ("to", "all")] {
        let mut form = vec![("type", "ProfileList"), to];
        jo.submit(&new, &form).await.expect(200);
        form.push(("then", "send"));
        let page = path(&jo.submit(&new, &form).await.expect(200));
        let state = processes.state("command-jobs");
        deliver_all(QueueFunction::CommandJobs, &state, app.runner.aws.queues()).await.unwrap();
        jo.open(&page).await.expect(200);
        jo.open(&format!("{page}/progress")).await.expect(200);
        if to.1 != "D-30" {
            jo.open(&format!("{page}/targets")).await.expect(200);
        }
        jo.submit(&format!("{page}/cancel"), &[]).await.expect(200);
    }
    let form = [("type", "RestartDevice"), ("to", "all"), ("then", "send")];
    let page = path(&jo.submit(&new, &form).await.expect(200));
    jo.submit(&format!("{page}/stop"), &[]).await.expect(200);
}

async fn endings(app: &TestApp, jo: &mut Browser, tenant: &Tenant) {
    for (udid, rest) in [("D-31", "unenroll"), ("D-32", "revoke"), ("D-33", "retire")] {
        enrolled(app, tenant, udid).await;
        let fields = [("confirm", "Jo's iPad"), ("reason", "Sold")];
        jo.submit(&place(tenant, &format!("devices/{udid}/do/{rest}")), &fields).await.expect(200);
    }
    jo.submit(&place(tenant, "devices/D-32/do/unlock"), &[]).await.expect(200);
}

/// What jo erases, somebody with a token approves; and the other way round.
async fn approvals(app: &TestApp, jo: &mut Browser, tenant: &Tenant) {
    let setting = json!({"erase_needs_approval": true}).to_string();
    tenant.admin.call(Method::PATCH, &format!("/v1/tenants/{}", tenant.id), setting.into()).await.expect(200);
    let fields = [("confirm", "Jo's iPad")];
    jo.submit(&place(tenant, "devices/D-30/send/erase"), &fields).await.expect(200);
    for targets in [json!(["D-30"]), json!({"all": true})] {
        let erase = json!({"targets": targets, "command": {"RequestType": "EraseDevice"}});
        let uuid = tenant.post("commands", erase).await.json["command_uuid"].clone();
        pass_seconds(app, 600);
        let approve = place(tenant, &format!("commands/{}/approve", uuid.as_str().unwrap()));
        jo.open(&place(tenant, "commands")).await.expect(200).says("Waiting for approval");
        jo.submit(&approve, &[]).await.expect(200);
    }
}
