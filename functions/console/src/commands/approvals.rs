//! Commands that wait for a colleague's approval, for few devices or many.

use futures_util::future::try_join_all;
use maud::{Markup, html};
use shared::domain::command::{Approval, CommandBatch};
use shared::error::Result;
use shared::service::command_jobs::job;

use super::whom;
use crate::layout::{self, moment};
use crate::look::Look;

/// So many devices are named.
const NAMED: usize = 5;

/// The part of the page; nothing where nothing waits.
pub(super) async fn part(look: &Look) -> Result<Markup> {
    let now = look.state.clock.now();
    let (waiting, more) = look.state.store.awaiting_approval(&look.scope, now).await?;
    let rows = try_join_all(waiting.iter().map(|batch| row(look, batch))).await?;
    Ok(html! {
        @if !rows.is_empty() {
            section #approvals {
                h2 { "Waiting for approval" }
                p.quiet { "They do nothing before a second administrator approves them." }
                div.scroll tabindex="0" { table {
                    thead { tr { th { "Command" } th { "For" } th { "Asked by" } th { "Asked" } th { "In time until" } th { "" } } }
                    tbody { @for row in &rows { (row) } }
                } }
                @if more { p.quiet { "These are the first. More wait behind them." } }
            }
        }
    })
}

async fn row(look: &Look, batch: &CommandBatch) -> Result<Markup> {
    let targets = match &batch.job {
        Some(_) => whom(&job(&look.state, &look.scope, &batch.uuid).await?.targets),
        None => named(batch),
    };
    let Some(asked) = &batch.approval else { return Ok(Markup::default()) };
    let place = look.path(&format!("commands/{}", batch.uuid));
    Ok(html! {
        tr {
            td { a href=(place) { (batch.request_type) } }
            td { (targets) }
            td { (who(&asked.asked_by)) }
            td { (moment(batch.created_at)) }
            td { @match asked.not_after { Some(end) => (moment(end)), None => "any time" } }
            td { @if look.may_own() { (buttons(look, batch, asked, &place)) } }
        }
    })
}

fn named(batch: &CommandBatch) -> String {
    let names: Vec<String> = batch.targets.iter().take(NAMED).map(ToString::to_string).collect();
    let rest = batch.targets.len().saturating_sub(NAMED);
    let listed = names.join(", ");
    if rest == 0 { listed } else { format!("{listed} and {rest} more") }
}

/// Who asked, as people say it.
fn who(actor: &str) -> String {
    match actor.split_once(':') {
        Some(("member", address)) => address.to_owned(),
        Some(("token", token)) => format!("the API token {token}"),
        _ => actor.to_owned(),
    }
}

fn buttons(look: &Look, batch: &CommandBatch, asked: &Approval, place: &str) -> Markup {
    let own = asked.asked_by == look.scope.actor().to_string();
    let button = |act: &str, word: &str| {
        html! {
            form method="post" action={ (place) "/" (act) } {
                (layout::token(&look.visitor))
                button.secondary.outline aria-label={ (word) " " (batch.request_type) } { (word) }
            }
        }
    };
    html! {
        div.inline {
            @if own { span.quiet { "You asked: a colleague approves." } (button("refuse", "Take back")) }
            @else { (button("approve", "Approve")) (button("refuse", "Refuse")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::who;

    #[test]
    fn an_actor_is_named_as_people_say_it() {
        assert_eq!(who("member:jo@school.example"), "jo@school.example");
        assert_eq!(who("token:aaaabbbb"), "the API token aaaabbbb");
        assert_eq!(who("system:sweep"), "system:sweep");
    }
}
