//! For how long logs and finished commands are kept.

use axum::response::Response;
use maud::html;
use shared::error::{Error, Result};
use shared::service::retention::change_retention;

use super::place;
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;
use crate::typed::needed;

const TITLE: &str = "Retention";
const FIELDS: [&str; 3] = ["audit_days", "events_days", "commands_days"];

/// The present numbers.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    let kept = look.state.store.retention(&look.scope).await?;
    let days = [kept.audit_days, kept.events_days, kept.commands_days].map(|days| days.to_string());
    Ok(answer(&look, None, &days))
}

/// Changes them.
pub(crate) async fn change(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let changed = async {
        let [audit, events, commands] = FIELDS.map(|name| needed(&fields, name));
        change_retention(&look.state, &look.scope, events?, audit?, Some(commands?)).await
    };
    match changed.await {
        Ok(_) => Ok(layout::done(&place(&look, "retention"), "saved")),
        Err(error) => Ok(answer(&look, Some(&error), &FIELDS.map(|name| fields.text(name)))),
    }
}

fn answer(look: &Look, error: Option<&Error>, days: &[String; 3]) -> Response {
    let labels = [
        ("Audit log, in days", "30 to 3650"),
        ("Device log, in days", "30 to 3650"),
        ("Finished commands, in days", "30 to 90"),
    ];
    let entries = FIELDS.iter().zip(labels).zip(days);
    let content = html! {
        header { h1 { (TITLE) } p { "What is older of the logs is not shown any more, and deleted within the hour. Nothing brings it back." } }
        @if look.may_own() {
            form.plain method="post" {
                (layout::token(&look.visitor))
                @for ((name, (label, range)), days) in entries {
                    label { (label) input name=(name) inputmode="numeric" value=(days) required; small { (range) } }
                }
                button type="submit" { "Save" }
            }
        } @else {
            dl.facts { @for ((_, (label, _)), days) in entries { dt { (label) } dd { (days) } } }
        }
    };
    layout::page_with(look, Part::Settings, TITLE, error, &content)
}
