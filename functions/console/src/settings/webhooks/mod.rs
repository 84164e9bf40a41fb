//! Webhooks: where the organization's own systems are told of what becomes of devices.

pub(crate) mod acts;
pub(crate) mod one;
mod recent;

use std::collections::BTreeSet;

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::event::EventKind;
use shared::domain::webhook::Webhook;
use shared::error::Error;
use shared::secret::Secret;
use shared::service::manage_webhooks::{WebhookChange, create_webhook};

use super::place;
use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;

const TITLE: &str = "Webhooks";

/// What the form shows.
#[derive(Default)]
struct Form {
    target: String,
    description: String,
    kinds: BTreeSet<EventKind>,
}

impl Form {
    fn of(webhook: &Webhook) -> Self {
        Self {
            target: webhook.target.fact().1.to_owned(),
            description: webhook.description.clone(),
            kinds: webhook.kinds.clone(),
        }
    }

    fn read(fields: &Fields) -> Self {
        let kinds = EventKind::ALL.into_iter().filter(|kind| fields.ticked(kind.name())).collect();
        Self { target: fields.text("target"), description: fields.text("description"), kinds }
    }

    /// What it asks for. The name of an event bus begins otherwise than the address of a server.
    fn change(&self) -> WebhookChange {
        let is_bus = self.target.starts_with("arn:");
        let target = Some(self.target.clone());
        WebhookChange {
            url: target.clone().filter(|_| !is_bus),
            event_bus: target.filter(|_| is_bus),
            description: Some(self.description.clone()),
            kinds: Some(self.kinds.clone()),
            enabled: None,
        }
    }

    fn fields(&self) -> Markup {
        html! {
            label { "Where events go"
                input name="target" value=(self.target) required placeholder="https://hooks.school.example/mdm";
                small { "An address that begins with https://, or the ARN of a bus of Amazon EventBridge." }
            }
            label { "What it is for" input name="description" value=(self.description) maxlength="200"; }
            fieldset {
                legend { "Which events; all of them where none is ticked" }
                @for kind in EventKind::ALL {
                    label { input type="checkbox" name=(kind.name()) checked[self.kinds.contains(&kind)]; (kind.name().replace('-', " ")) }
                }
            }
        }
    }
}

/// The list, and the form for another one.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, None, &Form::default()).await
}

/// Makes a webhook, and shows its secret this once.
pub(crate) async fn create(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let form = Form::read(&fields);
    match create_webhook(&look.state, &look.scope, form.change()).await {
        Ok((webhook, Some(secret))) => {
            Ok(layout::page(&look, Part::Settings, TITLE, &secret_page(&look, &webhook, &secret)))
        }
        Ok((webhook, None)) => Ok(layout::done(&of(&look, &webhook), "webhook-made")),
        Err(error) => answer(&look, Some(&error), &form).await,
    }
}

async fn answer(look: &Look, error: Option<&Error>, form: &Form) -> Result<Response, Refusal> {
    let webhooks = look.state.store.webhooks(&look.scope).await?;
    let content = html! {
        header { h1 { (TITLE) } p { "Your own systems are told of what becomes of devices: one call for each event, signed, in the order of each device, and again until it is taken." } }
        @if webhooks.is_empty() { div.empty { p { "Nothing is told to anybody yet." } } }
        @else {
            div.scroll tabindex="0" { table {
                thead { tr { th { "Where" } th { "What for" } th { "State" } } }
                tbody { @for webhook in &webhooks { tr {
                    td { a href=(of(look, webhook)) { (webhook.target.fact().1) } }
                    td { (webhook.description) }
                    td { (badge(webhook)) }
                } } }
            } }
        }
        @if look.may_own() {
            h2 { "Make a webhook" }
            form.plain method="post" action=(place(look, "webhooks")) {
                (layout::token(&look.visitor))
                (form.fields())
                button type="submit" { "Make" }
            }
        }
    };
    Ok(layout::page_with(look, Part::Settings, TITLE, error, &content))
}

fn of(look: &Look, webhook: &Webhook) -> String {
    place(look, &format!("webhooks/{}", webhook.id))
}

fn badge(webhook: &Webhook) -> Markup {
    html! {
        @if webhook.enabled { span.badge.good { "On" } } @else if webhook.switched_off.is_some() { span.badge.bad { "Switched off by itself" } }
        @else { span.badge { "Off" } }
    }
}

/// A secret, this once.
fn secret_page(look: &Look, webhook: &Webhook, secret: &Secret<String>) -> Markup {
    html! {
        h1 { "The secret" }
        p { "Calls of " (webhook.target.fact().1) " are signed with it. Give it to that system now: it is shown only this once." }
        pre { code { (secret.expose()) } }
        p { a href=(of(look, webhook)) { "To the webhook" } }
    }
}
