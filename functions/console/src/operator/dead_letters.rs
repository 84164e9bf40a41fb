//! Messages that failed so often that they were set aside: what they are about, another try, and their end.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::dead_letter::{DeadLetter, DeadLetterQueue};
use shared::error::{Error, Result};
use shared::port::dead_letters::{LettersMove, MoveState};
use shared::service::dead_letters::{
    DeadLettersShown, dead_letters, discard_dead_letters, send_dead_letters_back,
};

use crate::fields::Fields;
use crate::layout;
use crate::look::{OperatorAct, OperatorLook};
use crate::refusal::Refusal;

const PLACE: &str = "/console/operator/dead-letters";
const TITLE: &str = "Dead letters";

/// All queues.
pub(crate) async fn show(look: OperatorLook) -> Result<Response, Refusal> {
    answer(&look, None).await
}

/// Sends a queue's letters back.
pub(crate) async fn send_back(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let sent = async { send_dead_letters_back(&look.signed.state, &look.operator, queue(&fields)?).await };
    match sent.await {
        Ok(_) => Ok(layout::done(PLACE, "letters-sent-back")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

/// Deletes a queue's letters, when its name was typed.
pub(crate) async fn discard(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let discarded = async {
        let queue = queue(&fields)?;
        if fields.text("confirm") != queue.name() {
            let message = format!("To discard the letters, type the queue's name: {}.", queue.name());
            return Err(Error::conflict("name-not-typed", message).at("confirm"));
        }
        discard_dead_letters(&look.signed.state, &look.operator, queue).await
    };
    match discarded.await {
        Ok(()) => Ok(layout::done(PLACE, "letters-discarded")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

fn queue(fields: &Fields) -> Result<DeadLetterQueue> {
    DeadLetterQueue::named(&fields.text("queue")).ok_or_else(|| Error::not_found("queue"))
}

async fn answer(look: &OperatorLook, error: Option<&Error>) -> Result<Response, Refusal> {
    let all = dead_letters(&look.signed.state, &look.operator).await?;
    let content = html! {
        header { h1 { (TITLE) } p { "Messages between this server's parts that failed so often that they were set aside. The numbers are about right: the queues count slowly." } }
        @if all.iter().all(|one| one.letters == 0) { div.note.good { p { "There are none." } } }
        @for one in &all { (section(look, one)) }
    };
    Ok(layout::operators_with(look, PLACE, TITLE, error, &content))
}

fn section(look: &OperatorLook, one: &DeadLettersShown) -> Markup {
    let (heading, meaning) = words(one.queue);
    html! {
        section id=(one.queue.name()) {
            h2 { (heading) " " span.badge.warn[one.letters > 0] { (one.letters) } }
            p.quiet { (meaning) }
            @if let Some(last) = &one.last_move { (moved(last)) }
            @if one.letters > 0 { (letters(look, one)) (acts(look, one)) }
        }
    }
}

fn words(queue: DeadLetterQueue) -> (&'static str, &'static str) {
    match queue {
        DeadLetterQueue::Wake => (
            "Wake-ups",
            "The commands are safe: a device gets them whenever it asks by itself. Usually a push certificate cannot be used, or Apple cannot be reached.",
        ),
        DeadLetterQueue::Jobs => (
            "Commands to many devices",
            "Such a command stands still. A sweep reminds of it each hour, and it goes on by itself once the cause is gone.",
        ),
        DeadLetterQueue::Sweep => (
            "Sweeps",
            "The look at a tenant's devices ended there. The next one begins within the hour and does all of it anew.",
        ),
        DeadLetterQueue::Events => (
            "Webhooks and seals",
            "Not for a webhook's server, whose refusals stand at the webhook itself. Every minute has new turns: there is no need to send these back.",
        ),
        DeadLetterQueue::ExpiryNotifier => (
            "Expiry mails",
            "The daily run failed in spite of its retries: somebody may not know what expires. Start one by hand, as the runbook says, when the cause is gone.",
        ),
    }
}

fn moved(last: &LettersMove) -> Markup {
    html! {
        @match &last.state {
            MoveState::Running => div.note role="status" { p { "On their way back since " (layout::moment(last.started_at)) ": " (last.moved) " so far." } },
            MoveState::Done => p.quiet { "Last sent back " (layout::moment(last.started_at)) ": " (last.moved) "." },
            MoveState::Failed(why) => div.note.bad { p { "Sending them back on " (layout::moment(last.started_at)) " stopped after " (last.moved) ": " code { (why) } } },
        }
    }
}

fn letters(look: &OperatorLook, one: &DeadLettersShown) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "It was to" } th { "Tenant" } th { "Of" } th { "Sent" } th { "Why it failed" } } }
            tbody { @for letter in &one.some { (row(letter)) } }
        } }
        @if one.letters > one.some.len() as u64 { p.quiet { "These are some of them." } }
        @if one.some.is_empty() {
            p { a href=(PLACE) { "Look again" } " to see some of them: the queue showed none just now." }
        }
        @if one.is_moving() { p { a href={ (PLACE) "#" (one.queue.name()) } { "Look again" } } }
        @if look.signed.query.contains_key("said") { p.quiet { "The numbers may take a minute to follow." } }
    }
}

fn row(letter: &DeadLetter) -> Markup {
    let about = &letter.about;
    html! {
        tr {
            td { (about.what) }
            td { @if let Some(tenant) = &about.tenant { a href={ "/console/operator/tenants/" (tenant) } { (tenant) } } @else { "—" } }
            td { @match &about.subject { Some(subject) => code { (subject) }, None => "—" } }
            td { (layout::moment(letter.sent_at)) }
            td { @match &letter.error { Some(error) => (error), None => "The function's log says it." } }
        }
    }
}

fn acts(look: &OperatorLook, one: &DeadLettersShown) -> Markup {
    let hidden = html! {
        (layout::token(&look.signed.visitor))
        input type="hidden" name="queue" value=(one.queue.name());
    };
    html! {
        @if one.queue.goes_back() && !one.is_moving() {
            form.plain method="post" action={ (PLACE) "/send-back" } {
                (hidden)
                button.secondary type="submit" { "Send them back" }
                small { "When the cause is gone: else they return." }
            }
        }
        details {
            summary { "Discard them" }
            form.plain method="post" action={ (PLACE) "/discard" } {
                (hidden)
                label { "Type the queue's name: " strong { (one.queue.name()) } input name="confirm" autocomplete="off" required; }
                button.danger type="submit" { "Discard for good" }
            }
        }
    }
}
