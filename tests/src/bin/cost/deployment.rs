//! Every function in a process of its own, as on Lambda, each with a metered connection.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use pomarium_local::runner::{QUEUES, QueueFunction, SCHEDULED, begin_seals, deliver_all, functions, run};
use pomarium_tests::TestApp;
use serde_yaml_ng::Value;
use shared::port::random::Random;
use shared::state::AppState;
use tokio::net::TcpListener;

use crate::meter::Meter;
use crate::used::{Assumed, Used};

/// One function's process.
struct Process {
    state: AppState,
    meter: Meter,
    /// Of memory.
    gigabytes: f64,
}

/// All of them, and where those that answer HTTP listen.
pub(crate) struct Deployment {
    pub(crate) app: TestApp,
    pub(crate) address: String,
    processes: BTreeMap<&'static str, Process>,
}

impl Deployment {
    pub(crate) async fn start(template: &Value) -> Self {
        let app = TestApp::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let mut config = app.runner.state.config.clone();
        config.base_url.clone_from(&address);
        let queued = QUEUES.map(folder);
        let names = functions().into_iter().map(|(name, _)| name).chain(queued).chain(SCHEDULED);
        let mut processes = BTreeMap::new();
        for (number, name) in (1..).zip(names) {
            let (meter, aws) = Meter::over(&app.runner.aws.sdk_config());
            let state = app.another_process(config.clone(), aws, Random::seeded(number));
            processes.insert(name, Process { state, meter, gigabytes: gigabytes(template, name) });
        }
        let router = functions().into_iter().fold(Router::new(), |all, (name, routes)| {
            let Process { state, meter, .. } = &processes[name];
            let meter = meter.clone();
            let counted = from_fn(move |request: Request, next: Next| {
                meter.add(|used| {
                    used.requests += 1.0;
                    used.invocations += 1.0;
                });
                next.run(request)
            });
            // All routes are known here; one answer to others is enough, and two cannot be merged.
            all.merge(shared::http::app(routes, state.clone()).layer(counted).reset_fallback())
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { app, address, processes }
    }

    /// Delivers what waits in the queues, until nothing does.
    pub(crate) async fn deliver(&self) {
        self.app.runner.aws.queues().look_again();
        loop {
            let mut delivered = 0;
            for function in QUEUES {
                let process = &self.processes[folder(function)];
                let done = deliver_all(function, &process.state, self.app.runner.aws.queues()).await;
                let done = done.expect("the messages are delivered");
                // Each message by itself, as it is where few come.
                process
                    .meter
                    .add(|used| used.invocations += f64::from(u32::try_from(done).unwrap_or(u32::MAX)));
                delivered += done;
            }
            if delivered == 0 {
                return;
            }
        }
    }

    /// Starts a scheduled function, as its schedule does.
    pub(crate) async fn run(&self, function: &'static str) {
        let process = &self.processes[function];
        process.meter.add(|used| used.invocations += 1.0);
        run(process.state.clone(), function).await.expect("it runs");
    }

    /// Starts the hourly seals.
    pub(crate) async fn seal(&self) {
        let process = &self.processes["events"];
        process.meter.add(|used| used.invocations += 1.0);
        begin_seals(process.state.clone()).await.expect("they begin");
    }

    /// What was used since the last look, by all functions.
    pub(crate) fn take(&self, assumed: &Assumed) -> Used {
        self.processes.values().fold(Used::default(), |all, process| {
            let mut used = process.meter.take();
            let ms = used.invocations * assumed.own_ms + used.calls * assumed.call_ms;
            used.gb_ms = ms * process.gigabytes;
            all + used
        })
    }
}

/// The folder of a function that takes its work from a queue.
fn folder(function: QueueFunction) -> &'static str {
    match function {
        QueueFunction::Push => "push",
        QueueFunction::CommandJobs => "command-jobs",
        QueueFunction::InactivitySweeper => "inactivity-sweeper",
        QueueFunction::Events => "events",
    }
}

/// The memory that the template gives to a function.
fn gigabytes(template: &Value, function: &str) -> f64 {
    let resources = template["Resources"].as_mapping().expect("it has resources");
    let wanted = format!("pomarium-${{Stage}}-{function}");
    let found = resources.values().find(|resource| {
        let name = &resource["Properties"]["FunctionName"];
        matches!(name, Value::Tagged(name) if name.value.as_str() == Some(&wanted))
    });
    let found = found.unwrap_or_else(|| panic!("template.yaml has {function}"));
    found["Properties"]["MemorySize"].as_f64().expect("it says how much memory") / 1024.0
}
