//! One machine: the local server in a process of its own, its data durable on the disk, and `wrk` that speaks for 500 devices.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use openssl::pkey::{PKey, Private};
use plist::{Dictionary, Value as Plist};
use pomarium_local::aws::Storage;
use pomarium_local::device::{
    Ask, DeviceError, Digest, ScepClient, SimDevice, Url, distinguished_name, sign,
};
use pomarium_local::runner::{Options, Runner};
use pomarium_tests::{Api, Tenant};
use reqwest::Method;
use serde_json::{Value, json};
use shared::pki::scep::MessageType;
use shared::pki::{Credential, key};
use shared::port::random::Random;
use shared::protocol::body;
use shared::protocol::report::Status;
use shared::time::Clock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::processor::{megabytes, spent_by};
use crate::table::{Table, Target};

/// Names the directory of the data in the environment of the server's process.
pub(crate) const SERVE: &str = "POMARIUM_BENCH_SERVE";
const DEVICES: usize = 500;
/// So many devices share one call that queues a command.
const TARGETS: usize = 100;

const SCRIPT: &str = r#"
local requests = dofile(os.getenv("POMARIUM_BENCH_REQUESTS"))
local number = 0
function init(args)
  for place, one in ipairs(requests) do
    requests[place] = wrk.format("PUT", one[1], { ["Mdm-Signature"] = one[2], ["Content-Type"] = one[3] }, one[4])
  end
end
function request()
  number = number % #requests + 1
  return requests[number]
end
function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("result %d %d %d %d %d", summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(99)))
end
"#;

/// Is the server until standard input ends.
pub(crate) fn serve(directory: &str) {
    Runtime::new().unwrap().block_on(async {
        let options = Options {
            storage: Storage::Directory(directory.into()),
            listen: ([127, 0, 0, 1], 0).into(),
            clock: Clock::system(),
            random: Random::system(),
            by_itself: false,
        };
        let runner = Runner::start(options).await.unwrap();
        println!("{} {}", runner.base_url(), runner.operator_token.expose());
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        ended.await.unwrap().unwrap();
        runner.stop().await;
    });
}

/// The server's process.
struct Server {
    process: Child,
    base: String,
    token: String,
    directory: TempDir,
}

/// What `wrk` and the kernel said of one measurement.
struct Load {
    rate: f64,
    median_ms: f64,
    slowest_ms: f64,
    seconds_per_1000: f64,
    requests: usize,
}

/// Measures all.
pub(crate) fn measure(table: &mut Table, quick: bool) {
    if Command::new("wrk").arg("-v").output().is_err() {
        println!("    wrk is not installed");
        return;
    }
    let runtime = Runtime::new().unwrap();
    let server = Server::start();
    let fleet = runtime.block_on(Fleet::enroll(&server));
    let seconds = if quick { 4 } else { 8 };
    let runs = if quick { 1 } else { 3 };
    let polls =
        fleet.requests(|device| (device.poll_message(Status::Idle, None, Dictionary::new()), Url::Server));
    let updates = fleet.requests(|device| (token_update(device), Url::CheckIn));
    for connections in [1, 16, 64] {
        let idle = server.best(&polls, connections, seconds, runs);
        if connections == 16 {
            let name = "Idle at 16 connections";
            table.key("idle_c16_rps", (name, "/s"), Some(idle.rate), runs, Target::AtLeast(3_600.0));
            let name = "Idle at 16 connections, processor a 1,000";
            let spent = Some(idle.seconds_per_1000);
            table.key("idle_c16_cpu_s_per_1000", (name, "s"), spent, runs, Target::None);
        }
        idle.show(table, &format!("Idle at {connections}"));
    }
    for connections in [1, 16, 64] {
        let update = server.best(&updates, connections, seconds, runs);
        update.show(table, &format!("TokenUpdate at {connections}"));
    }
    for connections in [1, 16, 64] {
        let cycle = runtime.block_on(fleet.cycle(if quick { 8 } else { 16 }));
        let load = server.load(&cycle, connections, seconds / 2);
        // Each command is polled for and answered.
        assert!(load.requests <= cycle.lines, "there were commands for all of it: {}", load.requests);
        load.show(table, &format!("command cycle at {connections}, requests"));
    }
    let resident = megabytes(server.process.id(), "VmRSS");
    table.row("the server, resident after that", "MB", resident, Target::None);
}

impl Load {
    fn show(&self, table: &mut Table, name: &str) {
        table.row(name, "/s", Some(self.rate), Target::None);
        table.row(&format!("{name}, median"), "ms", Some(self.median_ms), Target::None);
        table.row(&format!("{name}, 99 of 100 within"), "ms", Some(self.slowest_ms), Target::None);
        table.row(&format!("{name}, processor a 1,000"), "s", Some(self.seconds_per_1000), Target::None);
    }
}

/// Requests, as `wrk` reads them.
struct Requests {
    text: String,
    lines: usize,
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir_in(crate::target()).unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(SERVE, directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (base, token) = line.trim().split_once(' ').expect("it starts");
        let (base, token) = (base.to_owned(), token.to_owned());
        Self { process, base, token, directory }
    }

    /// The best of some runs: the others were disturbed.
    fn best(&self, requests: &Requests, connections: usize, seconds: u64, runs: u64) -> Load {
        let loads = (0..runs).map(|_| self.load(requests, connections, seconds));
        loads.max_by(|one, other| one.rate.total_cmp(&other.rate)).unwrap()
    }

    fn load(&self, requests: &Requests, connections: usize, seconds: u64) -> Load {
        let file = |name: &str, text: &str| {
            let path = self.directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (script, list) = (file("wrk.lua", SCRIPT), file("requests.lua", &requests.text));
        let before = spent_by(self.process.id()).unwrap();
        let said = Command::new("wrk")
            .args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--timeout", "10s", "-s"])
            .args([&script])
            .arg(&self.base)
            .env("POMARIUM_BENCH_REQUESTS", &list)
            .output()
            .unwrap();
        let spent = spent_by(self.process.id()).unwrap() - before;
        let said = String::from_utf8(said.stdout).unwrap();
        let numbers = said.lines().find_map(|line| line.strip_prefix("result ")).expect("wrk tells");
        let numbers: Vec<f64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
        let [count, micros, failed, median, slowest] = numbers[..] else { panic!("{said}") };
        assert_eq!(failed, 0.0, "every request is answered with 200: {said}");
        Load {
            rate: count / micros * 1e6,
            median_ms: median / 1e3,
            slowest_ms: slowest / 1e3,
            seconds_per_1000: spent / count * 1e3,
            requests: count as usize,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It ends by itself.
        let _ = self.process.wait();
    }
}

struct Fleet {
    tenant: Tenant,
    devices: Vec<SimDevice>,
    base: String,
}

impl Fleet {
    async fn enroll(server: &Server) -> Self {
        let operator = Api::new(&server.base, Some(&server.token));
        let school = json!({"name": "Green School", "contacts": ["it@green-school.example"]});
        let created = operator.post("/v1/tenants", school).await.expect(201).json;
        let text = |pointer: &str| created.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let tenant = Tenant::new(text("/tenant/id"), Api::new(&server.base, Some(&text("/token"))));
        tenant.request().await;
        let file = tenant.request_file().await.into_bytes();
        let issued = operator.call(Method::POST, "/_local/portal/certificates", file).await;
        tenant.stage(&issued.text()).await;
        tenant.activate(json!({})).await;
        tenant.create_authority().await;
        // To make a key takes longer than all the rest, and this is not about keys.
        let own = key::generate().unwrap();
        let enrolled = stream::iter(0..DEVICES).map(|number| enroll(&tenant, number, own.clone()));
        let devices = enrolled.buffered(4).try_collect().await.unwrap();
        // An identity that is young is taken for one that enrolls.
        operator.post("/_local/clock", json!({"advance": "1h"})).await.expect(200);
        println!("    {DEVICES} devices are enrolled");
        Self { tenant, devices, base: server.base.clone() }
    }

    fn requests(&self, message: impl Fn(&SimDevice) -> (Dictionary, Url)) -> Requests {
        let mut all = Requests { text: "return {\n".to_owned(), lines: 0 };
        for device in &self.devices {
            let (message, url) = message(device);
            self.write(&mut all, device, message, url);
        }
        all.text.push_str("}\n");
        all
    }

    fn write(&self, all: &mut Requests, device: &SimDevice, message: Dictionary, url: Url) {
        let path = device.url(url).unwrap().replace(&self.base, "");
        let text = String::from_utf8(body::to_xml(&message.into()).unwrap()).unwrap();
        let signature = sign(text.as_bytes(), device.identity().unwrap(), Digest::Sha256).unwrap();
        let kind = match url {
            Url::Server => "application/x-apple-aspen-mdm",
            Url::CheckIn => "application/x-apple-aspen-mdm-checkin",
        };
        // Lua skips a line end at the beginning.
        writeln!(all.text, "{{ '{path}', '{signature}', '{kind}', [==[\n{text}]==] }},").unwrap();
        all.lines += 1;
    }

    /// Queues `rounds` commands for each device, and says how they are fetched and answered.
    async fn cycle(&self, rounds: usize) -> Requests {
        let random = Random::system();
        let ids: Vec<String> = self.devices.iter().map(SimDevice::id).collect();
        let mut all = Requests { text: "return {\n".to_owned(), lines: 0 };
        for _ in 0..rounds {
            let mut uuids = Vec::new();
            for some in ids.chunks(TARGETS) {
                let uuid = random.uuid_string();
                let order = json!({"targets": some, "command": {"RequestType": "RestartDevice"}, "command_uuid": uuid});
                self.tenant.post("commands", order).await.expect(201);
                uuids.extend(some.iter().map(|_| uuid.clone()));
            }
            for device in &self.devices {
                let poll = device.poll_message(Status::Idle, None, Dictionary::new());
                self.write(&mut all, device, poll, Url::Server);
            }
            for (device, uuid) in self.devices.iter().zip(&uuids) {
                let report = device.poll_message(Status::Acknowledged, Some(uuid), Dictionary::new());
                self.write(&mut all, device, report, Url::Server);
            }
        }
        all.text.push_str("}\n");
        all
    }
}

async fn enroll(tenant: &Tenant, number: usize, own: PKey<Private>) -> Result<SimDevice, DeviceError> {
    let mut device = SimDevice::new(&format!("D-{number}"), &format!("S{number}"), &format!("iPad {number}"));
    device.open_link(&tenant.enrollment_link().await).await?;
    let payload = device.profile()?.scep()?;
    let ask = Ask {
        message_type: MessageType::PkcsReq,
        subject: &*distinguished_name(&payload.subject)?,
        key: &own,
        challenge: Some(&payload.challenge),
        signer: None,
    };
    let certificate = ScepClient::of(payload).request(&ask).await?;
    device.set_identity(Credential { certificate, key: own });
    device.authenticate().await?;
    let unlock_token = device.unlock_token().to_vec();
    device.token_update(Some(&unlock_token)).await?;
    Ok(device)
}

fn token_update(device: &SimDevice) -> Dictionary {
    let keys = [
        ("Topic", device.profile().unwrap().topic.as_str().into()),
        ("Token", Plist::Data(device.push_token().to_vec())),
        ("PushMagic", device.push_magic().into()),
    ];
    let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    device.checkin("TokenUpdate", keys)
}
