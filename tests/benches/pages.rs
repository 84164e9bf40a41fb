//! What the console's pages cost the server's processor while a tenant has ever more devices. Run by `make bench-pages`.
//!
//! The figure is the processor time of the whole process, the embedded store and the asking browser included: more than
//! a function on Lambda spends, so that what passes here passes there.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops there")]
#![allow(clippy::print_stdout, reason = "the table is what this is for")]

use std::collections::HashMap;
use std::fs;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use pomarium_local::device::SimDevice;
use pomarium_tests::{Browser, Tenant, TestApp};

const JO: &str = "jo@green-school.example";
const ROUNDS: u32 = 20;
/// The most that a page may take, in milliseconds.
const LIMIT: f64 = 50.0;

#[tokio::main]
async fn main() {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    tenant.let_in(JO, "admin").await.expect(200);
    let mut first = SimDevice::new("D-0", "S0", "iPad 0");
    first.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    let mut jo = Browser::new(&app);
    jo.sign_in(&app, JO).await.expect(200);

    let mut known = 1;
    let mut slow = Vec::new();
    println!("{:<28}{:>10}{:>10}{:>10}   ms of processor time a page", "page", "1,000", "10,000", "100,000");
    let mut table: Vec<(String, Vec<f64>)> = Vec::new();
    for devices in [1_000, 10_000, 100_000] {
        copies(&app, &tenant, known..devices).await;
        known = devices;
        for (number, (name, path)) in pages(&tenant).into_iter().enumerate() {
            let spent = page(&mut jo, &path).await;
            if table.len() <= number {
                table.push((name.clone(), Vec::new()));
            }
            table[number].1.push(spent);
            if spent > LIMIT {
                slow.push(format!("{name} with {devices} devices: {spent:.1} ms"));
            }
        }
    }
    for (name, spent) in &table {
        print!("{name:<28}");
        spent.iter().for_each(|spent| print!("{spent:>10.1}"));
        println!();
    }
    assert!(slow.is_empty(), "more than {LIMIT} ms: {slow:?}");
}

fn pages(tenant: &Tenant) -> Vec<(String, String)> {
    let named = [
        ("home", ""),
        ("push certificate", "/push-certificate"),
        ("expirations", "/expirations"),
        ("enrollment", "/enrollment"),
        ("devices", "/devices"),
        ("devices, a search", "/devices?q=no+such+name"),
        ("a device", "/devices/D-0"),
        ("commands", "/commands"),
        ("silent devices", "/silence"),
        ("audit log", "/settings/audit-log"),
    ];
    named.map(|(name, path)| (name.to_owned(), format!("/console/{}{path}", tenant.id))).into()
}

/// The processor time of one page, in milliseconds, after one that warms up.
async fn page(jo: &mut Browser, path: &str) -> f64 {
    jo.open(path).await.expect(200);
    let before = processor_ms();
    for _ in 0..ROUNDS {
        jo.open(path).await.expect(200);
    }
    (processor_ms() - before) / f64::from(ROUNDS)
}

/// What all threads of this process have run, in milliseconds.
fn processor_ms() -> f64 {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let spent = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok());
    spent.filter_map(|line| line.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e6
}

/// More devices like the first, straight into the table.
async fn copies(app: &TestApp, tenant: &Tenant, numbers: std::ops::Range<usize>) {
    let client = Client::new(&shared::aws::local_sdk_config(app.runner.aws.dynamodb_endpoint()));
    let table = &app.runner.state.config.table_core;
    let key = |device: &str| AttributeValue::S(format!("TENANT#{}#DEVICE#{device}", tenant.id));
    let channel = AttributeValue::S("CHANNEL#device".to_owned());
    let found = client.get_item().table_name(table).key("pk", key("D-0")).key("sk", channel).send().await;
    let first = found.unwrap().item.expect("the first device");
    for batch in numbers.collect::<Vec<_>>().chunks(25) {
        let puts = batch.iter().map(|number| {
            let name = format!("D-{number}");
            let mut item: HashMap<_, _> = first.clone();
            item.insert("pk".to_owned(), key(&name));
            for attribute in ["id", "listed"] {
                let text = item[attribute].as_s().unwrap().replace("D-0", &name);
                item.insert(attribute.to_owned(), AttributeValue::S(text));
            }
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        client.batch_write_item().request_items(table, puts.collect()).send().await.expect("they are kept");
    }
}
