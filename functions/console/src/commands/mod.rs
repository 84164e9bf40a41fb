//! Commands to any number of devices: the latest, new ones, and how far each has come.

pub(crate) mod help;
pub(crate) mod inputs;
pub(crate) mod new;
pub(crate) mod one;
pub(crate) mod review;
pub(crate) mod targets;

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::command_job::{CommandJob, JobState};
use shared::domain::targets::Targets;
use shared::error::Result;
use shared::protocol::command::schema;

use crate::layout::{self, Part, moment};
use crate::look::Look;
use crate::refusal::Refusal;

/// Jobs on one page.
const PAGE: i32 = 50;

/// The latest commands to many devices, and the way to a new one.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    let after = look.query.get("after").map(String::as_str);
    let (jobs, next) = look.state.store.jobs(&look.scope, after, PAGE, look.state.clock.now()).await?;
    let content = html! {
        header { h1 { "Commands" } p { "A command to one device is quickest from the device's own page." } }
        @if look.may_change() { (kinds(&look)) }
        h2 { "To many devices" }
        @if jobs.is_empty() { div.empty { p { "Nothing was sent to many devices lately." } } } @else { (table(&look, &jobs)) }
        @if let Some(next) = next { p { a href=(look.path(&format!("commands?after={next}"))) rel="next" { "Earlier ones" } } }
    };
    Ok(layout::page(&look, Part::Commands, "Commands", &content))
}

fn kinds(look: &Look) -> Markup {
    let to = |name: &str| look.path(&format!("commands/new?type={name}"));
    html! {
        h2 { "New command" }
        form.inline method="get" action=(look.path("commands/new")) {
            label { "Command"
                select name="type" {
                    @for schema in schema::all() { option value=(schema.name) { (schema.name) } }
                }
            }
            button type="submit" { "Go on" }
        }
        details {
            summary { "What each one does" }
            dl.facts { @for schema in schema::all() { dt { a href=(to(schema.name)) { (schema.name) } } dd { (help::purpose(schema.name)) } } }
        }
        p { a href=(to(new::RAW)) { "Send a property list instead" } }
    }
}

fn table(look: &Look, jobs: &[CommandJob]) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "Command" } th { "For" } th { "Sent" } th { "State" } th { "Queued on" } } }
            tbody {
                @for job in jobs {
                    tr {
                        td { a href=(look.path(&format!("commands/{}", job.uuid))) { (job.request_type) } }
                        td { (whom(&job.targets)) }
                        td { (moment(job.created_at)) }
                        td { (state(job.state)) }
                        td { (job.tally.queued) }
                    }
                }
            }
        } }
    }
}

/// Whom a command is for.
fn whom(targets: &Targets) -> String {
    match targets {
        Targets::Listed { count, .. } => format!("{count} listed devices"),
        Targets::Group(name) => format!("Group {name}"),
        Targets::Filter(_) => "Devices that fit a filter".to_owned(),
        Targets::All => "All devices".to_owned(),
    }
}

fn state(state: JobState) -> &'static str {
    match state {
        JobState::AwaitsApproval => "Waits for a colleague's approval",
        JobState::Running => "Being queued",
        JobState::Done => "Queued",
        JobState::Cancelled => "Stopped",
        JobState::Expired => "Its time was over",
        JobState::Withdrawing => "Being taken back",
        JobState::Withdrawn => "Taken back",
    }
}
