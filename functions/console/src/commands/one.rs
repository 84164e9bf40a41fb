//! A command that was sent, and how far it has come.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use shared::domain::command::CommandBatch;
use shared::domain::command_job::{CommandJob, JobState};
use shared::domain::rights::Right;
use shared::error::{Error, Kind, Result};
use shared::id::CommandUuid;
use shared::service::approve_command::approve_command;
use shared::service::command_jobs::{job, job_targets, stop_job};
use shared::service::show_command::{TargetStatus, show_command};
use shared::service::withdraw_command::{cancel_command, may_withdraw};

use super::review::reason;
use super::{state, whom};
use crate::chart;
use crate::devices::words::status;
use crate::devices::{place, refreshed};
use crate::layout::{self, Part, moment};
use crate::look::{Act, HelpAct, Look};
use crate::refusal::Refusal;

/// From so many targets on, a chart says more than their list.
const FEW: usize = 5;

/// A command, as its page shows it.
struct Shown {
    batch: CommandBatch,
    targets: Vec<TargetStatus>,
    job: Option<CommandJob>,
}

impl Shown {
    /// Whether it comes further by itself.
    fn moves(&self) -> bool {
        let waits = |target: &TargetStatus| target.status.is_some_and(|status| status.is_waiting());
        match &self.job {
            Some(job) => matches!(job.state, JobState::Running | JobState::Withdrawing),
            None => self.targets.iter().any(waits),
        }
    }
}

async fn read(look: &Look, command: &str) -> Result<Shown> {
    let uuid: CommandUuid = command.parse().map_err(|_| Error::not_found("command"))?;
    let (batch, targets) = show_command(&look.state, &look.scope, &uuid).await?;
    let job = match &batch.job {
        Some(_) => Some(job(&look.state, &look.scope, &uuid).await?),
        None => None,
    };
    Ok(Shown { batch, targets, job })
}

/// The page.
pub(crate) async fn show(
    Path((_, command)): Path<(String, String)>,
    look: Look,
) -> Result<Response, Refusal> {
    answer(&look, &read(&look, &command).await?, None)
}

/// The part of it that moves.
pub(crate) async fn progress(
    Path((_, command)): Path<(String, String)>,
    look: Look,
) -> Result<Response, Refusal> {
    let shown = read(&look, &command).await?;
    Ok(layout::answer(StatusCode::OK, part(&look, &shown)))
}

fn answer(look: &Look, shown: &Shown, error: Option<&Error>) -> Result<Response, Refusal> {
    let batch = &shown.batch;
    let content = html! {
        header { h1 { (batch.request_type) } @if let Some(job) = &shown.job { p { (whom(&job.targets)) } } }
        dl.facts {
            dt { "Sent" } dd { (moment(batch.created_at)) }
            @if let Some(by) = &batch.approved_by { dt { "Approved" } dd { @if let Some(at) = batch.approved_at { (moment(at)) } " by " (by) } }
            @if let Some(at) = batch.cancelled_at { dt { "Taken back" } dd { (moment(at)) } }
            dt { "Command" } dd { code { (batch.uuid) } }
        }
        (part(look, shown))
    };
    Ok(layout::page_with(look, Part::Commands, &batch.request_type, error, &content))
}

fn here(look: &Look, batch: &CommandBatch, rest: &str) -> String {
    look.path(&format!("commands/{}{rest}", batch.uuid))
}

fn part(look: &Look, shown: &Shown) -> Markup {
    let since = shown.job.as_ref().map_or(shown.batch.created_at, |job| job.moved_at);
    let often = refreshed(since, look.state.clock.now());
    let refresh = shown.moves().then(|| here(look, &shown.batch, "/progress"));
    html! {
        section #progress hx-get=[refresh.as_ref()] hx-trigger=[refresh.as_ref().map(|_| often)] hx-swap=[refresh.as_ref().map(|_| "outerHTML")] {
            @match &shown.job {
                Some(job) => (job_part(look, shown, job)),
                None => (table(look, &shown.batch, &shown.targets)),
            }
            @if refresh.is_some() { p { a href=(here(look, &shown.batch, "")) { "Look again" } } }
            @if look.may_help() { (buttons(look, shown)) }
        }
    }
}

fn job_part(look: &Look, shown: &Shown, job: &CommandJob) -> Markup {
    let tally = &job.tally;
    html! {
        p.big { (state(job.state)) }
        @if shown.moves() { progress aria-label=(state(job.state)) {} }
        dl.facts {
            dt { "Looked at" } dd { (tally.looked_at) }
            dt { "It is for" } dd { (tally.found) }
            dt { "Queued on" } dd { (tally.queued) }
            @for (why, devices) in &tally.skipped { dt { (reason(*why)) } dd { (devices) } }
            @if tally.failed > 0 { dt { "Failed on" } dd.bad { (tally.failed) } }
            @if job.state.is_taken_back() { dt { "Taken back on" } dd { (tally.withdrawn) } dt { "Answered before" } dd { (tally.delivered) } }
        }
        @if !tally.failures.is_empty() {
            ul { @for failure in &tally.failures { li { a href=(place(look, &failure.enrollment, "")) { (failure.enrollment) } ": " code { (failure.code) } } } }
        }
        p { a href=(here(look, &shown.batch, "/targets")) { "Device by device" } }
    }
}

fn table(look: &Look, batch: &CommandBatch, targets: &[TargetStatus]) -> Markup {
    let one = |target: &TargetStatus| place(look, &target.enrollment, &format!("commands/{}", batch.uuid));
    html! {
        @if targets.len() >= FEW { (chart::bars("How many devices stand where", &outcomes(targets))) }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Device" } th { "State" } th { "Why" } } }
            tbody {
                @for target in targets {
                    tr {
                        td { @if target.status.is_some() { a href=(one(target)) { (target.enrollment) } } @else { (target.enrollment) } }
                        td { (stands(target)) }
                        td { (layout::explained(&target.explanation)) }
                    }
                }
            }
        } }
    }
}

fn stands(target: &TargetStatus) -> &'static str {
    target.status.map_or("Not queued", status)
}

/// How many targets stand where, in the order in which they first come up.
fn outcomes(targets: &[TargetStatus]) -> Vec<(String, usize)> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for target in targets {
        match counted.iter_mut().find(|(name, _)| name == stands(target)) {
            Some((_, number)) => *number += 1,
            None => counted.push((stands(target).to_owned(), 1)),
        }
    }
    counted
}

fn buttons(look: &Look, shown: &Shown) -> Markup {
    let batch = &shown.batch;
    let taken_back = shown.job.as_ref().map_or(batch.cancelled_at.is_some(), |job| job.state.is_taken_back());
    let stops = shown
        .job
        .as_ref()
        .is_some_and(|job| matches!(job.state, JobState::Running | JobState::AwaitsApproval));
    let waits = shown.job.is_some() || shown.moves() || batch.awaits_approval();
    let button = |act: &str, word: &str| {
        html! {
            form method="post" action=(here(look, batch, &format!("/{act}"))) {
                (layout::token(&look.visitor))
                button.secondary.outline id=(act) { (word) }
            }
        }
    };
    html! {
        div.inline {
            @if batch.awaits_approval() && !taken_back && look.may_own() { (button("approve", "Approve")) (button("refuse", "Refuse it")) }
            @if stops && !batch.awaits_approval() && look.may_change() { (button("stop", "Stop queueing it")) }
            @if waits && !taken_back && !stops && !batch.awaits_approval() && may_withdraw(&look.scope, batch).is_ok() { (button("cancel", "Take it back where it waits")) }
        }
    }
}

/// A job's targets, a page at a time.
pub(crate) async fn targets(
    Path((_, command)): Path<(String, String)>,
    look: Look,
) -> Result<Response, Refusal> {
    let shown = read(&look, &command).await?;
    let after = look.query.get("after").map(String::as_str);
    let (targets, next) = job_targets(&look.state, &look.scope, &shown.batch.uuid, after).await?;
    let content = html! {
        header { h1 { (shown.batch.request_type) ", device by device" } p { a href=(here(&look, &shown.batch, "")) { "Back to the command" } } }
        @if targets.is_empty() { p { "It is queued on none of those looked at here." } } @else { (table(&look, &shown.batch, &targets)) }
        @if let Some(next) = next { p { a href=(here(&look, &shown.batch, &format!("/targets?after={next}"))) rel="next" { "Go on" } } }
    };
    Ok(layout::page(&look, Part::Commands, &shown.batch.request_type, &content))
}

fn not_awaiting() -> Error {
    Error::conflict("approval-not-awaited", "This command does not wait for an approval, or not any more.")
        .next("See how far it has come. What is not delivered yet can still be taken back.")
}

/// Approves, refuses, stops or takes back.
pub(crate) async fn act(
    Path((_, command, what)): Path<(String, String, String)>,
    HelpAct(Act { look, .. }): HelpAct,
) -> Result<Response, Refusal> {
    match what.as_str() {
        // The second pair of eyes is the organization's own.
        "approve" | "refuse" => look.check(Right::Own)?,
        "stop" => look.check(Right::Manage)?,
        _ => {}
    }
    let shown = read(&look, &command).await?;
    let (state, scope, uuid) = (&look.state, &look.scope, &shown.batch.uuid);
    let acted = match what.as_str() {
        // Who approved it a moment ago was faster.
        "refuse" if !shown.batch.awaits_approval() => Err(not_awaiting()),
        "approve" => approve_command(state, scope, uuid).await.map(|_| "command-approved"),
        "stop" => stop_job(state, scope, uuid).await.map(|_| "job-stopped"),
        "refuse" if shown.job.is_some() => stop_job(state, scope, uuid).await.map(|_| "command-refused"),
        "refuse" => cancel_command(state, scope, uuid).await.map(|_| "command-refused"),
        "cancel" => cancel_command(state, scope, uuid).await.map(|_| "command-cancelled"),
        _ => Err(Error::not_found("action")),
    };
    match acted {
        Ok(said) => Ok(layout::done(&here(&look, &shown.batch, ""), said)),
        Err(error) if matches!(error.kind(), Kind::Conflict | Kind::Forbidden) => {
            answer(&look, &shown, Some(&error))
        }
        Err(error) => Err(error.into()),
    }
}
