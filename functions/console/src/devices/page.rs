//! A device's page.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::domain::enrollment::Enrollment;
use shared::domain::renewal::RenewalState;
use shared::error::{Error, Result};
use shared::id::CommandUuid;

use super::words::badges;
use super::{find, forms, inventory, name, place, queue, timeline};
use crate::fields::Fields;
use crate::layout::{self, Part, moment};
use crate::look::Look;
use crate::refusal::Refusal;

/// What somebody typed into a form that was not taken.
#[derive(Default)]
pub(crate) struct Typed {
    /// Which form.
    pub(crate) form: String,
    /// What it brought.
    pub(crate) fields: Fields,
    /// Why it was not taken.
    pub(crate) error: Option<Error>,
}

impl Typed {
    /// What was typed into a field of this form; empty in all others.
    pub(crate) fn text(&self, form: &str, field: &str) -> String {
        if self.form == form { self.fields.text(field) } else { String::new() }
    }
}

/// The page.
pub(crate) async fn show(Path((_, id)): Path<(String, String)>, look: Look) -> Result<Response, Refusal> {
    let device = find(&look, &id).await?;
    answer(&look, &device, &Typed::default()).await
}

/// The page, with what went wrong.
pub(super) async fn answer(look: &Look, device: &Enrollment, typed: &Typed) -> Result<Response, Refusal> {
    let title = name(device);
    let content = html! {
        header {
            h1 { (title) }
            p { (badges(device)) }
        }
        (facts(look, device))
        (queue::part(look, device, followed(look).as_ref()).await?)
        @if look.may_help() { (forms::page(look, device, typed)) }
        (inventory::page(look, device).await?)
        (timeline::page(look, device).await?)
    };
    Ok(layout::page_with(look, Part::Devices, &title, typed.error.as_ref(), &content))
}

/// The command that the page was opened to follow.
pub(super) fn followed(look: &Look) -> Option<CommandUuid> {
    look.query.get("command")?.parse().ok()
}

fn facts(look: &Look, device: &Enrollment) -> Markup {
    let facts = &device.facts;
    let texts = [
        ("Serial number", &facts.serial_number),
        ("Model", &facts.model_name),
        ("Product", &facts.product_name),
        ("System", &facts.os_version),
    ];
    html! {
        dl.facts {
            dt { "Identifier" } dd { code { (device.id) } }
            @if let Some(name) = &device.user_name { dt { "User" } dd { (name) } }
            @for (title, text) in texts {
                @if let Some(text) = text { dt { (title) } dd { (text) } }
            }
            @if let Some(supervised) = facts.supervised { dt { "Supervised" } dd { @if supervised { "Yes" } @else { "No" } } }
            @if facts.user_enrollment { dt { "Owner" } dd { "A person's own device (User Enrollment)" } }
            dt { "Last seen" } dd { (moment(device.last_seen)) }
            @if let Some(at) = device.enrolled_at { dt { "Enrolled" } dd { (moment(at)) } }
            @if let Some(at) = device.inactive_since { dt { "Inactive since" } dd { (moment(at)) } }
            @if let Some(at) = device.locked_at { dt { "Access locked" } dd { (moment(at)) } }
            @if let Some(dismissal) = &device.dismissal { dt { "Unenrolled because" } dd { (dismissal.reason.as_str()) } }
            @if device.awaiting_configuration { dt { "Setup Assistant" } dd { "Waits to be released: send DeviceConfigured." } }
            dt { "Groups" } dd { @if device.groups.is_empty() { "None" } @else { (device.groups.iter().map(String::as_str).collect::<Vec<_>>().join(", ")) } }
            dt { "Push" } dd { (push(device)) }
            (identity(look, device))
        }
    }
}

fn push(device: &Enrollment) -> Markup {
    html! {
        @match (&device.push, &device.last_push) {
            (None, _) => "It cannot be woken: it did not say where to push to.",
            (Some(_), None) => "It was not woken yet.",
            (Some(_), Some(push)) if push.is_accepted() => { "Apple took the last one: " (moment(push.at)) },
            (Some(_), Some(push)) => { span.bad { "The last one was refused" } ": " (push.outcome) ", " (moment(push.at)) },
        }
        @if let Some(until) = device.push_rests_until { ". Pushes rest until " (moment(until)) "." }
    }
}

fn identity(look: &Look, device: &Enrollment) -> Markup {
    let Some(identity) = &device.identity else { return html! {} };
    let renewal = device.renewal_state(look.state.clock.now()).map(|state| match state {
        RenewalState::Fresh => "It is renewed by itself before that.",
        RenewalState::Due => "The device is asked to renew it within the hour.",
        RenewalState::Asked => "The device was asked to renew it.",
        RenewalState::Failed => "The device failed to renew it, and is asked again.",
        RenewalState::Overdue => "It is not renewed yet. The device is asked again and again.",
    });
    html! {
        dt { "Identity" }
        dd {
            @if device.revoked.contains(&identity.fingerprint) { span.bad { "Revoked: it is not heard before it enrolls anew." } }
            @else { "Valid until " (moment(identity.not_after)) ". " @if let Some(words) = renewal { (words) } }
            details { summary { "Fingerprint" } code { (identity.fingerprint) } }
            @if look.may_change() && device.is_managed() && device.renewal_at().is_some() {
                form.inline method="post" action=(place(look, &device.id, "do/renew")) {
                    (layout::token(&look.visitor))
                    button.secondary.outline { "Renew it now" }
                }
            }
        }
    }
}
