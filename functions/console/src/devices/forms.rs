//! What can be asked of a device, each with the friction that fits.

use maud::{Markup, html};
use shared::domain::enrollment::{Enrollment, EnrollmentState};
use shared::protocol::command::schema;
use shared::protocol::inventory::Section;

use super::page::Typed;
use super::{name, place};
use crate::layout;
use crate::look::Look;

/// The forms.
pub(super) fn page(look: &Look, device: &Enrollment, typed: &Typed) -> Markup {
    let of = Forms { look, device, typed };
    let is_device = device.id.user_id().is_none();
    html! {
        section #actions {
            h2 { "Ask of this device" }
            @if device.is_managed() { (of.ask()) }
            @if device.is_managed() && is_device {
                (of.lock())
                @if device.unlock_token.is_some() { (of.clear_passcode()) }
                (of.restart())
                (of.shut_down())
                @if !device.facts.is_mac() { (of.lost_mode()) }
                @if look.may_change() { (of.erase()) }
            }
            @if is_device && device.locked_at.is_some() { (of.unlock()) }
            @if is_device && look.may_change() { (of.ends()) }
            @if device.is_managed() && look.may_change() { (of.other()) }
            @if !device.is_managed() { p.quiet { "It is not enrolled, so nothing can be asked of it." } }
        }
    }
}

struct Forms<'a> {
    look: &'a Look,
    device: &'a Enrollment,
    typed: &'a Typed,
}

impl Forms<'_> {
    /// A form in a fold that is open where it was refused.
    fn fold(&self, title: &str, action: &str, content: &Markup) -> Markup {
        html! {
            details open[self.typed.form == action] {
                summary { (title) }
                form.plain method="post" action=(place(self.look, &self.device.id, action)) {
                    (layout::token(&self.look.visitor))
                    (content)
                }
            }
        }
    }

    fn text(&self, action: &str, field: &str, label: &str) -> Markup {
        html! { label { (label) input name=(field) value=(self.typed.text(action, field)) maxlength="500"; } }
    }

    fn confirmation(&self, action: &str) -> Markup {
        html! {
            label { "Type the device's name to confirm: " strong { (name(self.device)) }
                input name="confirm" value=(self.typed.text(action, "confirm")) autocomplete="off" required; }
        }
    }

    /// Macs are locked with a PIN, which nobody knows who was not told.
    fn pin(&self, action: &str) -> Markup {
        html! {
            @if self.device.facts.is_mac() {
                label { "PIN of six digits; empty: a random one, which " @if self.look.may_own() { "the command's page shows" } @else { "an administrator can look up" }
                    input name="pin" value=(self.typed.text(action, "pin")) inputmode="numeric" pattern="[0-9]{6}" autocomplete="off"; }
            }
        }
    }

    fn ask(&self) -> Markup {
        let content = html! {
            label { "About"
                select name="about" {
                    option value="" { "Hardware, security, apps, profiles and certificates" }
                    @for section in Section::ALL { option value=(section.name()) { (section.query()) } }
                }
            }
            button type="submit" { "Ask" }
        };
        self.fold("Ask for information", "send/ask", &content)
    }

    fn lock(&self) -> Markup {
        let content = html! {
            (self.text("send/lock", "message", "Message on the locked screen"))
            (self.text("send/lock", "phone", "Phone number on the locked screen"))
            (self.pin("send/lock"))
            button type="submit" { "Lock" }
        };
        self.fold("Lock the screen", "send/lock", &content)
    }

    fn clear_passcode(&self) -> Markup {
        let content = html! {
            p { "Whoever holds the device can then use it, and is asked to choose a new passcode." }
            button type="submit" { "Clear the passcode" }
        };
        self.fold("Clear the passcode", "send/clear-passcode", &content)
    }

    fn restart(&self) -> Markup {
        let content = html! {
            p { "iPhones, iPads and Apple TVs must be supervised." }
            button type="submit" { "Restart" }
        };
        self.fold("Restart", "send/restart", &content)
    }

    fn shut_down(&self) -> Markup {
        let content = html! {
            p { "Somebody must turn it on again by hand. iPhones and iPads must be supervised." }
            button type="submit" { "Shut down" }
        };
        self.fold("Shut down", "send/shut-down", &content)
    }

    fn unlock(&self) -> Markup {
        let content = html! {
            p { "Your services let it in again." }
            button type="submit" { "Unlock access" }
        };
        self.fold("Unlock access", "do/unlock", &content)
    }

    fn lost_mode(&self) -> Markup {
        let action = |what: &str| place(self.look, &self.device.id, what);
        let content = html! {
            p { "The device shows this and nothing else, and can tell where it is. It must be supervised." }
            (self.text("send/lost-mode", "message", "Message"))
            (self.text("send/lost-mode", "phone", "Phone number"))
            (self.text("send/lost-mode", "footnote", "Footnote"))
            div.inline {
                button type="submit" { "Turn lost mode on" }
                button.secondary type="submit" formaction=(action("send/locate")) { "Ask where it is" }
                button.secondary type="submit" formaction=(action("send/sound")) { "Play a sound" }
                button.secondary type="submit" formaction=(action("send/lost-mode-off")) { "Turn it off" }
            }
        };
        self.fold("Lost mode", "send/lost-mode", &content)
    }

    fn erase(&self) -> Markup {
        let content = html! {
            p.bad { "Everything on the device is deleted. Nobody can undo it." }
            (self.pin("send/erase"))
            (self.confirmation("send/erase"))
            button.danger type="submit" { "Erase" }
        };
        self.fold("Erase", "send/erase", &content)
    }

    /// All other commands have forms of their own.
    fn other(&self) -> Markup {
        html! {
            form.inline method="get" action=(self.look.path("commands/new")) {
                input type="hidden" name="devices" value=(self.device.id);
                label { "Another command"
                    select name="type" { @for schema in schema::all() { option value=(schema.name) { (schema.name) } } }
                }
                button.secondary type="submit" { "Go on" }
            }
        }
    }

    fn ends(&self) -> Markup {
        let unenroll = html! {
            p { "The device removes its profile, and all that came with it, when it is next awake. To come back it enrolls anew." }
            (self.text("do/unenroll", "reason", "Why (its user may read this)"))
            (self.confirmation("do/unenroll"))
            button.danger type="submit" { "Unenroll" }
        };
        let retire = html! {
            p { "For a device that is lost, sold or broken: it goes from the lists, and its history stays. It is told nothing." }
            (self.confirmation("do/retire"))
            button.danger type="submit" { "Retire" }
        };
        let revoke = html! {
            p { "For a device whose key may be in other hands: it is not heard before it has enrolled anew, and its access is locked." }
            (self.confirmation("do/revoke"))
            button.danger type="submit" { "Revoke its identity" }
        };
        let is_over = matches!(self.device.state, EnrollmentState::Removed | EnrollmentState::Unenrolling);
        html! {
            @if self.device.is_managed() { (self.fold("Unenroll", "do/unenroll", &unenroll)) }
            @if !self.device.is_over() { (self.fold("Retire", "do/retire", &retire)) }
            @if !is_over { (self.fold("Revoke the identity", "do/revoke", &revoke)) }
        }
    }
}
