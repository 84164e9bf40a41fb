//! Where the story plays: a whole server, its people, and calls that are told as they are made.

use std::time::Duration;

use pomarium_local::aws::Storage;
use pomarium_local::runner::{Options, Runner};
use reqwest::Method;
use serde_json::{Value, json};
use shared::port::random::Random;
use shared::time::{Clock, Timestamp};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::tell::{Result, Teller, Wrong};
use crate::actors::{Answer, Api, Tenant};

/// How long to wait for what happens by itself.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often to look meanwhile.
const GLANCE: Duration = Duration::from_millis(20);

/// The server and who tells of it.
pub(super) struct Stage<'a> {
    pub(super) tell: &'a mut Teller,
    pub(super) runner: Runner,
    /// Calls with the operator's token.
    pub(super) operator: Api,
    /// Calls without any token: the local tools and the portal.
    pub(super) anyone: Api,
    /// The server's data; deleted with the stage.
    pub(super) data: TempDir,
}

impl<'a> Stage<'a> {
    pub(super) async fn open(tell: &'a mut Teller, clock: Clock) -> Result<Self> {
        let failed = |what: &str, why: String| Wrong::new(what, why);
        let data = tempfile::tempdir().map_err(|e| failed("a temporary directory", e.to_string()))?;
        let options = Options {
            storage: Storage::Directory(data.path().to_owned()),
            listen: ([127, 0, 0, 1], 0).into(),
            clock,
            random: Random::system(),
            by_itself: true,
        };
        let runner = Runner::start(options).await.map_err(|e| failed("a running server", e.chain()))?;
        let operator = Api::new(runner.base_url(), Some(runner.operator_token.expose()));
        let anyone = Api::new(runner.base_url(), None);
        Ok(Self { tell, runner, operator, anyone, data })
    }

    /// GET, answered with 200.
    pub(super) async fn get(&mut self, who: &Api, path: &str) -> Result<Answer> {
        self.call(who, Method::GET, path, Vec::new(), 200).await
    }

    /// POST of JSON, answered with `status`.
    pub(super) async fn post(&mut self, who: &Api, path: &str, body: Value, status: u16) -> Result<Answer> {
        let answer = who.post(path, body).await;
        self.told(Method::POST, path, answer, status)
    }

    /// Any call, answered with `status`.
    pub(super) async fn call(
        &mut self,
        who: &Api,
        method: Method,
        path: &str,
        body: Vec<u8>,
        status: u16,
    ) -> Result<Answer> {
        let answer = who.call(method.clone(), path, body).await;
        self.told(method, path, answer, status)
    }

    /// POST to something of a tenant's, answered with 200 or 201 as `status` says.
    pub(super) async fn order(
        &mut self,
        who: &Tenant,
        rest: &str,
        body: Value,
        status: u16,
    ) -> Result<Answer> {
        self.post(&who.admin, &who.path(rest), body, status).await
    }

    /// A call that must be refused with this problem; the reason is told.
    pub(super) async fn refused(
        &mut self,
        who: &Tenant,
        rest: &str,
        body: Value,
        problem: &str,
    ) -> Result<Answer> {
        let answer = self.order(who, rest, body, 409).await?;
        if answer.problem() != problem {
            return Err(Wrong::new(format!("the problem {problem}"), answer.text()));
        }
        self.tell.fact(&format!("refused: {}", string(&answer.json, "/detail")?));
        Ok(answer)
    }

    fn told(&mut self, method: Method, path: &str, answer: Answer, status: u16) -> Result<Answer> {
        self.tell.call(method.as_str(), path, answer.status);
        if answer.status == status {
            return Ok(answer);
        }
        Err(Wrong::new(
            format!("{method} {path} is answered with {status}"),
            format!("{} {}", answer.status, answer.text()),
        ))
    }

    /// Moves the clock.
    pub(super) async fn set_clock(&mut self, now: Timestamp) -> Result {
        let anyone = self.anyone.clone();
        let moved = self.post(&anyone, "/_local/clock", json!({ "now": now }), 200).await?;
        let now = moment(&moved.json, "/now")?.strftime("%e %B %Y");
        self.tell.fact(&format!("it is now{}{now}", if now.to_string().starts_with(' ') { "" } else { " " }));
        Ok(())
    }

    /// Sends a command and waits until the device has answered, woken by a push.
    pub(super) async fn command(&mut self, who: &Tenant, udid: &str, order: Value) -> Result<Value> {
        let mut body = order;
        body["targets"] = json!([udid]);
        let sent = self.order(who, "commands", body, 201).await?;
        let path = who.path(&format!("commands/{}", string(&sent.json, "/command_uuid")?));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = who.admin.get(&path).await;
            let status = shown.json.pointer("/targets/0/status").and_then(Value::as_str).unwrap_or_default();
            if status == "Acknowledged" {
                self.tell.call("GET", &path, shown.status);
                return Ok(shown.json["targets"][0]["result"].clone());
            }
            if Instant::now() > deadline {
                return Err(Wrong::new("the device acknowledges the command", shown.text()));
            }
            sleep(GLANCE).await;
        }
    }
}

/// A text in an answer.
pub(super) fn string(json: &Value, pointer: &str) -> Result<String> {
    let found = json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Wrong::new(format!("text at {pointer}"), json.to_string()))
}

/// A moment in an answer.
pub(super) fn moment(json: &Value, pointer: &str) -> Result<Timestamp> {
    let text = string(json, pointer)?;
    text.parse().map_err(|_| Wrong::new(format!("a moment at {pointer}"), text))
}
