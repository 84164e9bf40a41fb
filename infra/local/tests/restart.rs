//! The real process: killed in the middle of its work, started again, and told to stop.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

#[path = "restart/ends.rs"]
mod ends;
#[path = "restart/load.rs"]
mod load;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

/// How long to wait for what happens by itself.
const PATIENCE: Duration = Duration::from_secs(20);

struct Process {
    child: Child,
    base: String,
    operator: String,
}

impl Process {
    /// Starts the program and waits until it says that it runs.
    fn start(data: &Path, listen: &str) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_pomarium-local")), data, listen)
    }

    /// The same with another way to start it.
    fn spawn(mut program: Command, data: &Path, listen: &str) -> Self {
        let program = settings(&mut program, data, listen);
        let mut child = program.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let mut value = |name: &str| {
            let line = lines.find(|line| line.trim_start().starts_with(name)).expect(name);
            line.split_whitespace().last().unwrap_or_default().to_owned()
        };
        let base = value("Start page").trim_end_matches('/').to_owned();
        let operator = value("Operator token");
        value("The data stays");
        Self { child, base, operator }
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: &Value) -> Value {
        let request =
            Client::new().request(method, format!("{}{path}", self.base)).bearer_auth(token).json(body);
        let response = request.send().await.expect("the server answers");
        let (status, text) = (response.status(), response.text().await.expect("the answer is whole"));
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        self.call(Method::POST, path, token, &body).await
    }

    async fn get(&self, path: &str, token: &str) -> Value {
        self.call(Method::GET, path, token, &Value::Null).await
    }

    /// Looks at `path` until `pointer` holds what is wanted.
    async fn wait(&self, path: &str, token: &str, pointer: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.get(path, token).await;
            if found.pointer(pointer).is_some_and(&wanted) {
                return found;
            }
            assert!(Instant::now() < deadline, "{pointer} in {found}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pomarium-local"));
    settings(&mut command, data, listen);
    command
}

fn settings<'a>(command: &'a mut Command, data: &Path, listen: &str) -> &'a mut Command {
    command.env("POMARIUM_DATA", data).env("POMARIUM_LISTEN", listen).env("LOG", "error")
}

fn text<'a>(json: &'a Value, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {json}"))
}

/// A tenant with an enrolled device: its path, its token and the device's UDID.
async fn school(server: &Process) -> (String, String, String) {
    let body = json!({ "name": "Green School", "contacts": ["it@green-school.example"] });
    let created = server.post("/v1/tenants", &server.operator, body).await;
    let (path, token) = (format!("/v1/tenants/{}", text(&created, "/tenant/id")), text(&created, "/token"));
    let subject = json!({ "common_name": "Green School", "organization": "Green School",
        "email": "it@green-school.example", "country": "DE" });
    let made =
        server.post(&format!("{path}/push-certificate/request"), token, json!({ "subject": subject })).await;
    let file = text(&made, "/file").to_owned();
    let portal = Client::new().post(format!("{}/_local/portal/certificates", server.base)).body(file);
    let pem = portal.send().await.expect("the portal answers").text().await.expect("a certificate");
    server.post(&format!("{path}/push-certificate/staged"), token, json!({ "certificate": pem })).await;
    server.post(&format!("{path}/push-certificate/activate"), token, json!({})).await;
    let subject = json!({ "common_name": "Green School MDM", "organization": "Green School" });
    server.post(&format!("{path}/identity-authority"), token, subject).await;
    let link = server.post(&format!("{path}/enrollment-links"), token, json!({})).await;
    let device = server.post("/_local/devices", "", json!({ "enroll": text(&link, "/url") })).await;
    (path, token.to_owned(), text(&device, "/udid").to_owned())
}

#[tokio::test]
async fn everything_acknowledged_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), "127.0.0.1:0");
    let (base, operator) = (server.base.clone(), server.operator.clone());
    let (path, token, udid) = school(&server).await;
    let topic = server.get(&format!("{path}/push-certificate"), &token).await["active"]["topic"].clone();
    let enrollment = format!("{path}/enrollments/{udid}");

    // An hour before the certificate begins, the push service refuses it: the hint stays in the queue.
    server.post("/_local/clock", "", json!({ "advance": "-1h" })).await;
    // The connection over which the certificate was tried at its activation is still good: it must be a new one.
    drop(server);
    let server = Process::start(directory.path(), base.trim_start_matches("http://"));
    let order = json!({ "targets": [udid], "command": { "RequestType": "SecurityInfo" } });
    let sent = server.post(&format!("{path}/commands"), &token, order).await;
    let sent = format!("{path}/commands/{}", text(&sent, "/command_uuid"));
    let tried = server.wait(&enrollment, &token, "/last_push/outcome", Value::is_string).await;
    assert_ne!(tried["last_push"]["outcome"], "accepted");
    drop(server);

    let server = Process::start(directory.path(), base.trim_start_matches("http://"));
    assert_eq!((&server.base, &server.operator), (&base, &operator));
    let offset = server.get("/_local/clock", "").await["offset_seconds"].as_i64().unwrap();
    assert_eq!(offset, -3_600, "the clock stays where it was set");
    assert_eq!(server.get(&path, &operator).await["name"], "Green School");
    assert_eq!(server.get(&format!("{path}/push-certificate"), &token).await["active"]["topic"], topic);
    assert_eq!(server.get(&sent, &token).await["targets"][0]["status"], "Pending");
    assert_eq!(server.get(&enrollment, &token).await["state"], "enrolled");
    // The queued hint is delivered once it is due, with the key that was kept: now the push service takes the
    // certificate, but it knows nothing of the device, which ended with the process.
    server.post("/_local/clock", "", json!({ "advance": "1h" })).await;
    server.wait(&enrollment, &token, "/last_push/outcome", |outcome| outcome == "BadDeviceToken").await;
}

#[tokio::test]
async fn it_stops_when_told_and_says_why_it_cannot_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), "127.0.0.1:0");
    let address = server.base.trim_start_matches("http://").to_owned();

    assert_refused(command(directory.path(), "127.0.0.1:0").output().unwrap(), "running already");
    let elsewhere = directory.path().join("elsewhere");
    assert_refused(command(&elsewhere, &address).output().unwrap(), "Another program listens");
    assert_refused(command(&elsewhere, "0.0.0.0:0").output().unwrap(), "from other machines");
    let file = directory.path().join("lock");
    assert_refused(command(&file, "127.0.0.1:0").output().unwrap(), "cannot be used");

    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(server.child.wait().unwrap().success());
    assert!(TcpListener::bind(&address).is_ok(), "the port is free again");
}

/// An order with an identifier of its own, so that it may be repeated.
fn order(udid: &str, number: usize) -> (String, Value) {
    let uuid = format!("6B2F1D0A-0000-4000-8000-{number:012}");
    let command = json!({ "RequestType": "RestartDevice" });
    (uuid.clone(), json!({ "targets": [udid], "command": command, "command_uuid": uuid }))
}

/// Sends an order and returns the status of its answer, if there is one.
async fn try_order(base: &str, path: &str, token: &str, body: &Value) -> Option<u16> {
    try_post(&format!("{base}{path}/commands"), token, body).await
}

async fn try_post(url: &str, token: &str, body: &Value) -> Option<u16> {
    let sent = Client::new().post(url).bearer_auth(token).json(body).send().await;
    sent.ok().map(|response| response.status().as_u16())
}

/// How often the audit log says that an order was sent.
async fn written(server: &Process, path: &str, token: &str, uuid: &str) -> usize {
    let page = server.get(&format!("{path}/audit?action=command-sent"), token).await;
    let entries = page["entries"].as_array().expect("entries").iter();
    entries.filter(|entry| entry["facts"].to_string().contains(uuid)).count()
}

#[tokio::test]
async fn what_was_under_way_at_a_kill_is_done_once_by_whoever_repeats_it() {
    const ORDERS: usize = 12;
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), "127.0.0.1:0");
    let address = server.base.trim_start_matches("http://").to_owned();
    let (path, token, udid) = school(&server).await;
    // It is killed after the first and the sixth answer, while the others are at work.
    for killed_after in [1, 6] {
        let first = killed_after * 100;
        let mut under_way = tokio::task::JoinSet::new();
        for number in first..first + ORDERS {
            let (uuid, body) = order(&udid, number);
            let (base, path, token) = (server.base.clone(), path.clone(), token.clone());
            under_way.spawn(async move { (uuid, try_order(&base, &path, &token, &body).await) });
        }
        let mut answered = Vec::new();
        while let Some(done) = under_way.join_next().await {
            if let (uuid, Some(201)) = done.unwrap() {
                answered.push(uuid);
            }
            if answered.len() == killed_after {
                // SIGKILL. It may have ended already.
                let _ = server.child.kill();
            }
        }
        drop(server);
        server = Process::start(directory.path(), &address);
        for uuid in &answered {
            let shown = server.get(&format!("{path}/commands/{uuid}"), &token).await;
            assert_eq!(shown["targets"].as_array().map(Vec::len), Some(1), "{uuid} was answered and is lost");
        }
        for number in first..first + ORDERS {
            let (uuid, body) = order(&udid, number);
            let again = try_order(&server.base, &path, &token, &body).await;
            assert!(again.is_some_and(|status| status < 300), "{uuid}: {again:?}");
            assert_eq!(written(&server, &path, &token, &uuid).await, 1, "{uuid}");
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), "127.0.0.1:0");
    let address = server.base.trim_start_matches("http://").to_owned();
    let (path, token, udid) = school(&server).await;
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(server.child.wait().unwrap().success());

    // No file may grow to more than a little beyond the largest; what is beyond fails as on a full disk.
    let files = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    let largest = files.filter(std::fs::Metadata::is_file).map(|file| file.len()).max().unwrap();
    let kilobytes = largest / 1_024 + 256;
    let program = env!("CARGO_BIN_EXE_pomarium-local");
    let mut limited = Command::new("bash");
    limited.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {kilobytes}; exec {program}"));
    let server = Process::spawn(limited, directory.path(), &address);
    let mut answered = Vec::new();
    let refused = loop {
        let (uuid, body) = order(&udid, answered.len());
        match try_order(&server.base, &path, &token, &body).await {
            Some(201) => answered.push(uuid),
            Some(status) => break status,
            None => panic!("the process ended instead of refusing"),
        }
        assert!(answered.len() < 2_000, "the disk is never full");
    };
    assert_eq!(refused, 503, "after {} orders", answered.len());
    assert!(!answered.is_empty());
    assert_eq!(server.get(&path, &token).await["name"], "Green School", "it still answers");
    drop(server);

    let server = Process::start(directory.path(), &address);
    for uuid in &answered {
        let shown = server.get(&format!("{path}/commands/{uuid}"), &token).await;
        assert_eq!(shown["targets"].as_array().map(Vec::len), Some(1), "{uuid} was answered and is lost");
    }
    let (uuid, body) = order(&udid, answered.len());
    assert_eq!(try_order(&server.base, &path, &token, &body).await, Some(201), "{uuid}: there is room again");
}

/// One line with the reason and the next step, and exit code 1.
fn assert_refused(output: Output, reason: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("Pomarium cannot start. ") && said.contains(reason), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(output.stdout.is_empty());
}
