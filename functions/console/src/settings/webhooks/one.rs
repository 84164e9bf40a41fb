//! One webhook: how it goes, its form, and what can be done with it.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::domain::log::moment_of;
use shared::domain::webhook::{OffReason, Target, Webhook};
use shared::domain::webhook_attempt::CallResult;
use shared::domain::webhook_position::Position;
use shared::error::Error;
use shared::id::WebhookId;
use shared::service::manage_webhooks::required;

use super::{Form, badge, of, recent};
use crate::layout::{self, Part};
use crate::look::Look;
use crate::refusal::Refusal;

/// What a page tells besides.
#[derive(Default)]
pub(super) struct News {
    /// Why a form was not taken.
    pub(super) error: Option<Error>,
    /// What a call came to that somebody asked for.
    pub(super) call: Option<CallResult>,
    /// What was typed into the form.
    pub(super) form: Option<Form>,
}

/// The page.
pub(crate) async fn show(Path((_, id)): Path<(String, String)>, look: Look) -> Result<Response, Refusal> {
    answer(&look, &id.parse()?, News::default()).await
}

pub(super) async fn answer(look: &Look, id: &WebhookId, news: News) -> Result<Response, Refusal> {
    let (state, scope) = (&look.state, &look.scope);
    let webhook = required(state, scope, id).await?;
    let position = state.store.webhook_position(scope, id).await?;
    let position = position.ok_or_else(|| Error::not_found("webhook"))?;
    let form = news.form.unwrap_or_else(|| Form::of(&webhook));
    let content = html! {
        header { h1 { "Webhook" } p { (webhook.target.fact().1) } }
        @if let Some(call) = &news.call { div.note role="status" { p { strong { "The call: " } (recent::result(call)) } } }
        (status(look, &webhook, &position))
        @if look.may_own() { (acts(look, &webhook, &form)) }
        (recent::dead_letters(look, id).await?)
        (recent::deliveries(look, id).await?)
    };
    Ok(layout::page_with(look, Part::Settings, super::TITLE, news.error.as_ref(), &content))
}

fn status(look: &Look, webhook: &Webhook, position: &Position) -> Markup {
    let now = look.state.clock.now();
    let former = match &webhook.target {
        Target::Server(server) => server.former_secret.as_ref().filter(|former| now < former.until),
        Target::Bus { .. } => None,
    };
    html! {
        p { (badge(webhook)) " " (webhook.description) }
        @if let Some(off) = &webhook.switched_off {
            div.note.bad {
                p { "It was switched off by itself " (layout::moment(off.at)) ": "
                    @match off.why {
                        OffReason::Gone => "its server said that nobody listens there any more.",
                        OffReason::Failing => "for a day nothing could be delivered.",
                    }
                }
                p { "Correct it, test it, and switch it on: it goes on where it stopped, and nothing is lost that the log still has." }
            }
        }
        dl.facts {
            dt { "Dealt with up to" } dd { (layout::moment(moment_of(&position.cursor))) }
            dt { "Last delivery" } dd { @match position.delivered_at { Some(at) => (layout::moment(at)), None => "None yet" } }
            @if let Some(since) = position.failing_since { dt { "Failing since" } dd.bad { (layout::moment(since)) } }
            @if let Some(next) = position.rests_until { dt { "Next attempt" } dd { (layout::moment(next)) } }
            @if let Some(former) = former { dt { "The former secret signs as well until" } dd { (layout::moment(former.until)) } }
        }
        @if !position.held.is_empty() {
            h2 { "Devices whose next event was refused" }
            div.scroll tabindex="0" { table {
                thead { tr { th { "Device" } th { "Attempts" } th { "Since" } th { "Next attempt" } } }
                tbody { @for (device, held) in &position.held { tr {
                    td { (device) } td { (held.attempts) } td { (layout::moment(held.since)) } td { (layout::moment(held.next)) }
                } } }
            } }
        }
    }
}

fn acts(look: &Look, webhook: &Webhook, form: &Form) -> Markup {
    let at = |rest: &str| format!("{}/{rest}", of(look, webhook));
    let token = layout::token(&look.visitor);
    html! {
        div.inline {
            form method="post" action=(at("test")) { (token) button type="submit" { "Send a test" } }
            form method="post" action=(at("switch")) {
                (token)
                input type="hidden" name="enabled" value=(if webhook.enabled { "no" } else { "yes" });
                button.secondary type="submit" { @if webhook.enabled { "Switch off" } @else { "Switch on" } }
            }
        }
        details {
            summary { "Change it" }
            form.plain method="post" action=(of(look, webhook)) { (token) (form.fields()) button type="submit" { "Save" } }
        }
        details {
            summary { "Deliver again from a moment on" }
            p { "Everything that the log has from then on is delivered, once more or for the first time." }
            form.plain method="post" action=(at("replay")) {
                (token)
                label { "From, in UTC" input type="datetime-local" name="from" required; }
                button.secondary type="submit" { "Deliver again" }
            }
        }
        @if webhook.target.server().is_some() {
            details {
                summary { "A new secret" }
                form.plain method="post" action=(at("secret")) {
                    (token)
                    label { "For how many hours the former one signs as well" input name="hours" inputmode="numeric" value="24" required; small { "0 to 168." } }
                    button.secondary type="submit" { "Make a new secret" }
                }
            }
        }
        details {
            summary { "Delete it" }
            p { "Nothing more is told there. What was not delivered is not delivered any more." }
            form.plain method="post" action=(at("delete")) {
                (token)
                label { "Type where it goes: " strong { (webhook.target.fact().1) } input name="confirm" autocomplete="off" required; }
                button.danger type="submit" { "Delete for good" }
            }
        }
    }
}
