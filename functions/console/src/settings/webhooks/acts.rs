//! What is done with a webhook.

use axum::extract::Path;
use axum::response::Response;
use shared::error::{Error, Result};
use shared::id::WebhookId;
use shared::service::manage_webhooks::{
    WebhookChange, change_webhook, delete_webhook, replay_webhook, required, rotate_webhook_secret,
};
use shared::service::try_webhook::{redeliver as deliver_again, test_webhook};
use shared::time::Timestamp;

use super::one::{News, answer};
use super::{Form, TITLE, of, secret_page};
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;
use crate::settings::place;
use crate::typed::needed;

type Named = Path<(String, String)>;

/// Changes where it goes, what for, and which events.
pub(crate) async fn change(Path((_, id)): Named, Act { look, fields }: Act) -> Result<Response, Refusal> {
    let (id, form) = (id.parse()?, Form::read(&fields));
    match change_webhook(&look.state, &look.scope, &id, form.change()).await {
        Ok(webhook) => Ok(layout::done(&of(&look, &webhook), "saved")),
        Err(error) => {
            answer(&look, &id, News { error: Some(error), form: Some(form), ..News::default() }).await
        }
    }
}

/// Switches it off, or on.
pub(crate) async fn switch(Path((_, id)): Named, Act { look, fields }: Act) -> Result<Response, Refusal> {
    let id = id.parse()?;
    let enabled = fields.text("enabled") == "yes";
    let change = WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
    match change_webhook(&look.state, &look.scope, &id, change).await {
        Ok(webhook) => {
            Ok(layout::done(&of(&look, &webhook), if enabled { "webhook-on" } else { "webhook-off" }))
        }
        Err(error) => refused(&look, &id, error).await,
    }
}

/// Sends a test, and shows the answer.
pub(crate) async fn test(Path((_, id)): Named, Act { look, .. }: Act) -> Result<Response, Refusal> {
    let id = id.parse()?;
    match test_webhook(&look.state, &look.scope, &id).await {
        Ok(call) => answer(&look, &id, News { call: Some(call), ..News::default() }).await,
        Err(error) => refused(&look, &id, error).await,
    }
}

/// Sends an event once more that had been given up, and shows the answer.
pub(crate) async fn redeliver(Path((_, id)): Named, Act { look, fields }: Act) -> Result<Response, Refusal> {
    let id = id.parse()?;
    let called = async { deliver_again(&look.state, &look.scope, &id, &fields.text("event").parse()?).await };
    match called.await {
        Ok(call) => answer(&look, &id, News { call: Some(call), ..News::default() }).await,
        Err(error) => refused(&look, &id, error).await,
    }
}

/// Lets deliveries begin again from a moment.
pub(crate) async fn replay(Path((_, id)): Named, Act { look, fields }: Act) -> Result<Response, Refusal> {
    let id = id.parse()?;
    let replayed = async {
        let from = moment(&fields.text("from"))?;
        replay_webhook(&look.state, &look.scope, &id, from).await
    };
    match replayed.await {
        Ok(_) => Ok(layout::done(&place(&look, &format!("webhooks/{id}")), "webhook-replayed")),
        Err(error) => refused(&look, &id, error).await,
    }
}

/// What a browser sends of a moment: without seconds, unless somebody typed them.
fn moment(typed: &str) -> Result<Timestamp> {
    let parsed = format!("{typed}:00Z").parse().or_else(|_| format!("{typed}Z").parse());
    parsed.map_err(|_| {
        Error::malformed("typed-day", format!("{typed:?} is not a moment."))
            .at("from")
            .next("Write it like 2026-11-21T09:00.")
    })
}

/// Makes a new secret, and shows it this once.
pub(crate) async fn secret(Path((_, id)): Named, Act { look, fields }: Act) -> Result<Response, Refusal> {
    let id = id.parse()?;
    let rotated =
        async { rotate_webhook_secret(&look.state, &look.scope, &id, needed(&fields, "hours")?).await };
    match rotated.await {
        Ok((webhook, secret)) => {
            Ok(layout::page(&look, Part::Settings, TITLE, &secret_page(&look, &webhook, &secret)))
        }
        Err(error) => refused(&look, &id, error).await,
    }
}

/// Deletes it, when where it goes was typed.
pub(crate) async fn delete(Path((_, id)): Named, Act { look, fields }: Act) -> Result<Response, Refusal> {
    let id = id.parse()?;
    let deleted = async {
        let webhook = required(&look.state, &look.scope, &id).await?;
        let name = webhook.target.fact().1;
        if fields.text("confirm") != name {
            let message = format!("To delete the webhook, type where it goes: {name}.");
            return Err(Error::conflict("name-not-typed", message).at("confirm"));
        }
        delete_webhook(&look.state, &look.scope, &id).await
    };
    match deleted.await {
        Ok(()) => Ok(layout::done(&place(&look, "webhooks"), "webhook-deleted")),
        Err(error) => refused(&look, &id, error).await,
    }
}

async fn refused(look: &Look, id: &WebhookId, error: Error) -> Result<Response, Refusal> {
    answer(look, id, News { error: Some(error), ..News::default() }).await
}
