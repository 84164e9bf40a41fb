//! What the console's pages cost the server's processor while a tenant has ever more devices. Run by `make bench-pages`.
//!
//! The figure is the processor time of the threads that answer: the server, its calls to the store, and the reading of what
//! the store says. The store itself and the asking browser have threads of their own, as they have machines of their own
//! beside Lambda.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops there")]
#![allow(clippy::print_stdout, reason = "the table is what this is for")]

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use pomarium_local::device::SimDevice;
use pomarium_local::runner::function_routes;
use pomarium_tests::{Browser, Tenant, TestApp};
use shared::config::Config;
use shared::port::random::Random;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};

const JO: &str = "jo@green-school.example";
const ROUNDS: u32 = 20;
/// The most that a page may take, in milliseconds.
const LIMIT: f64 = 50.0;

/// The threads that answer are called so.
const SERVER: &str = "server";

fn main() {
    let server =
        Builder::new_multi_thread().worker_threads(2).thread_name(SERVER).enable_all().build().unwrap();
    Builder::new_multi_thread().enable_all().build().unwrap().block_on(measure(server.handle()));
}

async fn measure(server: &Handle) {
    let app = TestApp::start().await;
    let tenant = app.ready_tenant("Green School").await;
    tenant.let_in(JO, "admin").await.expect(200);
    let mut first = SimDevice::new("D-0", "S0", "iPad 0");
    first.enroll(&tenant.enrollment_link().await, &app.runner.apns).await.expect("it enrolls");
    let mut jo = Browser::at(&serve(server, &app).await);
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

/// What the threads that answer have run, in milliseconds.
fn processor_ms() -> f64 {
    let threads = fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path());
    let answer = threads.filter(|thread| fs::read_to_string(thread.join("comm")).unwrap().trim() == SERVER);
    let spent = answer.map(|thread| fs::read_to_string(thread.join("schedstat")).unwrap());
    spent.map(|line| line.split(' ').next().unwrap().parse::<f64>().unwrap()).sum::<f64>() / 1e6
}

/// The functions once more, over the same store, on the threads that are measured.
async fn serve(server: &Handle, app: &TestApp) -> String {
    let runner = &app.runner;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let config = Config { base_url: base_url.clone(), ..runner.state.config.clone() };
    let state = app.another_process(config, runner.aws.sdk_config(), Random::seeded(8));
    let functions = shared::http::app(function_routes(), state);
    server.spawn(async move {
        axum::serve(listener, functions.into_make_service_with_connect_info::<SocketAddr>()).await
    });
    base_url
}

/// More devices like the first, straight into the table.
async fn copies(app: &TestApp, tenant: &Tenant, numbers: std::ops::Range<usize>) {
    let client = Client::new(&app.runner.aws.sdk_config());
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
