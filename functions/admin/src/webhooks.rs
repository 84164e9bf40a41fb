//! Webhooks: where the tenant is told of events.

use std::collections::BTreeSet;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::event::EventKind;
use shared::domain::log::moment_of;
use shared::domain::webhook::{SwitchedOff, Target, Webhook};
use shared::domain::webhook_position::Position;
use shared::error::Error;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::id::WebhookId;
use shared::service::manage_webhooks::{
    WebhookChange, change_webhook, create_webhook, delete_webhook, replay_webhook, required,
    rotate_webhook_secret,
};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// `https://`, on a server that the whole internet can reach. Either this or `event_bus`.
    #[schema(example = "https://hooks.school.example/mdm")]
    #[serde(default)]
    url: Option<String>,
    /// The ARN of a bus of Amazon EventBridge, whose name begins with `pomarium-`.
    #[schema(example = "arn:aws:events:eu-central-1:123456789012:event-bus/pomarium-events")]
    #[serde(default)]
    event_bus: Option<String>,
    /// What it is for, in up to 200 characters.
    #[serde(default)]
    description: String,
    /// Which events; all of them where none is named.
    #[serde(default)]
    events: BTreeSet<EventKind>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedWebhook {
    /// Of a webhook to a server.
    #[serde(default)]
    url: Option<String>,
    /// Of a webhook to an event bus.
    #[serde(default)]
    event_bus: Option<String>,
    #[serde(default)]
    description: Option<String>,
    /// Which events; an empty list means all.
    #[serde(default)]
    events: Option<BTreeSet<EventKind>>,
    /// Whether events are delivered. One that is switched on again goes on where it stopped.
    #[serde(default)]
    enabled: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// For how many hours the former secret signs beside the new one (0 to 168).
    #[serde(default = "a_day")]
    #[schema(default = 24)]
    overlap_hours: u32,
}

fn a_day() -> u32 {
    24
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    /// From when on events are delivered, once more or for the first time.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
}

/// How a webhook is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum WebhookKind {
    /// By signed calls of a server.
    Https,
    /// By events on a bus of Amazon EventBridge.
    EventBridge,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookView {
    id: String,
    kind: WebhookKind,
    /// The server that is called; null where there is none.
    url: Option<String>,
    /// The ARN of the event bus; null where there is none.
    event_bus: Option<String>,
    description: String,
    /// Which events; all of them where none is named.
    events: BTreeSet<EventKind>,
    enabled: bool,
    /// When and why it was switched off by itself.
    switched_off: Option<SwitchedOff>,
    /// Until when the former secret signs beside the present one.
    #[schema(value_type = Option<String>, format = DateTime)]
    former_secret_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl WebhookView {
    fn new(webhook: Webhook, now: Timestamp) -> Self {
        let (kind, url, event_bus, former) = match webhook.target {
            Target::Server(server) => (WebhookKind::Https, Some(server.url), None, server.former_secret),
            Target::Bus { event_bus } => (WebhookKind::EventBridge, None, Some(event_bus.to_string()), None),
        };
        let former = former.filter(|former| now < former.until);
        Self {
            id: webhook.id.to_string(),
            kind,
            url,
            event_bus,
            description: webhook.description,
            events: webhook.kinds,
            enabled: webhook.enabled,
            switched_off: webhook.switched_off,
            former_secret_until: former.map(|former| former.until),
            created_at: webhook.created_at,
        }
    }
}

/// How deliveries go.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookStatus {
    #[serde(flatten)]
    webhook: WebhookView,
    /// Everything that happened before this is dealt with.
    #[schema(value_type = String, format = DateTime)]
    delivered_until: Timestamp,
    /// When something was last delivered.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_delivery_at: Option<Timestamp>,
    /// Since when nothing could be delivered, if that is so. After a day the webhook is switched off.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// When the next attempt is made, after failures.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    /// Devices whose next event was refused; their later events wait for it.
    held: Vec<HeldView>,
}

/// A device whose next event was refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct HeldView {
    /// The device; `*` for events about all devices.
    device: String,
    attempts: u32,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    next_attempt_at: Timestamp,
}

impl WebhookStatus {
    fn new(webhook: Webhook, position: Position, now: Timestamp) -> Self {
        let held = position.held.into_iter().map(|(device, held)| HeldView {
            device,
            attempts: held.attempts,
            since: held.since,
            next_attempt_at: held.next,
        });
        Self {
            webhook: WebhookView::new(webhook, now),
            delivered_until: moment_of(&position.cursor),
            last_delivery_at: position.delivered_at,
            failing_since: position.failing_since,
            next_attempt_at: position.rests_until,
            held: held.collect(),
        }
    }
}

/// A webhook with its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What its calls are signed with. It is shown this once; null where events go to a bus.
    secret: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookList {
    webhooks: Vec<WebhookView>,
}

/// Make a webhook. It is told of what happens from now on.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/webhooks", tag = "webhooks", params(("tenant" = String, Path)),
    request_body = NewWebhook,
    responses((status = 201, body = WebhookWithSecret),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewWebhook>,
) -> Result<(StatusCode, JsonAnswer<WebhookWithSecret>), Problem> {
    let NewWebhook { url, event_bus, description, events } = body;
    let (description, kinds) = (Some(description), Some(events));
    let new = WebhookChange { url, event_bus, description, kinds, enabled: None };
    let (webhook, secret) = create_webhook(&state, &scope, new).await?;
    let webhook = WebhookView::new(webhook, state.clock.now());
    let view = WebhookWithSecret { webhook, secret: secret.map(|secret| secret.expose().clone()) };
    Ok((StatusCode::CREATED, JsonAnswer(view)))
}

/// The tenant's webhooks.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/webhooks", tag = "webhooks", params(("tenant" = String, Path)),
    responses((status = 200, body = WebhookList))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<WebhookList>, Problem> {
    let now = state.clock.now();
    let webhooks = state.store.webhooks(&scope).await?.into_iter();
    Ok(JsonAnswer(WebhookList { webhooks: webhooks.map(|webhook| WebhookView::new(webhook, now)).collect() }))
}

/// One webhook, and how its deliveries go.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/webhooks/{webhook}", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path)),
    responses((status = 200, body = WebhookStatus), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, webhook)): Path<(String, String)>,
) -> Result<JsonAnswer<WebhookStatus>, Problem> {
    let webhook = required(&state, &scope, &named(&webhook)?).await?;
    let position = state.store.webhook_position(&scope, &webhook.id).await?;
    let position = position.ok_or_else(|| Error::not_found("webhook"))?;
    Ok(JsonAnswer(WebhookStatus::new(webhook, position, state.clock.now())))
}

/// Change a webhook, or switch it off or on. What is left out stays.
#[utoipa::path(
    patch, path = "/v1/tenants/{tenant}/webhooks/{webhook}", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path)),
    request_body = ChangedWebhook,
    responses((status = 200, body = WebhookView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn change(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, webhook)): Path<(String, String)>,
    Json(body): Json<ChangedWebhook>,
) -> Result<JsonAnswer<WebhookView>, Problem> {
    let ChangedWebhook { url, event_bus, description, events, enabled } = body;
    let change = WebhookChange { url, event_bus, description, kinds: events, enabled };
    let webhook = change_webhook(&state, &scope, &named(&webhook)?, change).await?;
    Ok(JsonAnswer(WebhookView::new(webhook, state.clock.now())))
}

/// Delete a webhook.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/webhooks/{webhook}", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn delete(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, webhook)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    delete_webhook(&state, &scope, &named(&webhook)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook a new secret. For a while both sign, so that the receiver can change over.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/webhooks/{webhook}/secret", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path)),
    request_body = Rotation,
    responses((status = 200, body = WebhookWithSecret),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn rotate(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, webhook)): Path<(String, String)>,
    Json(body): Json<Rotation>,
) -> Result<JsonAnswer<WebhookWithSecret>, Problem> {
    let id = named(&webhook)?;
    let (webhook, secret) = rotate_webhook_secret(&state, &scope, &id, body.overlap_hours).await?;
    let webhook = WebhookView::new(webhook, state.clock.now());
    Ok(JsonAnswer(WebhookWithSecret { webhook, secret: Some(secret.expose().clone()) }))
}

/// Deliver everything again from a moment on.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/webhooks/{webhook}/replay", tag = "webhooks",
    params(("tenant" = String, Path), ("webhook" = String, Path)),
    request_body = Replay,
    responses((status = 200, body = WebhookStatus),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn replay(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, webhook)): Path<(String, String)>,
    Json(body): Json<Replay>,
) -> Result<JsonAnswer<WebhookStatus>, Problem> {
    let webhook = required(&state, &scope, &named(&webhook)?).await?;
    let position = replay_webhook(&state, &scope, &webhook.id, body.from).await?;
    Ok(JsonAnswer(WebhookStatus::new(webhook, position, state.clock.now())))
}

/// A webhook's identifier in a path.
pub(crate) fn named(text: &str) -> shared::error::Result<WebhookId> {
    text.parse()
}
