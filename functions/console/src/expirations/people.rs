//! Who hears of what ends, and the address for calendar programs.

use maud::{Markup, html};
use shared::domain::contact::{Disabled, DisabledReason};
use shared::domain::expiry::Recipient;

use crate::layout;
use crate::look::Look;

/// The contacts, and whether mails reach them.
pub(super) fn list(look: &Look, people: &[Recipient]) -> Markup {
    let open = people.iter().any(|person| !person.verified || person.disabled.is_some());
    html! {
        h2 { "Who is told" }
        @if !look.tenant.expiry_mails {
            p.note.warn { "No mails go out: your organization has not asked for them. " a href=(look.path("settings/organization")) { "Change that" } }
        }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Address" } th { "State" } } }
            tbody { @for person in people { tr { td { (person.address) } td { (state(person)) } } } }
        } }
        p.quiet { "Who has not confirmed gets mails only while nobody has, and in the last week." }
        p { a href=(look.path("settings/organization")) { "Change the contacts" } }
        @if open && look.may_change() {
            form.plain method="post" action=(look.path("expirations/ask")) {
                (layout::token(&look.visitor))
                button type="submit" class="secondary" { "Ask again to confirm" }
            }
        }
    }
}

fn state(person: &Recipient) -> Markup {
    html! {
        @match &person.disabled {
            Some(disabled) => (stopped(disabled)),
            None => @if person.verified { span.badge.good { "Confirmed" } } @else { span.badge.warn { "Not confirmed" } }
        }
    }
}

fn stopped(disabled: &Disabled) -> Markup {
    let why = match disabled.reason {
        DisabledReason::Bounced => "No mails: one came back",
        DisabledReason::Complained => "No mails: one was called spam",
    };
    html! {
        span.badge.bad { (why) }
        p { "Since " (layout::moment(disabled.at)) ". " (disabled.next_step()) }
        @if !disabled.detail.is_empty() { p.quiet { "The other mail server said: " (disabled.detail) } }
    }
}

/// The calendar's address: made, or made anew.
pub(super) fn calendar(look: &Look, has_address: bool) -> Markup {
    html! {
        h2 { "In your own calendar" }
        p { "Calendar programs can subscribe to all of this. " @if has_address { "An address was made; it was shown once." } @else { "No address was made yet." } }
        @if look.may_own() {
            form.plain method="post" action=(look.path("expirations/calendar")) {
                (layout::token(&look.visitor))
                button type="submit" class="secondary" { @if has_address { "Make a new address" } @else { "Make an address" } }
                @if has_address { small { "The one before stops working at once." } }
            }
        }
    }
}

/// A new address, this once.
pub(super) fn address(look: &Look, address: &str) -> Markup {
    html! {
        h1 { "Your calendar's address" }
        p { "Subscribe to it in a calendar program. It is shown only now, and whoever has it can read the calendar." }
        pre { code { (address) } }
        p { a href=(look.path("expirations")) { "Back to the expirations" } }
    }
}
