//! One call of a webhook: signed, guarded, and told as what it came to.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, header};

use super::sealed;
use crate::domain::webhook::Webhook;
use crate::domain::webhook_attempt::{CallResult, Outcome};
use crate::domain::webhook_signature::sign;
use crate::error::{Error, Result};
use crate::port::outbound::Answer;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;

/// How much of an answer is kept, in bytes.
const KEPT: usize = 1_024;

/// A webhook with its secrets open.
pub(super) struct Caller<'a> {
    state: &'a State,
    webhook: &'a Webhook,
    secrets: Vec<Secret<Vec<u8>>>,
}

impl<'a> Caller<'a> {
    /// Opens the secrets that sign now.
    pub(super) async fn open(state: &'a State, scope: &Scope, webhook: &'a Webhook) -> Result<Self> {
        let mut secrets = Vec::new();
        for secret in webhook.secrets(state.clock.now()) {
            secrets.push(sealed::open_webhook_secret(state, scope, &webhook.id, secret).await?);
        }
        Ok(Self { state, webhook, secrets })
    }

    /// Sends one body. `id` is the same for each attempt of one event.
    ///
    /// # Errors
    /// Internal when the call cannot be made; what the server does is a result.
    pub(super) async fn call(&self, id: &str, body: Bytes) -> Result<CallResult> {
        let now = self.state.clock.now();
        let request = Request::post(&self.webhook.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "Pomarium")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", sign(&self.secrets, id, now, &body)?)
            .body(body)
            .map_err(Error::internal)?;
        let begun = Instant::now();
        let answer = self.state.outbound.send(request, KEPT).await;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(match answer {
            Ok(answer) => answered(&answer, latency_ms),
            Err(error) => CallResult {
                outcome: Outcome::Unreachable,
                status: None,
                latency_ms,
                answer: String::new(),
                trouble: Some(error.chain()),
                retry_after: None,
            },
        })
    }
}

fn answered(answer: &Answer, latency_ms: u64) -> CallResult {
    let status = answer.status.as_u16();
    let retry_after = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    CallResult {
        outcome: Outcome::of(status),
        status: Some(status),
        latency_ms,
        answer: String::from_utf8_lossy(&answer.body).into_owned(),
        trouble: None,
        retry_after: retry_after.and_then(|value| value.parse().ok()),
    }
}
