//! `make cost`: what a fleet costs in AWS in a month. Each thing that happens is played once by the real functions, the
//! calls and DynamoDB's units are counted, and `infra/prices.yaml` says how often it happens and what that costs.

#![allow(clippy::print_stdout, reason = "the table is what this is for")]

mod deployment;
mod meter;
mod used;

use std::path::Path;

use deployment::Deployment;
use pomarium_local::device::{Reply, SimDevice};
use pomarium_local::runner::QUEUES;
use pomarium_tests::{Api, Tenant};
use serde_json::json;
use serde_yaml_ng::Value;
use shared::metrics::Metric;
use shared::time::SignedDuration;
use used::{Sheet, Standing, Used};

/// So many devices are in the tenant whose day is played.
const FLEET: usize = 10;
const DAYS: f64 = 30.0;
const HOURS: f64 = 24.0 * DAYS;

fn main() {
    let number = |name: &str, otherwise: u32| {
        let said = std::env::var(name).ok().filter(|said| !said.is_empty());
        f64::from(
            said.map_or(otherwise, |said| said.parse().unwrap_or_else(|_| panic!("{name} is a number"))),
        )
    };
    let devices = number("DEVICES", 1000);
    let tenants = number("TENANTS", 10);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = |name: &str| std::fs::read_to_string(root.join(name)).expect("the file is there");
    let sheet: Sheet =
        serde_yaml_ng::from_str(&text("infra/prices.yaml")).expect("infra/prices.yaml is in order");
    let template: Value = serde_yaml_ng::from_str(&text("template.yaml")).expect("template.yaml is YAML");
    let runtime = tokio::runtime::Runtime::new().expect("threads start");
    let kinds = runtime.block_on(play(&template, &sheet, devices, tenants));
    show(&sheet, &template, &kinds, devices, tenants);
}

/// One kind of thing that happens, how often in a month, and what it uses each time.
struct Kind {
    name: &'static str,
    times: f64,
    used: Used,
}

async fn play(template: &Value, sheet: &Sheet, devices: f64, tenants: f64) -> Vec<Kind> {
    let Sheet { assumed, usage, .. } = sheet;
    let world = Deployment::start(template).await;
    let mut kinds = Vec::new();
    let mut note = |name, times, used| kinds.push(Kind { name, times, used });

    // Nobody is there: what the schedules cost by themselves.
    let empty = schedules(&world, sheet).await;
    let tenant = ready_tenant(&world).await;
    // Secrets stay; the rest happens once.
    let made = Used { secrets: world.take(assumed).secrets, ..Used::default() };
    note("a tenant is there", tenants, made);

    let mut fleet = Vec::new();
    for number in 0..FLEET {
        world.take(assumed);
        fleet.push(enroll(&world, &tenant, number).await);
    }
    note("a device enrolls", devices * usage.enrolls_per_device, world.take(assumed));
    let device = &mut fleet[0];

    world.app.clock.set(world.app.clock.now() + SignedDuration::from_hours(1));
    device.token_update(None).await.expect("it is taken");
    world.take(assumed);
    device.token_update(None).await.expect("it is taken");
    note("a device tells its address", devices * usage.token_updates_per_device, world.take(assumed));
    device.idle().await.expect("it is answered");
    note("a device asks, nothing waits", devices * usage.idle_polls_per_device, world.take(assumed));

    let order = json!({"targets": [device.id()], "command": {"RequestType": "DeviceInformation", "Queries": ["OSVersion"]}});
    tenant.post("commands", order).await.expect(201);
    world.app.clock.set(world.app.clock.now() + SignedDuration::from_secs(1));
    world.deliver().await;
    device.will_answer("DeviceInformation", Reply::Acknowledge(plist::Dictionary::new()));
    assert_eq!(device.answer_all().await.expect("it answers").len(), 1);
    note("a command, from the call to the answer", devices * usage.commands_per_device, world.take(assumed));

    tenant.get("devices").await.expect(200);
    note("somebody looks", tenants * usage.looks_per_tenant, world.take(assumed));
    let mail = Used { mails: 1.0, calls: 1.0, invocations: 1.0, ..Used::default() };
    note("a mail", tenants * usage.mails_per_tenant, mail);

    world.take(assumed);
    let busy = schedules(&world, sheet).await;
    note("schedules, by themselves, in a day", DAYS, empty);
    let share = (busy - empty) * (1.0 / f64::from(u32::try_from(FLEET).unwrap_or(u32::MAX)));
    note("schedules, for one device more, in a day", DAYS * devices, share);
    kinds
}

/// A day of all schedules. What runs each minute or each few minutes is played once and multiplied.
async fn schedules(world: &Deployment, sheet: &Sheet) -> Used {
    let assumed = &sheet.assumed;
    world.take(assumed);
    let mut day = Used::default();
    for (function, times) in [("events", 24.0 * 60.0), ("trust-store", 24.0 * 12.0), ("apns-probe", 24.0)] {
        // A cold process reads more than a warm one.
        world.run(function).await;
        world.deliver().await;
        world.take(assumed);
        world.run(function).await;
        world.deliver().await;
        day = day + world.take(assumed) * times;
    }
    world.seal().await;
    world.deliver().await;
    day = day + world.take(assumed) * 24.0;
    world.run("expiry-notifier").await;
    for _ in 0..8 {
        world.app.clock.set(world.app.clock.now() + SignedDuration::from_hours(3));
        world.run("inactivity-sweeper").await;
        world.deliver().await;
        world.app.clock.set(world.app.clock.now() + SignedDuration::from_mins(15));
        world.deliver().await;
    }
    day + world.take(assumed)
}

async fn ready_tenant(world: &Deployment) -> Tenant {
    let made = world.app.tenant("Green School").await;
    let tenant = Tenant::new(made.id.clone(), Api::new(&world.address, Some(made.token())));
    tenant.request().await;
    let issued = world.app.runner.portal.issue(&tenant.request_file().await);
    tenant.stage(&issued.map_err(|_| ()).expect("the portal issues").pem).await;
    tenant.activate(json!({})).await;
    tenant.create_authority().await;
    tenant
}

async fn enroll(world: &Deployment, tenant: &Tenant, number: usize) -> SimDevice {
    let mut device = SimDevice::new(&format!("D-{number}"), &format!("C02{number:05}"), "an iPad")
        .believing(world.app.clock.now());
    device.enroll(&tenant.enrollment_link().await, &world.app.runner.apns).await.expect("it enrolls");
    device
}

fn show(sheet: &Sheet, template: &Value, kinds: &[Kind], devices: f64, tenants: f64) {
    println!("Each time:");
    println!(
        "{:<42} {:>9} {:>11} {:>7} {:>7} {:>7}",
        "", "a month", "invocations", "calls", "reads", "writes"
    );
    for Kind { name, times, used } in kinds {
        let Used { invocations, calls, reads, writes, .. } = used;
        println!("{name:<42} {times:>9.0} {invocations:>11.1} {calls:>7.1} {reads:>7.1} {writes:>7.1}");
    }
    let alarms = template["Resources"].as_mapping().expect("it has resources").values();
    let alarms = alarms.filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm").count();
    let standing = Standing { queues: QUEUES.len(), alarms, metrics: Metric::NAMES.len() };
    let used = kinds.iter().fold(Used::default(), |all, kind| all + kind.used * kind.times);
    let bill = sheet.bill(&used, standing);
    println!("\nDollars a month, {devices} devices of {tenants} tenants, prices of {}:", sheet.as_of);
    for (service, dollars) in &bill {
        println!("{service:<20} {dollars:>9.2}");
    }
    let all: f64 = bill.values().sum();
    println!("{:<20} {all:>9.2}   {:.4} a device", "in all", all / devices);
}
