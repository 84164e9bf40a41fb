//! Telling a webhook: a signed and guarded call of a server, or entries on an event bus; told as what it came to.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, header};

use super::sealed;
use crate::domain::event_bus::{AT_ONCE, EventBus, source};
use crate::domain::webhook::{Message, Target, Webhook};
use crate::domain::webhook_attempt::{CallResult, Outcome};
use crate::domain::webhook_signature::sign;
use crate::error::{Error, Result};
use crate::port::event_bus::{BusEntry, Placed};
use crate::port::outbound::Answer;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;

/// How much of an answer is kept, in bytes.
const KEPT: usize = 1_024;

/// A webhook that is ready to be told.
pub(super) struct Caller<'a> {
    state: &'a State,
    way: Way<'a>,
}

/// How messages go.
enum Way<'a> {
    /// To a server; the secrets that sign are open.
    Server(&'a str, Vec<Secret<Vec<u8>>>),
    /// To a bus, and whose events they are.
    Bus(&'a EventBus, String),
}

impl<'a> Caller<'a> {
    /// Opens the secrets that sign now, where calls are signed.
    pub(super) async fn open(state: &'a State, scope: &Scope, webhook: &'a Webhook) -> Result<Self> {
        let way = match &webhook.target {
            Target::Server(server) => {
                let mut secrets = Vec::new();
                for secret in server.secrets(state.clock.now()) {
                    secrets.push(sealed::open_webhook_secret(state, scope, &webhook.id, secret).await?);
                }
                Way::Server(&server.url, secrets)
            }
            Target::Bus { event_bus } => Way::Bus(event_bus, source(scope.tenant())),
        };
        Ok(Self { state, way })
    }

    /// How many messages go together.
    pub(super) fn at_once(&self) -> usize {
        match self.way {
            Way::Server(..) => 1,
            Way::Bus(..) => AT_ONCE,
        }
    }

    /// Sends up to [`Caller::at_once`] messages, and says of each what it came to.
    ///
    /// # Errors
    /// Internal when a call cannot be made; what the other side does is a result.
    pub(super) async fn tell(&self, messages: &[Message]) -> Result<Vec<CallResult>> {
        match &self.way {
            Way::Server(url, secrets) => {
                let mut results = Vec::with_capacity(messages.len());
                for message in messages {
                    results.push(self.call(url, secrets, message).await?);
                }
                Ok(results)
            }
            Way::Bus(bus, source) => self.put(bus, source, messages).await,
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// As [`Caller::tell`].
    pub(super) async fn tell_one(&self, message: Message) -> Result<CallResult> {
        let result = self.tell(&[message]).await?.pop();
        result.ok_or_else(|| Error::internal("a message came to nothing"))
    }

    async fn call(&self, url: &str, secrets: &[Secret<Vec<u8>>], message: &Message) -> Result<CallResult> {
        let now = self.state.clock.now();
        let body: Bytes = message.body.clone();
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "Pomarium")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", sign(secrets, &message.id, now, &body)?)
            .body(body)
            .map_err(Error::internal)?;
        let begun = Instant::now();
        let answer = self.state.outbound.send(request, KEPT).await;
        let latency_ms = milliseconds(begun);
        Ok(match answer {
            Ok(answer) => answered(&answer, latency_ms),
            Err(error) => {
                let trouble = Some(error.chain());
                CallResult { trouble, ..CallResult::new(Outcome::Unreachable, latency_ms) }
            }
        })
    }

    async fn put(&self, bus: &EventBus, source: &str, messages: &[Message]) -> Result<Vec<CallResult>> {
        let entry = |message: &Message| {
            Ok(BusEntry {
                source: source.to_owned(),
                detail_type: message.kind.to_owned(),
                detail: String::from_utf8(message.body.to_vec()).map_err(Error::internal)?,
                at: message.at,
            })
        };
        let entries: Result<Vec<BusEntry>> = messages.iter().map(entry).collect();
        let begun = Instant::now();
        let placed = self.state.event_buses.put(bus, &entries?).await;
        let latency_ms = milliseconds(begun);
        Ok(placed.into_iter().map(|placed| taken(placed, latency_ms)).collect())
    }
}

fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn taken(placed: Placed, latency_ms: u64) -> CallResult {
    match placed {
        Ok(answer) => CallResult { answer, ..CallResult::new(Outcome::Delivered, latency_ms) },
        Err(why) => {
            let outcome = Outcome::of_entry(&why.code);
            let said = [why.code, why.message].into_iter().filter(|text| !text.is_empty());
            let trouble = Some(said.collect::<Vec<_>>().join(": "));
            CallResult { trouble, ..CallResult::new(outcome, latency_ms) }
        }
    }
}

fn answered(answer: &Answer, latency_ms: u64) -> CallResult {
    let status = answer.status.as_u16();
    let retry_after = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    CallResult {
        status: Some(status),
        answer: String::from_utf8_lossy(&answer.body).into_owned(),
        retry_after: retry_after.and_then(|value| value.parse().ok()),
        ..CallResult::new(Outcome::of(status), latency_ms)
    }
}
