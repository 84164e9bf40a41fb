//! What became of a webhook's calls, and what was given up.

use maud::{Markup, html};
use shared::domain::webhook_attempt::{CallResult, Outcome};
use shared::error::Result;
use shared::id::WebhookId;
use shared::time::from_unix;

use super::super::place;
use crate::layout;
use crate::look::Look;

/// Attempts on one page.
const PAGE: i32 = 50;

/// What a call came to, in words.
pub(super) fn result(call: &CallResult) -> Markup {
    let word = match call.outcome {
        Outcome::Delivered => "Taken",
        Outcome::Refused => "Refused",
        Outcome::Unreachable => "Not reached",
        Outcome::Gone => "Nobody listens there any more",
    };
    let is_good = call.outcome == Outcome::Delivered;
    html! {
        span.badge.good[is_good].bad[!is_good] { (word) }
        @if let Some(status) = call.status { " Status " (status) "," } " after " (call.latency_ms) " ms. "
        @if let Some(trouble) = &call.trouble { (trouble) }
        @if !call.answer.is_empty() { details { summary { "Answer" } pre { (call.answer) } } }
    }
}

/// What was given up, with a button to send it once more.
pub(super) async fn dead_letters(look: &Look, id: &WebhookId) -> Result<Markup> {
    let letters = look.state.store.dead_letters(&look.scope, id, look.state.clock.now()).await?;
    Ok(html! {
        @if !letters.is_empty() {
            h2 { "Given up" }
            p { "Refused for a day. They are kept for thirty days." }
            div.scroll tabindex="0" { table {
                thead { tr { th { "Event" } th { "Device" } th { "Given up" } th { "Kept until" } @if look.may_own() { th { "" } } } }
                tbody { @for letter in &letters { tr {
                    td { (letter.action.name().replace('-', " ")) }
                    td { @match &letter.enrollment { Some(device) => (device.to_string()), None => "—" } }
                    td { (layout::moment(letter.given_up_at)) " after " (letter.attempts) " attempts" }
                    td { (layout::moment(from_unix(letter.expires_at))) }
                    @if look.may_own() { td {
                        form method="post" action=(place(look, &format!("webhooks/{id}/redeliver"))) {
                            (layout::token(&look.visitor))
                            input type="hidden" name="event" value=(letter.event.to_string());
                            button.secondary { "Send once more" }
                        }
                    } }
                } } }
            } }
        }
    })
}

/// The last calls.
pub(super) async fn deliveries(look: &Look, id: &WebhookId) -> Result<Markup> {
    let (now, after) = (look.state.clock.now(), look.query.get("after").map(String::as_str));
    let (attempts, next) = look.state.store.webhook_attempts(&look.scope, id, now, after, PAGE).await?;
    Ok(html! {
        h2 { "Deliveries of the last seven days" }
        @if attempts.is_empty() { p { "None." } }
        @else {
            div.scroll tabindex="0" { table {
                thead { tr { th { "When" } th { "Event" } th { "Device" } th { "Result" } } }
                tbody { @for attempt in &attempts { tr {
                    td { (layout::moment(attempt.at)) }
                    td { (attempt.action.name().replace('-', " ")) @if attempt.attempt > 1 { " (attempt " (attempt.attempt) ")" } }
                    td { @match &attempt.enrollment { Some(device) => (device.to_string()), None => "—" } }
                    td { (result(&attempt.result)) }
                } } }
            } }
        }
        @if let Some(next) = next { p { a href={ (place(look, &format!("webhooks/{id}"))) "?after=" (next) } { "Older deliveries" } } }
    })
}
