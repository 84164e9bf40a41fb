//! Whom a command would reach, before it is sent.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::command_job::SkipReason;
use shared::protocol::command::Command;
use shared::protocol::command::schema::CommandSchema;
use shared::service::command_jobs::Preview;

use super::inputs;
use crate::devices::{name, place};
use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::Look;

/// Whether the number of devices must be typed before it is sent.
pub(super) fn wants_number(command: &Command) -> bool {
    command.request_type() == "EraseDevice"
}

/// Why a command is not queued on a device.
pub(super) fn reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Unknown => "No device has this identifier",
        SkipReason::NotEnrolled => "Not enrolled (any more)",
        SkipReason::PushCertificate => "No valid push certificate reaches it",
        SkipReason::UnlockToken => "It deposited no token to clear its passcode with",
    }
}

/// The review.
pub(super) fn page(
    look: &Look,
    fields: &Fields,
    kind: Option<&CommandSchema>,
    command: &Command,
    preview: &Preview,
) -> Response {
    let hits = preview.would_hit;
    let content = html! {
        header { h1 { (command.request_type()) } p { "Nothing is sent yet." } }
        p.big { @if hits == 1 { "1 device" } @else { (hits) " devices" } @if !preview.complete { " and more" } }
        @if !preview.complete { p { "Only the first " (preview.looked_at) " were looked at." } }
        (doubts(command, preview))
        @if !preview.first.is_empty() {
            h2 { @if hits > preview.first.len() { "The first of them" } @else { "They are" } }
            ul { @for device in &preview.first { li { a href=(place(look, &device.id, "")) { (name(device)) } } } }
        }
        form.plain method="post" action=(look.path("commands/new")) {
            (layout::token(&look.visitor))
            (inputs::hidden(kind, fields))
            input type="hidden" name="uuid" value=(look.state.random.command_uuid());
            input type="hidden" name="hits" value=(hits);
            @if hits > 0 && wants_number(command) {
                p.bad { "Everything on these devices is deleted. Nobody can undo it." }
                label { "Type the number of devices to confirm: " strong { (hits) }
                    input name="confirm" inputmode="numeric" autocomplete="off"; }
            }
            div.inline {
                @if hits > 0 { button type="submit" name="then" value="send" class=[wants_number(command).then_some("danger")] { "Send it" } }
                button.secondary type="submit" name="then" value="edit" { "Change something" }
            }
        }
    };
    layout::page(look, Part::Commands, command.request_type(), &content)
}

fn doubts(command: &Command, preview: &Preview) -> Markup {
    let unknown = command.unknown_keys();
    html! {
        @if !unknown.is_empty() || !preview.warnings.is_empty() {
            div.note.warn {
                @if !unknown.is_empty() { p { "Apple documents no such key: " (unknown.join(", ")) ". It is sent all the same." } }
                @for (devices, message) in preview.warnings.values() { p { strong { (devices) " of them: " } (message) } }
            }
        }
        @if !preview.skipped.is_empty() {
            div.note {
                p { "Left out:" }
                ul { @for (why, devices) in &preview.skipped { li { (devices) ": " (reason(*why)) } } }
            }
        }
    }
}
