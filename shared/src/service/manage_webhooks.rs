//! A tenant's webhooks: made, changed, deleted; a new secret; deliveries that begin again from an earlier moment.

use std::collections::BTreeSet;

use super::sealed::seal_webhook_secret;
use crate::domain::audit::AuditAction;
use crate::domain::event::EventKind;
use crate::domain::webhook::{FormerSecret, MOST, Server, Target, Webhook, check_description, check_overlap};
use crate::domain::webhook_position::Position;
use crate::domain::webhook_signature::reveal;
use crate::error::{Error, Result};
use crate::id::WebhookId;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::time::{SignedDuration, Timestamp};

/// What a tenant says of a webhook. What is left out stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// The server that is called.
    pub url: Option<String>,
    /// The ARN of the bus that events are put on.
    pub event_bus: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Which events; an empty set means all.
    pub kinds: Option<BTreeSet<EventKind>>,
    /// Whether events are delivered.
    pub enabled: Option<bool>,
}

/// Makes a webhook and returns it, with its secret, this once, if calls are signed. It is told of what happens from now on.
///
/// # Errors
/// Malformed, naming the field; Conflict (`webhook-limit`) when the tenant has ten.
pub async fn create_webhook(
    state: &State,
    scope: &Scope,
    new: WebhookChange,
) -> Result<(Webhook, Option<Secret<String>>)> {
    if state.store.webhooks(scope).await?.len() >= MOST {
        return Err(Error::conflict("webhook-limit", "A tenant has ten webhooks at most.")
            .next("Delete one that is not needed any more, or let one receive more kinds of events."));
    }
    let (id, now) = (state.random.id::<WebhookId>(), state.clock.now());
    let (target, secret) = match (&new.url, &new.event_bus) {
        (Some(url), None) => {
            let key = new_secret(state);
            let secret = seal_webhook_secret(state, scope, &id, &key).await?;
            (Target::Server(Server { url: url.clone(), secret, former_secret: None }), Some(reveal(&key)))
        }
        (None, Some(bus)) => (Target::Bus { event_bus: bus.parse()? }, None),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Error::malformed("webhook-target", "A webhook has either a url or an event_bus.")
                .next("Give the one of the two to which events are to go."));
        }
    };
    let blank = Webhook {
        id: id.clone(),
        target,
        description: String::new(),
        kinds: BTreeSet::new(),
        enabled: true,
        switched_off: None,
        untold: false,
        created_at: now,
        version: 0,
    };
    let webhook = changed(state, blank, new)?;
    let (fact, at) = webhook.target.fact();
    let audit = state.audit(scope, AuditAction::WebhookCreated).with("webhook", &id).with(fact, at);
    state.store.create_webhook(scope, &webhook, &Position::beginning(now), &audit).await?;
    Ok((webhook, secret))
}

/// Changes a webhook. One that is switched on again goes on where it stopped: nothing is lost.
///
/// # Errors
/// NotFound; Malformed, naming the field; Conflict when somebody else changed it at the same moment.
pub async fn change_webhook(
    state: &State,
    scope: &Scope,
    id: &WebhookId,
    change: WebhookChange,
) -> Result<Webhook> {
    let before = required(state, scope, id).await?;
    let was_enabled = before.enabled;
    let webhook = changed(state, before, change)?;
    let position =
        if webhook.enabled && !was_enabled { Some(position(state, scope, id).await?.fresh()) } else { None };
    let (fact, at) = webhook.target.fact();
    let audit = state
        .audit(scope, AuditAction::WebhookChanged)
        .with("webhook", id)
        .with(fact, at)
        .with("enabled", webhook.enabled);
    if state.store.change_webhook(scope, &webhook, position.as_ref(), &audit).await? {
        Ok(webhook)
    } else {
        Err(changed_meanwhile())
    }
}

/// Deletes a webhook.
///
/// # Errors
/// NotFound.
pub async fn delete_webhook(state: &State, scope: &Scope, id: &WebhookId) -> Result<()> {
    let audit = state.audit(scope, AuditAction::WebhookDeleted).with("webhook", id);
    if state.store.delete_webhook(scope, id, &audit).await? {
        Ok(())
    } else {
        Err(Error::not_found("webhook"))
    }
}

/// Gives a webhook a new secret and returns it, this once. For `overlap_hours` the former one signs as well.
///
/// # Errors
/// NotFound; Malformed for an overlap of more than a week; Conflict when it has none (`webhook-unsigned`), or somebody else
/// changed it at the same moment.
pub async fn rotate_webhook_secret(
    state: &State,
    scope: &Scope,
    id: &WebhookId,
    overlap_hours: u32,
) -> Result<(Webhook, Secret<String>)> {
    check_overlap(overlap_hours)?;
    let before = required(state, scope, id).await?;
    let Target::Server(server) = before.target else {
        return Err(Error::conflict(
            "webhook-unsigned",
            "This webhook's events go to an event bus, which needs no secret.",
        )
        .next("Say in the policy of the bus who may put events on it."));
    };
    let secret = new_secret(state);
    let until = state.clock.now() + SignedDuration::from_hours(overlap_hours.into());
    let server = Server {
        secret: seal_webhook_secret(state, scope, id, &secret).await?,
        former_secret: (overlap_hours > 0).then_some(FormerSecret { secret: server.secret, until }),
        url: server.url,
    };
    let webhook = Webhook { target: Target::Server(server), version: before.version + 1, ..before };
    let audit = state.audit(scope, AuditAction::WebhookSecretRotated).with("webhook", id);
    if state.store.change_webhook(scope, &webhook, None, &audit).await? {
        Ok((webhook, reveal(&secret)))
    } else {
        Err(changed_meanwhile())
    }
}

/// Lets deliveries begin again from a moment: what the log has from then on is delivered, once more or for the first time.
///
/// # Errors
/// NotFound; Malformed (`replay-from`) for a moment to come; Conflict when a delivery went on at the same moment.
pub async fn replay_webhook(
    state: &State,
    scope: &Scope,
    id: &WebhookId,
    from: Timestamp,
) -> Result<Position> {
    if from > state.clock.now() {
        return Err(Error::malformed("replay-from", "This moment is still to come.")
            .at("from")
            .next("Give the moment from which events are to be delivered again."));
    }
    let moved = position(state, scope, id).await?.moved_to(from);
    let audit = state.audit(scope, AuditAction::WebhookReplayed).with("webhook", id).with("from", from);
    if state.store.move_webhook(scope, id, &moved, &audit).await? {
        Ok(moved)
    } else {
        Err(Error::conflict("webhook-busy", "A delivery went on at the same moment.").next("Try again."))
    }
}

/// A webhook.
///
/// # Errors
/// NotFound.
pub async fn required(state: &State, scope: &Scope, id: &WebhookId) -> Result<Webhook> {
    state.store.webhook(scope, id).await?.ok_or_else(|| Error::not_found("webhook"))
}

async fn position(state: &State, scope: &Scope, id: &WebhookId) -> Result<Position> {
    state.store.webhook_position(scope, id).await?.ok_or_else(|| Error::not_found("webhook"))
}

fn new_secret(state: &State) -> Secret<Vec<u8>> {
    let bytes: [u8; 32] = state.random.bytes();
    Secret::new(bytes.to_vec())
}

fn changed(state: &State, before: Webhook, change: WebhookChange) -> Result<Webhook> {
    let mut webhook = Webhook { version: before.version + 1, ..before };
    match (&mut webhook.target, change.url, change.event_bus) {
        (Target::Server(_) | Target::Bus { .. }, None, None) => {}
        (Target::Server(server), Some(url), None) => {
            state.outbound.url(&url).map_err(|error| error.at("url"))?;
            server.url = url;
        }
        (Target::Bus { event_bus }, None, Some(bus)) => *event_bus = bus.parse()?,
        (Target::Server(_), _, Some(_)) | (Target::Bus { .. }, Some(_), _) => {
            return Err(Error::malformed(
                "webhook-target",
                "A webhook stays one to a url, or one to an event_bus.",
            )
            .next("Make another webhook, and delete this one."));
        }
    }
    if let Some(description) = change.description {
        check_description(&description)?;
        webhook.description = description;
    }
    if let Some(kinds) = change.kinds {
        webhook.kinds = kinds;
    }
    if let Some(enabled) = change.enabled {
        webhook.enabled = enabled;
        webhook.switched_off = webhook.switched_off.filter(|_| !enabled);
        webhook.untold &= !enabled;
    }
    Ok(webhook)
}

fn changed_meanwhile() -> Error {
    Error::conflict("webhook-changed", "Somebody else changed the webhook at the same moment.")
        .next("Look at it and try again.")
}
