//! What became of a device, a month at a time.

use maud::{Markup, html};
use shared::domain::enrollment::Enrollment;
use shared::domain::event::{Event, EventKind};
use shared::domain::log::{LogFilter, month, month_of};
use shared::domain::seal::Log;
use shared::error::Result;
use shared::service::retention::shown_from;
use shared::time::{SignedDuration, Timestamp};

use super::place;
use crate::layout::moment;
use crate::look::Look;

/// Entries of one reading.
const PAGE: usize = 50;

fn words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::EnrollmentRestarted => "Began to enroll again",
        EventKind::DeviceEnrolled => "Enrolled",
        EventKind::CheckedOut => "Removed its enrollment",
        EventKind::DeviceUnenrolled => "Was told that it is unenrolled",
        EventKind::CommandCompleted => "Answered a command",
        EventKind::PushAddressRefused => "Apple refused a push to it",
        EventKind::IdentityRefused => "Tried to enroll with the identity of another device",
        EventKind::ExternalIdentityRefused => "Tried to enroll with a certificate that no profile asked for",
        EventKind::IdentityRenewed => "Renewed its identity",
        EventKind::IdentityOverdue => "Has not renewed its identity",
        EventKind::RevokedIdentityUsed => "Spoke with a revoked identity",
        EventKind::DuplicateRefused => "A second device spoke under its name and was refused",
        EventKind::DeviceInactive => "Was silent for too long: it became inactive, and access was locked",
        EventKind::DeviceReturned => "Answered again after it was inactive",
        EventKind::InactivityHeld => "Many devices fell silent at once, so none became inactive",
        EventKind::WebhookDisabled => "A webhook was switched off",
    }
}

/// The month that was asked for, else the present one.
fn wanted(look: &Look) -> String {
    let asked = look.query.get("month").cloned().and_then(|text| month(text).ok());
    asked.unwrap_or_else(|| month_of(look.state.clock.now()))
}

/// The month before.
fn before(month: &str) -> Option<String> {
    let first: Timestamp = format!("{month}-01T00:00:00Z").parse().ok()?;
    Some(month_of(first.checked_sub(SignedDuration::from_hours(24)).ok()?))
}

/// The part of the page.
pub(super) async fn page(look: &Look, device: &Enrollment) -> Result<Markup> {
    section(look, device, false).await
}

/// The part anew, in an answer about another part of the page.
pub(super) async fn again(look: &Look, device: &Enrollment) -> Result<Markup> {
    section(look, device, true).await
}

async fn section(look: &Look, device: &Enrollment, again: bool) -> Result<Markup> {
    let from = shown_from(&look.state, &look.scope, Log::Events).await?;
    let filter = LogFilter { enrollment: Some(device.id.to_string()), ..LogFilter::default() };
    let (filter, month) = (filter.not_before(from), wanted(look));
    let after = look.query.get("events").map(String::as_str);
    let (events, next) = look.state.store.events(&look.scope, &month, &filter, after, PAGE).await?;
    let here = place(look, &device.id, "");
    Ok(html! {
        section #timeline hx-swap-oob=[again.then_some("true")] {
            h2 { "Timeline of " (month) }
            @if events.is_empty() { p { "Nothing is written down here." } } @else {
                div.scroll tabindex="0" { table {
                    thead { tr { th { "When" } th { "What" } } }
                    tbody { @for event in &events { tr { td { (moment(event.at)) } td { (what(look, device, event)) } } } }
                } }
            }
            nav.inline aria-label="Earlier" {
                @if let Some(next) = next { a href={ (here) "?month=" (month) "&events=" (super::part(&next)) "#timeline" } { "Go on" } }
                @if let Some(before) = before(&month) { a href={ (here) "?month=" (before) "#timeline" } { "The month before" } }
            }
        }
    })
}

fn what(look: &Look, device: &Enrollment, event: &Event) -> Markup {
    let command = event.facts.get("command_uuid");
    html! {
        @match command {
            Some(uuid) => {
                a href=(place(look, &device.id, &format!("commands/{}", super::part(uuid)))) { (words(event.kind)) }
                @if let Some(status) = event.facts.get("status") { span.quiet { " " (status) } }
            },
            None => (words(event.kind)),
        }
    }
}
