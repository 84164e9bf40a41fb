//! The rule, and what it would do.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::inactivity::{CalendarException, InactivityRule, SilentFor, WaitingLock};
use shared::error::{Error, Result};
use shared::service::inactivity::{
    DEFAULT_CAP, NewRule, Preview, change_inactivity_rule, preview_inactivity,
};
use shared::time::Date;

use super::{answer, confirmation, done};
use crate::fields::Fields;
use crate::layout;
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::{Typed, number, optional};

const FORM: &str = "rule";
/// Rows for exceptions that are read from a form: more than a rule may have.
const ROWS: usize = 60;
/// Empty rows for new exceptions.
const SPARE: usize = 2;

const PERIODS: [(&str, SilentFor, &str); 5] = [
    ("never", SilentFor::Never, "Never: silence has no consequence"),
    ("24h", SilentFor::Day, "24 hours"),
    ("7d", SilentFor::Week, "7 days"),
    ("14d", SilentFor::TwoWeeks, "14 days"),
    ("30d", SilentFor::Month, "30 days"),
];

/// Saves the rule.
pub(crate) async fn change(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let changed = async { change_inactivity_rule(&look.state, &look.scope, read(&fields)?).await };
    match changed.await {
        Ok(_) => Ok(done(&look, "saved")),
        Err(error) => answer(&look, &Typed::into(FORM, fields, error), None).await,
    }
}

/// Tries the rule as it stands in the form. Nothing changes.
pub(crate) async fn preview(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let tried = async { preview_inactivity(&look.state, &look.scope, Some(read(&fields)?)).await };
    match tried.await {
        Ok(preview) => answer(&look, &Typed::kept(FORM, fields), Some(&preview)).await,
        Err(error) => answer(&look, &Typed::into(FORM, fields, error), None).await,
    }
}

fn read(fields: &Fields) -> Result<NewRule> {
    let after = fields.text("after");
    let (_, after, _) =
        PERIODS.into_iter().find(|(name, ..)| *name == after).unwrap_or(("never", SilentFor::Never, ""));
    let lock = WaitingLock {
        message: optional(fields, "lock_message"),
        phone_number: optional(fields, "lock_phone_number"),
    };
    Ok(NewRule {
        after,
        daily_cap: number(fields, "daily_cap")?.unwrap_or(DEFAULT_CAP),
        exceptions: exceptions(fields)?,
        device_lock: fields.ticked("device_lock").then_some(lock),
    })
}

/// The rows that are filled, in the order of their first days.
fn exceptions(fields: &Fields) -> Result<Vec<CalendarException>> {
    let mut found = Vec::new();
    for row in 0..ROWS {
        let text = |part: &str| fields.text(&cell(row, part));
        let (name, from, to) = (text("name"), text("from"), text("to"));
        if name.is_empty() && from.is_empty() && to.is_empty() {
            continue;
        }
        found.push(CalendarException { name, from: date(&from)?, to: date(&to)? });
    }
    found.sort_by_key(|exception| exception.from);
    Ok(found)
}

fn date(typed: &str) -> Result<Date> {
    typed.parse().map_err(|_| {
        Error::malformed("inactivity-exceptions", format!("{typed:?} is not a day."))
            .at("exceptions")
            .next("Type days as 2027-07-01, or empty the whole row.")
    })
}

fn cell(row: usize, part: &str) -> String {
    format!("exception_{row}_{part}")
}

pub(super) fn page(look: &Look, rule: &InactivityRule, typed: &Typed, tried: Option<&Preview>) -> Markup {
    html! {
        section {
            h2 { "Rule" }
            @if let Some(preview) = tried { (trial(look, preview)) }
            @if look.may_change() { (form(look, rule, typed)) } @else { (facts(rule)) }
        }
    }
}

fn facts(rule: &InactivityRule) -> Markup {
    html! {
        dl.facts {
            dt { "Inactive after" } dd { (words(rule.after)) }
            dt { "Devices a day at most" } dd { (rule.daily_cap) }
            dt { "Lock screen" } dd { @if rule.device_lock.is_some() { "Locked when the device comes back" } @else { "Left as it is" } }
            @for exception in &rule.exceptions {
                dt { (exception.name) } dd { (exception.from) " to " (exception.to) }
            }
        }
    }
}

fn words(after: SilentFor) -> &'static str {
    PERIODS.iter().find(|(_, period, _)| *period == after).map_or("", |(.., words)| words)
}

fn trial(look: &Look, preview: &Preview) -> Markup {
    html! {
        div.note.warn[preview.held] role="status" {
            p.big { "It would hit " (preview.would_hit) " of " (preview.devices) " devices." }
            p { "Nothing was changed or saved." }
            @if preview.held { p { "They are so many that the rule would rest until you confirm their number." } }
            @if !preview.first.is_empty() {
                details {
                    summary { "Which ones" }
                    ul { @for device in &preview.first { li { code { (device) } } } }
                    @if preview.would_hit > preview.first.len() as u64 { p.quiet { "And others: these are the first " (preview.first.len()) "." } }
                }
            }
            @if preview.held { p.quiet { "This confirms the number for the saved rule, for one day." } (confirmation(look)) }
        }
    }
}

fn form(look: &Look, rule: &InactivityRule, typed: &Typed) -> Markup {
    let text = |name: &str, usual: &str| typed.text(FORM, name, usual);
    let period =
        PERIODS.iter().find(|(_, period, _)| *period == rule.after).map_or("never", |(name, ..)| name);
    let chosen = text("after", period);
    let lock = rule.device_lock.clone().unwrap_or_default();
    html! {
        form.plain method="post" action=(look.path("silence")) {
            (layout::token(&look.visitor))
            label { "A device becomes inactive after"
                select name="after" { @for (name, _, words) in PERIODS { option value=(name) selected[name == chosen] { (words) } } }
                small { "It is asked several times before. One that answers comes back by itself." }
            }
            label { "Devices a day at most"
                input name="daily_cap" type="number" min="1" max="10000" required value=(text("daily_cap", &rule.daily_cap.to_string()));
                small { "If something is wrong, no more than these are hit before you see it." }
            }
            (calendar(rule, typed))
            label {
                input type="checkbox" name="device_lock" value="yes" checked[typed.ticked(FORM, "device_lock", rule.device_lock.is_some())];
                "Lock the screen of an inactive device when it comes back (not Macs)"
            }
            label { "Words on the lock screen" input name="lock_message" maxlength="300" value=(text("lock_message", lock.message.as_deref().unwrap_or_default())); }
            label { "Telephone number on the lock screen" input name="lock_phone_number" maxlength="300" value=(text("lock_phone_number", lock.phone_number.as_deref().unwrap_or_default())); }
            button type="submit" class="secondary" formaction=(look.path("silence/preview")) { "Try it: whom would it hit?" } " "
            button type="submit" { "Save the rule" }
        }
    }
}

/// The days that do not count: those that are known, and rows for more.
fn calendar(rule: &InactivityRule, typed: &Typed) -> Markup {
    let is_filled = |row: &usize| {
        ["name", "from", "to"].iter().any(|part| !typed.text(FORM, &cell(*row, part), "").is_empty())
    };
    let typed_rows = (0..ROWS).rev().find(is_filled).map_or(0, |last| last + 1);
    let rows = rule.exceptions.len().max(typed_rows) + SPARE;
    let usual = |row: usize| {
        rule.exceptions.get(row).map_or_else(<[String; 3]>::default, |exception| {
            [exception.name.clone(), exception.from.to_string(), exception.to.to_string()]
        })
    };
    html! {
        fieldset {
            legend { "Days that do not count, such as holidays" }
            @for row in 0..rows {
                @let [name, from, to] = usual(row);
                div.dates {
                    input name=(cell(row, "name")) maxlength="100" placeholder="Summer holidays" aria-label={ "Name of exception " (row + 1) } value=(typed.text(FORM, &cell(row, "name"), &name));
                    input type="date" name=(cell(row, "from")) aria-label={ "First day of exception " (row + 1) } value=(typed.text(FORM, &cell(row, "from"), &from));
                    input type="date" name=(cell(row, "to")) aria-label={ "Last day of exception " (row + 1) } value=(typed.text(FORM, &cell(row, "to"), &to));
                }
            }
            small { "Empty a row to remove it. Save to get rows for more." }
        }
    }
}
