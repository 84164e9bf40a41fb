//! The whole server in one process: real routers over real AWS clients, real HTTP, real TLS to the push simulator.

use std::net::SocketAddr;

use aws_config::SdkConfig;
use pomarium_local::apns::HOST;
use pomarium_local::aws::Storage;
use pomarium_local::runner::{Options, QueueFunction, Runner, begin_seals, deliver_all, run};
use serde_json::json;
use shared::config::Config;
use shared::port::apns::ApnsEndpoint;
use shared::port::random::Random;
use shared::state::{AppState, State, Surroundings};
use shared::time::{Clock, SignedDuration, Timestamp};

use crate::actors::{Api, Tenant};
use crate::logs;

/// A server of its own for one test, with a clock that stands still and chance that repeats itself.
pub struct TestApp {
    /// The server and all it talks to.
    pub runner: Runner,
    /// The server's clock.
    pub clock: Clock,
}

/// Whatever a test is about: nothing secret stands in its log.
impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            logs::search(&self.runner);
        }
    }
}

impl TestApp {
    /// Starts a server on a free port, with everything in memory. Nothing happens by itself: hints are delivered by
    /// [`TestApp::deliver_hints`].
    pub async fn start() -> Self {
        Self::with(false).await
    }

    /// The same, but hints are delivered and schedules run by themselves, as with `make run`.
    pub async fn start_by_itself() -> Self {
        Self::with(true).await
    }

    async fn with(by_itself: bool) -> Self {
        logs::begin();
        let clock = Clock::fixed(start());
        let options = Options {
            storage: Storage::Memory,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: clock.clone(),
            random: Random::seeded(logs::SEED),
            by_itself,
        };
        let runner = Runner::start(options).await.expect("the server starts");
        Self { runner, clock }
    }

    /// Whoever runs the server.
    pub fn operator(&self) -> Api {
        self.api(self.runner.operator_token.expose())
    }

    /// What another process of the same deployment holds, whose caches are empty and whose AWS is this.
    pub fn another_process(&self, config: Config, aws: SdkConfig, random: Random) -> AppState {
        let apns = &self.runner.apns;
        let surroundings = Surroundings {
            aws,
            apns: ApnsEndpoint {
                host: HOST.to_owned(),
                port: apns.address().port(),
                address: Some(apns.address()),
                roots: vec![apns.root().clone()],
            },
            push_issuers: self.runner.portal.issuer_roots().into(),
            device_makers: self.runner.factory.authority().clone().into(),
            clock: self.clock.clone(),
            random,
        };
        State::new(config, surroundings)
    }

    /// Someone with this token.
    pub fn api(&self, token: &str) -> Api {
        Api::new(self.runner.base_url(), Some(token))
    }

    /// Someone without a token.
    pub fn stranger(&self) -> Api {
        Api::new(self.runner.base_url(), None)
    }

    /// A new customer.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let contact = format!("it@{}.example", name.to_lowercase().replace(' ', "-"));
        let created = self.operator().post("/v1/tenants", json!({"name": name, "contacts": [contact]})).await;
        assert_eq!(created.status, 201, "{}", created.text());
        let text = |pointer: &str| {
            created.json.pointer(pointer).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
        };
        Tenant::new(text("/tenant/id"), self.api(&text("/token")))
    }

    /// A new customer whose devices can enroll: with an active push certificate and an identity authority.
    pub async fn ready_tenant(&self, name: &str) -> Tenant {
        let tenant = self.tenant(name).await;
        tenant.request().await;
        let issued = self
            .runner
            .portal
            .issue(&tenant.request_file().await)
            .map_err(|_| ())
            .expect("the portal issues");
        tenant.stage(&issued.pem).await;
        tenant.activate(json!({})).await;
        tenant.create_authority().await;
        tenant
    }

    /// Delivers every hint that is due, as SQS and Lambda would, and returns how many were dealt with.
    pub async fn deliver_hints(&self) -> usize {
        self.deliver(QueueFunction::Push).await
    }

    /// Begins a sweep, does all its pages, and lets the hints that it gave come: up to a quarter of an hour passes.
    /// Returns how many pages there were.
    pub async fn sweep(&self) -> usize {
        let pages = self.begin_sweep().await;
        self.clock.set(self.clock.now() + SignedDuration::from_mins(15));
        self.runner.aws.queues().look_again();
        self.deliver_hints().await;
        pages
    }

    /// Begins a sweep and does all its pages, but no hint comes yet. Returns how many pages there were.
    pub async fn begin_sweep(&self) -> usize {
        run(self.runner.state.clone(), "inactivity-sweeper").await.expect("the sweep begins");
        self.deliver_pages().await
    }

    /// Does every page of every job that is due, and returns how many were done.
    pub async fn deliver_jobs(&self) -> usize {
        self.deliver(QueueFunction::CommandJobs).await
    }

    /// Does every page of a sweep that is due, and returns how many were done.
    pub async fn deliver_pages(&self) -> usize {
        self.deliver(QueueFunction::InactivitySweeper).await
    }

    /// Gives every webhook its turn.
    pub async fn deliver_events(&self) {
        run(self.runner.state.clone(), "events").await.expect("the turns begin");
        self.deliver(QueueFunction::Events).await;
    }

    /// Seals every tenant's logs.
    pub async fn seal(&self) {
        begin_seals(self.runner.state.clone()).await.expect("the seals begin");
        self.deliver(QueueFunction::Events).await;
    }

    /// Delivers every message of a queue that is due.
    async fn deliver(&self, function: QueueFunction) -> usize {
        let (state, queues) = (&self.runner.state, self.runner.aws.queues());
        deliver_all(function, state, queues).await.expect("the messages are delivered")
    }

    /// Lets `days` days pass.
    pub fn pass_days(&self, days: i64) {
        self.clock.set(self.clock.now() + SignedDuration::from_hours(24 * days));
        self.runner.aws.queues().look_again();
    }
}

/// A Saturday morning, the day after the recorded exchanges in `tests/fixtures/captures`.
pub fn start() -> Timestamp {
    "2026-11-21T09:00:00Z".parse().expect("a timestamp")
}
