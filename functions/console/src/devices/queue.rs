//! What waits for a device, each with why; and the command that was just sent, until its answer is there.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use shared::domain::command::QueuedCommand;
use shared::domain::enrollment::Enrollment;
use shared::domain::explanation::Explanation;
use shared::error::{Error, Kind, Result};
use shared::id::CommandUuid;
use shared::service::list_queue::list_queue;
use shared::service::reveal_pin::reveal_pin;
use shared::service::show_command::{TargetStatus, show_on_target};
use shared::service::withdraw_command::{cancel_on_target, clear_queue, may_withdraw_by_id, retry_command};
use url::form_urlencoded;

use super::page::{self, Typed, followed};
use super::words::status;
use super::{find, name, place, refreshed, timeline};
use crate::layout::{self, Part, moment};
use crate::look::{Act, HelpAct, Look, SharedAct};
use crate::refusal::Refusal;
use crate::told::told;

/// The part of the page that says where commands stand, for whoever has it refreshed.
pub(crate) async fn show(Path((_, id)): Path<(String, String)>, look: Look) -> Result<Response, Refusal> {
    let device = find(&look, &id).await?;
    let waiting = list_queue(&look.state, &look.scope, &device.id, false, None).await?;
    // An answer stands in the timeline, too. It is left alone otherwise: somebody may be reading there.
    let moved = look.query.get("waits").is_some_and(|waited| *waited != waiting.0.len().to_string());
    let part = html! {
        (standing(&look, &device, followed(&look).as_ref(), waiting).await?)
        @if moved { (timeline::again(&look, &device).await?) }
    };
    Ok(layout::answer(StatusCode::OK, part))
}

/// The part: it has itself refreshed while anything waits.
pub(super) async fn part(look: &Look, device: &Enrollment, follows: Option<&CommandUuid>) -> Result<Markup> {
    let waiting = list_queue(&look.state, &look.scope, &device.id, false, None).await?;
    standing(look, device, follows, waiting).await
}

async fn standing(
    look: &Look,
    device: &Enrollment,
    follows: Option<&CommandUuid>,
    (waiting, more): (Vec<(QueuedCommand, Explanation)>, Option<String>),
) -> Result<Markup> {
    let (state, scope) = (&look.state, &look.scope);
    let (aside, _) = list_queue(state, scope, &device.id, true, None).await?;
    let followed = match follows {
        Some(uuid) => match show_on_target(state, scope, uuid, device).await {
            Ok(found) => Some(found),
            Err(error) if error.kind() == Kind::NotFound => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let since = waiting.iter().map(|(command, _)| command.created_at).max().max(Some(device.last_seen));
    let often = refreshed(since.unwrap_or(device.last_seen), state.clock.now());
    let refresh = (!waiting.is_empty()).then(|| refresh(look, device, follows, waiting.len()));
    let all = !waiting.is_empty() && look.may_change();
    Ok(html! {
        section #queue hx-get=[refresh.as_ref()] hx-trigger=[refresh.as_ref().map(|_| often)] hx-swap=[refresh.as_ref().map(|_| "outerHTML")] {
            h2 { "Commands" }
            @if let Some((command, shown)) = &followed { (just_sent(look, device, command, shown)) }
            @if waiting.is_empty() { p { "Nothing waits for this device." } } @else {
                (table(look, device, &waiting, look.may_change().then_some(("cancel", "Cancel"))))
                @if more.is_some() { p.quiet { "These are the first. More wait behind them." } }
                p { a href={ (place(look, &device.id, "")) "?" (query(look, follows).finish()) "#queue" } { "Look again" } }
            }
            @if all {
                form.inline method="post" action=(place(look, &device.id, "clear")) {
                    (layout::token(&look.visitor))
                    button #clear .secondary.outline { "Cancel all that waits" }
                }
            }
            @if !aside.is_empty() {
                h3 { "Set aside" }
                p { "The device fetched these again and again and never answered. Those behind them go on." }
                (table(look, device, &aside, look.may_help().then_some(("retry", "Try again"))))
            }
        }
    })
}

/// Where the part is refreshed, for a page that shows so many commands.
fn refresh(look: &Look, device: &Enrollment, follows: Option<&CommandUuid>, waiting: usize) -> String {
    let query = query(look, follows).append_pair("waits", &waiting.to_string()).finish();
    place(look, &device.id, &format!("queue?{query}"))
}

/// What the page is about, besides the device: a command, and a month of the timeline.
fn query(look: &Look, follows: Option<&CommandUuid>) -> form_urlencoded::Serializer<'static, String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(follows.map(|uuid| ("command", uuid.to_string())));
    query.extend_pairs(look.query.iter().filter(|(name, _)| ["month", "events"].contains(&name.as_str())));
    query
}

fn just_sent(look: &Look, device: &Enrollment, command: &QueuedCommand, shown: &TargetStatus) -> Markup {
    let waits = shown.status.is_some_and(|status| status.is_waiting());
    html! {
        div.note.good[!waits] role="status" {
            p { strong { (command.request_type) ": " (shown.status.map_or("Not sent", status)) } }
            p { (layout::explained(&shown.explanation)) " " a href=(one(look, device, command)) { "The command and its answer" } }
        }
    }
}

fn one(look: &Look, device: &Enrollment, command: &QueuedCommand) -> String {
    place(look, &device.id, &format!("commands/{}", command.uuid))
}

fn table(
    look: &Look,
    device: &Enrollment,
    commands: &[(QueuedCommand, Explanation)],
    act: Option<(&str, &str)>,
) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "Command" } th { "Sent" } th { "Why it stands where it stands" } @if act.is_some() { th { "" } } } }
            tbody {
                @for (command, why) in commands {
                    tr {
                        td { a href=(one(look, device, command)) { (command.request_type) } }
                        td { (moment(command.created_at)) }
                        td { (why) }
                        @if let Some((act, word)) = act { td { (button(look, device, command, act, word)) } }
                    }
                }
            }
        } }
    }
}

fn button(look: &Look, device: &Enrollment, command: &QueuedCommand, act: &str, word: &str) -> Markup {
    html! {
        form method="post" action={ (one(look, device, command)) "/" (act) } {
            (layout::token(&look.visitor))
            button.secondary.outline id={ (act) "-" (command.uuid) } aria-label={ (word) ": " (command.request_type) } { (word) }
        }
    }
}

fn uuid(text: &str) -> Result<CommandUuid> {
    text.parse().map_err(|_| Error::not_found("command"))
}

/// One command on this device, with its answer.
pub(crate) async fn command(
    Path((_, id, command)): Path<(String, String, String)>,
    look: Look,
) -> Result<Response, Refusal> {
    let device = find(&look, &id).await?;
    let uuid = uuid(&command)?;
    let (command, shown) = show_on_target(&look.state, &look.scope, &uuid, &device).await?;
    let may_cancel = command.status.is_waiting()
        && look.may_help()
        && may_withdraw_by_id(&look.state, &look.scope, &uuid).await.is_ok();
    let has_pin = matches!(command.request_type.as_str(), "DeviceLock" | "EraseDevice");
    let content = html! {
        header { h1 { (command.request_type) } p { "On " a href=(place(&look, &device.id, "")) { (name(&device)) } } }
        p.big { (shown.status.map_or("Not sent", status)) }
        p { (layout::explained(&shown.explanation)) }
        dl.facts {
            dt { "Sent" } dd { (moment(command.created_at)) }
            @if let Some(at) = shown.completed_at { dt { "Over" } dd { (moment(at)) } }
            @if let Some(at) = shown.not_after { dt { "Waits until" } dd { (moment(at)) } }
            dt { "Command" } dd { code { (command.uuid) } }
        }
        @if look.may_help() {
            div.inline {
                @if may_cancel { (button(&look, &device, &command, "cancel", "Cancel")) }
                @if has_pin && look.may_own() { (button(&look, &device, &command, "pin", "Show the PIN")) }
            }
            @if has_pin && look.may_own() { p.quiet { "Only Macs are locked with a PIN. The audit log keeps who looked." } }
        }
        h2 { "Answer" }
        @match &shown.result {
            Some(answer) => (told(answer)),
            None => { p { "There is none." } p { a href=(one(&look, &device, &command)) { "Look again" } } },
        }
    };
    Ok(layout::page(&look, Part::Devices, &command.request_type, &content))
}

/// Takes a command back on this device.
pub(crate) async fn cancel(
    Path((_, id, command)): Path<(String, String, String)>,
    HelpAct(Act { look, .. }): HelpAct,
) -> Result<Response, Refusal> {
    let device = find(&look, &id).await?;
    cancel_on_target(&look.state, &look.scope, &uuid(&command)?, &device.id).await?;
    Ok(layout::done(&place(&look, &device.id, ""), "command-cancelled"))
}

/// Tries a command again that was set aside.
pub(crate) async fn retry(
    Path((_, id, command)): Path<(String, String, String)>,
    HelpAct(Act { look, fields }): HelpAct,
) -> Result<Response, Refusal> {
    let device = find(&look, &id).await?;
    match retry_command(&look.state, &look.scope, &uuid(&command)?, &device.id).await {
        Ok(()) => Ok(layout::done(&place(&look, &device.id, ""), "command-retried")),
        Err(error) if error.kind() == Kind::Conflict => {
            page::answer(&look, &device, &Typed { form: "retry".into(), fields, error: Some(error) }).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes back all that waits.
pub(crate) async fn clear(
    Path((_, id)): Path<(String, String)>,
    SharedAct(Act { look, .. }): SharedAct,
) -> Result<Response, Refusal> {
    let device = find(&look, &id).await?;
    clear_queue(&look.state, &look.scope, &device.id).await?;
    Ok(layout::done(&place(&look, &device.id, ""), "queue-cleared"))
}

/// Shows the PIN that a Mac was locked or erased with.
pub(crate) async fn pin(
    Path((_, id, command)): Path<(String, String, String)>,
    Act { look, .. }: Act,
) -> Result<Response, Refusal> {
    let device = find(&look, &id).await?;
    let pin = reveal_pin(&look.state, &look.scope, &uuid(&command)?, &device.id).await?;
    let content = html! {
        header { h1 { "PIN of " (name(&device)) } }
        p.big { code { (pin.expose()) } }
        p { "Type it on the Mac. The audit log keeps that you looked." }
        p { a href=(place(&look, &device.id, "")) { "Back to the device" } }
    };
    Ok(layout::page(&look, Part::Devices, "PIN", &content))
}
