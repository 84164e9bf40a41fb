//! `make cost`: what a fleet costs in AWS in a month. Each thing that happens is played once by the real functions, the
//! calls and DynamoDB's units are counted, and `infra/prices.yaml` says how often it happens and what that costs.

#![allow(clippy::print_stdout, reason = "the table is what this is for")]

mod deployment;
mod meter;
mod used;

use std::collections::BTreeMap;
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

/// A day is played with so many devices, and with so many more: the difference is theirs, the rest is the tenant's.
const FEW: u32 = 5;
const MORE: u32 = 20;
const IDLE: &str = "a device asks, nothing waits";
const DAYS: f64 = 30.0;

fn main() {
    let number = |name: &str, otherwise: u32| {
        let said = std::env::var(name).ok().filter(|said| !said.is_empty());
        f64::from(
            said.map_or(otherwise, |said| said.parse().unwrap_or_else(|_| panic!("{name} is a number"))),
        )
    };
    let devices = number("DEVICES", 1000);
    let tenants = number("TENANTS", 10);
    let (sheet, template) = files();
    let runtime = tokio::runtime::Runtime::new().expect("threads start");
    let kinds = runtime.block_on(play(&template, &sheet, devices, tenants));
    show(&sheet, &template, &kinds, devices, tenants);
}

/// The prices, and the template.
fn files() -> (Sheet, Value) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = |name: &str| std::fs::read_to_string(root.join(name)).expect("the file is there");
    let sheet = serde_yaml_ng::from_str(&text("infra/prices.yaml")).expect("infra/prices.yaml is in order");
    (sheet, serde_yaml_ng::from_str(&text("template.yaml")).expect("template.yaml is YAML"))
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
    let mut fleet = Fleet::default();
    let empty = day(&world, sheet, &mut fleet).await;
    let tenant = ready_tenant(&world).await;
    // Secrets stay; the rest happens once.
    let made = Used { secrets: world.take(assumed).secrets, ..Used::default() };
    note("a tenant is there", tenants, made);

    fleet.grow(&world, &tenant, FEW).await;
    // The first day does what is done once.
    day(&world, sheet, &mut fleet).await;
    let few = day(&world, sheet, &mut fleet).await;
    fleet.grow(&world, &tenant, MORE).await;
    let many = day(&world, sheet, &mut fleet).await;
    let each = (many - few) * (1.0 / f64::from(MORE));
    note("schedules by themselves, in a day", DAYS, empty);
    note("a tenant, in a day", DAYS * tenants, few - empty - each * f64::from(FEW));
    note("a device and what wakes it, in a day", DAYS * devices, each);

    fleet.grow(&world, &tenant, 1).await;
    world.take(assumed);
    fleet.grow(&world, &tenant, 1).await;
    note("a device enrolls", devices * usage.enrolls_per_device, world.take(assumed));
    let device = &mut fleet.0[0];

    world.app.clock.set(world.app.clock.now() + SignedDuration::from_hours(1));
    device.token_update(None).await.expect("it is taken");
    world.take(assumed);
    device.token_update(None).await.expect("it is taken");
    note("a device tells its address", devices * usage.token_updates_per_device, world.take(assumed));
    device.idle().await.expect("it is answered");
    world.take(assumed);
    device.idle().await.expect("it is answered");
    note(IDLE, devices * usage.idle_polls_per_device, world.take(assumed));

    let order = json!({"targets": [device.id()], "command": {"RequestType": "DeviceInformation", "Queries": ["OSVersion"]}});
    tenant.post("commands", order).await.expect(201);
    world.app.clock.set(world.app.clock.now() + SignedDuration::from_secs(1));
    world.deliver().await;
    device.will_answer("DeviceInformation", Reply::Acknowledge(plist::Dictionary::new()));
    assert_eq!(device.answer_all().await.expect("it answers").len(), 1);
    note("a command, from the call to the answer", devices * usage.commands_per_device, world.take(assumed));

    tenant.get("enrollments").await.expect(200);
    note("somebody looks", tenants * usage.looks_per_tenant, world.take(assumed));
    let mail = Used { mails: 1.0, calls: 1.0, invocations: 1.0, ..Used::default() };
    note("a mail", tenants * usage.mails_per_tenant, mail);

    kinds
}

/// A day of all schedules, as template.yaml has them, and of the devices that they wake.
async fn day(world: &Deployment, sheet: &Sheet, fleet: &mut Fleet) -> Used {
    let assumed = &sheet.assumed;
    world.take(assumed);
    let mut day = Used::default();
    world.run("expiry-notifier").await;
    for hour in 0..24 {
        // Those that run more than once an hour find the same each time.
        for (function, times) in [("events", 60.0), ("trust-store", 12.0)] {
            day = day + world.take(assumed);
            world.run(function).await;
            world.deliver().await;
            day = day + world.take(assumed) * times;
        }
        world.seal().await;
        if hour % 3 == 0 {
            world.run("apns-probe").await;
        }
        world.run("inactivity-sweeper").await;
        // A sweep's hints come within a quarter of an hour.
        for minutes in [15, 45] {
            world.deliver().await;
            fleet.answer().await;
            world.app.clock.set(world.app.clock.now() + SignedDuration::from_mins(minutes));
        }
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

/// A tenant's devices.
#[derive(Default)]
struct Fleet(Vec<SimDevice>);

impl Fleet {
    async fn grow(&mut self, world: &Deployment, tenant: &Tenant, more: u32) {
        for _ in 0..more {
            let number = self.0.len();
            let mut device = SimDevice::new(&format!("D-{number}"), &format!("C02{number:05}"), "an iPad")
                .believing(world.app.clock.now());
            let link = tenant.enrollment_link().await;
            device.enroll(&link, &world.app.runner.apns).await.expect("it enrolls");
            self.0.push(device);
        }
    }

    /// Those that were woken do what they are asked.
    async fn answer(&mut self) {
        for device in &mut self.0 {
            while device.pushes_waiting() > 0 {
                device.wait_for_push().await;
                device.answer_all().await.expect("it is answered");
            }
        }
    }
}

/// Dollars by service.
fn bill(sheet: &Sheet, template: &Value, kinds: &[Kind]) -> BTreeMap<&'static str, f64> {
    let alarms = template["Resources"].as_mapping().expect("it has resources").values();
    let alarms = alarms.filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm").count();
    let standing = Standing { queues: QUEUES.len(), alarms, metrics: Metric::NAMES.len() };
    let used = kinds.iter().fold(Used::default(), |all, kind| all + kind.used * kind.times);
    sheet.bill(&used, standing)
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
    let bill = bill(sheet, template, kinds);
    println!("\nDollars a month, {devices} devices of {tenants} tenants, prices of {}:", sheet.as_of);
    for (service, dollars) in &bill {
        println!("{service:<20} {dollars:>9.2}");
    }
    let all: f64 = bill.values().sum();
    println!("{:<20} {all:>9.2}   {:.4} a device", "in all", all / devices);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fleet_ten_times_as_large_costs_more_and_an_idle_poll_is_one_call_of_two_units() {
        let (sheet, template) = files();
        let kinds = play(&template, &sheet, 100.0, 1.0).await;
        let idle = kinds.iter().find(|kind| kind.name == IDLE).expect("it is played");
        assert_eq!((idle.used.invocations, idle.used.calls, idle.used.writes), (1.0, 1.0, 2.0));
        let sum = |kinds: &[Kind]| -> f64 { bill(&sheet, &template, kinds).values().sum() };
        let small = sum(&kinds);
        let large: Vec<Kind> =
            kinds.into_iter().map(|kind| Kind { times: kind.times * 10.0, ..kind }).collect();
        assert!(small > 0.0 && sum(&large) > small, "{small}");
    }
}
