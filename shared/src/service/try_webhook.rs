//! Calls of a webhook that somebody asks for and waits for: a test, and an event that had been given up.

use super::call_webhook::Caller;
use super::limits::count;
use super::manage_webhooks::required;
use crate::domain::audit::AuditAction;
use crate::domain::limit::{Counted, Limit};
use crate::domain::webhook::Message;
use crate::domain::webhook_attempt::{Attempt, CallResult, Outcome};
use crate::error::{Error, Result};
use crate::id::{AuditId, WebhookId};
use crate::scope::Scope;
use crate::state::State;

/// Sends a test, also where the webhook is switched off, and returns what it came to.
///
/// # Errors
/// NotFound; RateLimited.
pub async fn test_webhook(state: &State, scope: &Scope, id: &WebhookId) -> Result<CallResult> {
    let webhook = required(state, scope, id).await?;
    count(state, Limit::OutsideCalls, Counted::tenant(scope.tenant())).await?;
    let audit = state.audit(scope, AuditAction::WebhookTested).with("webhook", id);
    let test = Message::test(scope.tenant(), audit.id.as_str(), audit.at, &audit.actor)?;
    let result = Caller::open(state, scope, &webhook).await?.tell_one(test).await?;
    state.store.note(scope, &audit).await?;
    Ok(result)
}

/// Sends an event once more that had been given up, and returns what it came to. If it is taken, it is no dead letter any more.
///
/// # Errors
/// NotFound when it was not given up, was delivered since, or is no longer kept; RateLimited.
pub async fn redeliver(state: &State, scope: &Scope, id: &WebhookId, event: &AuditId) -> Result<CallResult> {
    let webhook = required(state, scope, id).await?;
    count(state, Limit::OutsideCalls, Counted::tenant(scope.tenant())).await?;
    let letters = state.store.dead_letters(scope, id, state.clock.now()).await?;
    let letter = letters.into_iter().find(|letter| letter.event == *event);
    let letter = letter.ok_or_else(|| Error::not_found("dead letter"))?;
    let event = state.store.event(scope, &letter.place).await?;
    let event = event.ok_or_else(|| Error::not_found("event"))?;
    let caller = Caller::open(state, scope, &webhook).await?;
    let result = caller.tell_one(Message::of(scope.tenant(), &event)?).await?;
    let now = state.clock.now();
    let attempt = Attempt::new(state.random.id(), now, &event, letter.attempts + 1, result.clone());
    let delivered = (result.outcome == Outcome::Delivered).then_some(&letter);
    let audit =
        state.audit(scope, AuditAction::WebhookRedelivered).with("webhook", id).with("event", &event.id);
    if !state.store.note_call(scope, id, &attempt, delivered, &audit).await? {
        state.store.note(scope, &audit).await?;
    }
    Ok(result)
}
