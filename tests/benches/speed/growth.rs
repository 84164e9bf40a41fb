//! How the work grows with devices and with tenants: AWS's calls, and the processor time of all of this process, in which the
//! store runs too. The exponent is 1 where twice as many cost twice as much, and 0 where they cost the same.

use std::collections::HashMap;
use std::ops::Range;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use http::Request;
use pomarium_local::device::SimDevice;
use pomarium_local::runner::{QueueFunction, deliver_all, functions, run};
use pomarium_tests::{Tenant, TestApp};
use serde_json::json;
use shared::id::TenantId;
use shared::state::AppState;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::canned::Canned;
use crate::handlers::beside;
use crate::processor::spent;
use crate::table::{Table, Target};

/// A little more than in proportion: what sorts and searches is allowed its logarithm.
const LIMIT: f64 = 1.05;
/// A flat cost may tremble.
const FLAT: f64 = 0.1;
/// A page is asked for so often.
const PAGES: usize = 20;

type Item = HashMap<String, AttributeValue>;

struct World {
    app: TestApp,
    canned: Canned,
    state: AppState,
    client: Client,
}

/// A size, and what it cost there: calls, and milliseconds of processor time.
type Cost = (usize, f64, f64);

/// Measures all of it.
pub(crate) fn measure(table: &mut Table, quick: bool) {
    let devices = if quick { [300, 1_000, 3_000] } else { [1_000, 10_000, 100_000] };
    let tenants = if quick { [30, 100, 300] } else { [100, 1_000, 10_000] };
    let mut all = Vec::new();
    Runtime::new().unwrap().block_on(async {
        all.extend(with_devices(&devices).await);
        all.extend(with_tenants(&tenants).await);
    });
    let mut most = f64::MIN;
    for (name, costs, limit) in &all {
        for (size, calls, spent) in costs {
            println!("    {name}, {size}: {calls:.0} calls, {spent:.0} ms");
        }
        let [calls, spent] = [exponent(costs, |cost| cost.1), exponent(costs, |cost| cost.2)];
        table.row(&format!("{name}: exponent of the calls"), "", Some(calls), Target::AtMost(*limit));
        table.row(&format!("{name}: exponent of the processor time"), "", Some(spent), Target::AtMost(LIMIT));
        most = most.max(calls).max(spent);
    }
    table.key("growth_exponent_max", ("the largest exponent", ""), Some(most), 1, Target::AtMost(LIMIT));
}

/// The slope of the line through the logarithms.
fn exponent(costs: &[Cost], cost: impl Fn(&Cost) -> f64) -> f64 {
    // Nothing has no logarithm.
    let points: Vec<(f64, f64)> =
        costs.iter().map(|one| ((one.0 as f64).ln(), cost(one).max(1.0).ln())).collect();
    let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / points.len() as f64;
    let (across, up) = (mean(|point| point.0), mean(|point| point.1));
    let together: f64 = points.iter().map(|point| (point.0 - across) * (point.1 - up)).sum();
    together / points.iter().map(|point| (point.0 - across).powi(2)).sum::<f64>()
}

/// What was measured, and how much the calls may grow.
type Measured = (&'static str, Vec<Cost>, f64);

async fn with_devices(sizes: &[usize]) -> [Measured; 3] {
    let world = World::new().await;
    let tenant = world.school().await;
    let (mut sweeps, mut lists, mut commands, mut known) = (Vec::new(), Vec::new(), Vec::new(), 1);
    for size in sizes {
        world.devices(&tenant, known..*size).await;
        known = *size;
        sweeps.push(world.cost(*size, world.sweep()).await);
        lists.push(world.cost(*size, world.list(&tenant)).await);
    }
    // A hundred thousand transactions would take longer than all the rest.
    for size in sizes.iter().take(2) {
        let world = World::new().await;
        let tenant = world.school().await;
        world.devices(&tenant, 1..*size).await;
        commands.push(world.cost(*size, world.command(&tenant)).await);
    }
    [
        ("sweep over devices", sweeps, LIMIT),
        ("a page of the list of devices", lists, FLAT),
        ("a command to all devices", commands, LIMIT),
    ]
}

async fn with_tenants(sizes: &[usize]) -> [Measured; 3] {
    let world = World::new().await;
    let model = world.app.tenant("Green School").await;
    let (mut sweeps, mut nothing, mut mails, mut known) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for size in sizes {
        world.tenants(&model, known..*size, 180).await;
        known = *size;
        sweeps.push(world.cost(*size, world.sweep()).await);
        nothing.push(world.cost(*size, world.notify()).await);
    }
    for size in sizes.iter().take(2) {
        let world = World::new().await;
        let model = world.app.tenant("Green School").await;
        world.tenants(&model, 0..*size, 10).await;
        mails.push(world.cost(*size, world.notify()).await);
        // The first one has such a token, too.
        assert_eq!(world.app.runner.aws.mailbox().list().unwrap().len(), *size + 1, "each was told");
    }
    [
        ("sweep over tenants", sweeps, LIMIT),
        ("notifier, nothing to tell", nothing, FLAT),
        ("notifier, a mail to each tenant", mails, LIMIT),
    ]
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let (canned, _, state) = beside(&app);
        let client = Client::new(&app.runner.aws.sdk_config());
        Self { app, canned, state, client }
    }

    /// A tenant with one device.
    async fn school(&self) -> Tenant {
        let tenant = self.app.ready_tenant("Green School").await;
        let mut first = SimDevice::new("D-0", "S0", "iPad 0");
        first.enroll(&tenant.enrollment_link().await, &self.app.runner.apns).await.unwrap();
        tenant
    }

    async fn cost(&self, size: usize, work: impl Future<Output = ()>) -> Cost {
        self.canned.count();
        let before = spent();
        work.await;
        (size, self.canned.count() as f64, (spent() - before) / 1e6)
    }

    async fn sweep(&self) {
        run(self.state.clone(), "inactivity-sweeper").await.unwrap();
        self.deliver(QueueFunction::InactivitySweeper).await;
    }

    async fn notify(&self) {
        run(self.state.clone(), "expiry-notifier").await.unwrap();
    }

    async fn list(&self, tenant: &Tenant) {
        let (_, routes) = functions().into_iter().find(|(name, _)| *name == "admin").unwrap();
        let router = shared::http::app(routes, self.state.clone());
        for _ in 0..PAGES {
            let request = Request::get(tenant.path("enrollments"))
                .header("authorization", format!("Bearer {}", tenant.token()))
                .body(axum::body::Body::empty());
            let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(answer.status(), 200);
        }
    }

    async fn command(&self, tenant: &Tenant) {
        let order = json!({"targets": {"all": true}, "command": {"RequestType": "RestartDevice"}});
        tenant.post("commands", order).await.expect(202);
        self.deliver(QueueFunction::CommandJobs).await;
    }

    async fn deliver(&self, function: QueueFunction) {
        deliver_all(function, &self.state, self.app.runner.aws.queues()).await.unwrap();
    }

    /// More devices like the first.
    async fn devices(&self, tenant: &Tenant, numbers: Range<usize>) {
        let table = &self.state.config.table_core;
        let key = |device: &str| AttributeValue::S(format!("TENANT#{}#DEVICE#{device}", tenant.id));
        let first = self.item(table, key("D-0"), "CHANNEL#device").await;
        let items = numbers.map(|number| {
            let name = format!("D-{number}");
            let mut item = first.clone();
            item.insert("pk".to_owned(), key(&name));
            for attribute in ["id", "listed"] {
                let text = item[attribute].as_s().unwrap().replace("D-0", &name);
                item.insert(attribute.to_owned(), AttributeValue::S(text));
            }
            item
        });
        self.put(table, items).await;
    }

    /// More tenants like the first, each with a token that ends in so many days.
    async fn tenants(&self, model: &Tenant, numbers: Range<usize>, days: i64) {
        let (core, pki) = (&self.state.config.table_core, &self.state.config.table_pki);
        let wanted = json!({"name": "help desk", "role": "viewer", "valid_days": days});
        let made = model.post("tokens", wanted).await.expect(201).json;
        let token = format!("TOKEN#{}", made["id"].as_str().expect("its identifier"));
        let owner = AttributeValue::S(format!("TENANT#{}", model.id));
        let end = AttributeValue::S(format!("TENANT#{}#{token}", model.id));
        for (table, first) in [
            (core, self.item(core, owner.clone(), "TENANT").await),
            (core, self.item(core, owner, &token).await),
            (pki, self.item(pki, end, "EXPIRY").await),
        ] {
            let items = numbers.clone().map(|number| {
                let renamed = |value: &AttributeValue| match value.as_s() {
                    Ok(text) => AttributeValue::S(text.replace(&model.id, &tenant_id(number))),
                    Err(other) => other.clone(),
                };
                first.iter().map(|(name, value)| (name.clone(), renamed(value))).collect()
            });
            self.put(table, items).await;
        }
    }

    async fn item(&self, table: &str, pk: AttributeValue, sk: &str) -> Item {
        let key = AttributeValue::S(sk.to_owned());
        let found = self.client.get_item().table_name(table).key("pk", pk).key("sk", key).send().await;
        found.unwrap().item.expect("it is there")
    }

    async fn put(&self, table: &str, items: impl Iterator<Item = Item>) {
        let puts = items.map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let puts: Vec<WriteRequest> = puts.collect();
        for batch in puts.chunks(25) {
            self.client.batch_write_item().request_items(table, batch.to_vec()).send().await.unwrap();
        }
    }
}

fn tenant_id(number: usize) -> String {
    let bytes: [u8; 10] = (number as u128).to_be_bytes()[6..].try_into().unwrap();
    TenantId::from(bytes).to_string()
}
