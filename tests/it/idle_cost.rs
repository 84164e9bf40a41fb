//! What a device's message costs: DynamoDB's calls, counted on the wire.

pub(crate) mod proxy;

use std::time::Duration;

use plist::{Dictionary, Value};
use pomarium_local::device::{SimDevice, Url};
use pomarium_tests::{Tenant, TestApp};
use reqwest::Method;
use shared::protocol::report::Status;

use crate::devices::{enrolled, enrollment, pass_seconds, queue};
use proxy::Proxy;

struct World {
    app: TestApp,
    tenant: Tenant,
    device: SimDevice,
    proxy: Proxy,
    address: String,
}

impl World {
    /// An enrolled device, and a warm server: it knows the tenant's authorities.
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.ready_tenant("Green School").await;
        let device = enrolled(&app, &tenant, "D-1").await;
        let (proxy, address) = Proxy::start(&app).await;
        let world = Self { app, tenant, device, proxy, address };
        world.cost(&world.idle()).await;
        world.cost(&world.report(Status::Acknowledged, "of nobody")).await;
        world
    }

    /// The calls that a message of the device's costs the counted server.
    async fn cost(&self, message: &Dictionary) -> Vec<String> {
        self.cost_for(&self.device, message).await
    }

    async fn cost_for(&self, device: &SimDevice, message: &Dictionary) -> Vec<String> {
        let url =
            device.url(Url::Server).expect("a profile").replace(self.app.runner.base_url(), &self.address);
        self.proxy.take();
        let answer = device.send_as(Method::PUT, &url, None, message).await.expect("an answer");
        assert_eq!(answer.status, 200);
        self.proxy.take()
    }

    async fn queue(&self) -> String {
        let uuid = queue(&self.tenant, "D-1", "RestartDevice").await;
        pass_seconds(&self.app, 1);
        uuid
    }

    fn idle(&self) -> Dictionary {
        self.device.poll_message(Status::Idle, None, Dictionary::new())
    }

    fn report(&self, status: Status, uuid: &str) -> Dictionary {
        self.device.poll_message(status, Some(uuid), Dictionary::new())
    }

    fn token_update(&self, unlock_token: &[u8]) -> Dictionary {
        let keys = [
            ("Topic", self.device.profile().expect("installed").topic.as_str().into()),
            ("Token", Value::Data(self.device.push_token().to_vec())),
            ("PushMagic", self.device.push_magic().into()),
            ("UnlockToken", Value::Data(unlock_token.to_vec())),
        ];
        let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        self.device.checkin("TokenUpdate", keys)
    }
}

#[tokio::test]
async fn an_idle_poll_with_nothing_waiting_is_one_call() {
    let world = World::new().await;
    assert_eq!(world.cost(&world.idle()).await, ["UpdateItem"]);
    let user = world.device.user("U-1", "jo");
    user.token_update(None).await.expect("the user's channel begins");
    let idle = user.poll_message(Status::Idle, None, Dictionary::new());
    assert_eq!(
        world.cost_for(&user, &idle).await,
        ["GetItem", "UpdateItem"],
        "users sign with the device's identity"
    );
}

#[tokio::test]
async fn a_cold_server_reads_the_authorities_once() {
    let world = World::new().await;
    pass_seconds(&world.app, 60);
    assert_eq!(world.cost(&world.idle()).await, ["Query", "UpdateItem"]);
    assert_eq!(world.cost(&world.idle()).await, ["UpdateItem"]);
}

#[tokio::test]
async fn enrolling_is_three_calls() {
    let world = World::new().await;
    let topic = world.device.profile().expect("installed").topic.clone();
    let keys = Dictionary::from_iter([("Topic".to_owned(), Value::from(topic))]);
    let authenticate = world.device.checkin("Authenticate", keys);
    assert_eq!(world.cost(&authenticate).await, ["Query", "TransactWriteItems"]);
    // The first one is written into the log, with which it needs a transaction.
    assert_eq!(world.cost(&world.token_update(b"unlock")).await, ["TransactWriteItems"]);
    // So soon after, the next one is taken for the first at first.
    assert_eq!(world.cost(&world.token_update(b"another")).await, ["TransactWriteItems", "UpdateItem"]);
    pass_seconds(&world.app, 20 * 60);
    assert_eq!(world.cost(&world.token_update(b"the third")).await, ["Query", "UpdateItem"], "a cold server");
    assert_eq!(world.cost(&world.token_update(b"the fourth")).await, ["UpdateItem"]);
    // Whoever enrolls with an identity that is older is found out by the refusal.
    world.cost(&authenticate).await;
    assert_eq!(world.cost(&world.token_update(b"unlock")).await, ["UpdateItem", "TransactWriteItems"]);
}

#[tokio::test]
async fn a_command_is_two_calls_to_fetch_and_two_to_answer() {
    let world = World::new().await;
    let uuid = world.queue().await;
    assert_eq!(world.cost(&world.idle()).await, ["UpdateItem", "Query"]);
    assert_eq!(world.cost(&world.report(Status::NotNow, &uuid)).await, ["UpdateItem", "UpdateItem"]);
    assert_eq!(
        world.cost(&world.report(Status::Acknowledged, &uuid)).await,
        ["UpdateItem", "TransactWriteItems"]
    );
    assert_eq!(enrollment(&world.tenant, "D-1").await["waiting_commands"], 0);
}

#[tokio::test]
async fn an_answer_that_fetches_the_next_command_does_both_at_once() {
    let world = World::new().await;
    let (first, _second) = (world.queue().await, world.queue().await);
    world.proxy.expect_together(2, &["Query", "TransactWriteItems"]);
    let report = world.report(Status::Acknowledged, &first);
    let cost = tokio::time::timeout(Duration::from_secs(10), world.cost(&report)).await;
    let mut cost = cost.expect("the write and the query are under way together");
    cost.sort();
    assert_eq!(cost, ["Query", "TransactWriteItems", "UpdateItem"]);
}

#[tokio::test]
async fn a_cold_server_reads_for_how_long_an_answer_is_kept_while_it_notes_that_the_device_was_heard() {
    let world = World::new().await;
    let uuid = world.queue().await;
    pass_seconds(&world.app, 300);
    world.cost(&world.idle()).await;
    world.proxy.expect_together(2, &["GetItem", "UpdateItem"]);
    let report = world.report(Status::Acknowledged, &uuid);
    let cost = tokio::time::timeout(Duration::from_secs(10), world.cost(&report)).await;
    let mut cost = cost.expect("the read and the update are under way together");
    cost[..2].sort();
    assert_eq!(cost, ["GetItem", "UpdateItem", "TransactWriteItems"]);
}
