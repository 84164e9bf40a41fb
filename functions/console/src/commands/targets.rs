//! Whom a new command is for, as fields of a form.

use std::collections::BTreeSet;

use maud::{Markup, html};
use shared::domain::group::Group;
use shared::domain::installed::AppFilter;
use shared::domain::targets::{Filter, Version};
use shared::error::Result;
use shared::id::EnrollmentId;
use shared::service::command_jobs::NewTargets;
use shared::time::{SignedDuration, Timestamp};

use crate::devices::words::{STATES, SYSTEMS, chosen, state, system};
use crate::fields::Fields;
use crate::typed::no_number;

const KINDS: [(&str, &str); 4] = [
    ("devices", "These devices"),
    ("group", "A group"),
    ("filter", "Devices that fit"),
    ("all", "All devices"),
];

/// The fields, as they were filled in.
pub(super) fn page(groups: &[Group], fields: &Fields) -> Markup {
    let to = fields.text("to");
    html! {
        fieldset {
            legend { "For" }
            @for (key, words) in KINDS {
                label { input type="radio" name="to" value=(key) checked[to == key || (to.is_empty() && key == "devices")]; (words) }
            }
        }
        label { "Identifiers of devices, one on each line"
            textarea name="devices" rows="3" { (fields.text("devices")) } }
        @if !groups.is_empty() {
            label { "Group"
                select name="group" {
                    option value="" { "None" }
                    @for group in groups { option value=(group.name) selected[group.name == fields.text("group")] { (group.name) } }
                }
            }
        }
        details open[to == "filter"] { summary { "What must fit" } (filter_page(fields)) }
    }
}

fn filter_page(fields: &Fields) -> Markup {
    let text = |name: &str, label: &str| {
        html! { label { (label) input name=(name) value=(fields.text(name)); } }
    };
    let has_app = fields.text("app_is");
    html! {
        label { "System" select name="system" {
            option value="" { "Any" }
            @for (key, one) in SYSTEMS { option value=(key) selected[key == fields.text("system")] { (system(one)) } }
        } }
        label { "State" select name="state" {
            option value="" { "Any" }
            @for (key, one) in &STATES[..2] { option value=(key) selected[*key == fields.text("state")] { (state(*one)) } }
        } }
        (text("os_below", "System older than, such as 18.2"))
        (text("os_from", "System this or newer"))
        (text("model", "Model begins with, such as iPad"))
        (text("serial", "Serial number begins with"))
        label { "Supervised" select name="supervised" {
            option value="" { "Either" }
            @for (key, words) in [("yes", "Yes"), ("no", "No")] { option value=(key) selected[key == fields.text("supervised")] { (words) } }
        } }
        (text("silent_days", "Not seen for so many days"))
        (text("app", "App, by its bundle identifier"))
        label { "The app" select name="app_is" {
            @for (key, words) in [("there", "Is installed"), ("missing", "Is not installed")] { option value=(key) selected[key == has_app] { (words) } }
        } }
    }
}

/// Who was chosen.
///
/// # Errors
/// Malformed, naming the field.
pub(super) fn chosen_by(fields: &Fields, now: Timestamp) -> Result<NewTargets> {
    match fields.text("to").as_str() {
        "group" => Ok(NewTargets::Group(fields.text("group"))),
        "filter" => Ok(NewTargets::Filter(Box::new(filter(fields, now)?.checked()?))),
        "all" => Ok(NewTargets::All),
        _ => {
            let typed = fields.text("devices");
            let ids: Result<BTreeSet<EnrollmentId>> = typed.split_whitespace().map(str::parse).collect();
            Ok(NewTargets::Enrollments(ids.map_err(|error| error.at("devices"))?))
        }
    }
}

fn filter(fields: &Fields, now: Timestamp) -> Result<Filter> {
    let some = |name: &str| Some(fields.text(name)).filter(|text| !text.is_empty());
    let version = |name: &'static str| {
        some(name).map(|text| text.parse::<Version>()).transpose().map_err(|error| error.at(name))
    };
    let app = some("app").map(|identifier| AppFilter {
        identifier,
        installed: fields.text("app_is") != "missing",
        version_below: None,
        version_at_least: None,
    });
    Ok(Filter {
        platform: chosen(&SYSTEMS, &fields.text("system")),
        os_version_below: version("os_below")?,
        os_version_at_least: version("os_from")?,
        model: some("model"),
        serial_prefix: some("serial"),
        supervised: chosen(&[("yes", true), ("no", false)], &fields.text("supervised")),
        state: chosen(&STATES[..2], &fields.text("state")),
        last_seen_before: some("silent_days").map(|text| days_before(now, &text)).transpose()?,
        app,
        ..Filter::default()
    })
}

fn days_before(now: Timestamp, typed: &str) -> Result<Timestamp> {
    let days = typed.parse::<u32>().ok().filter(|days| *days <= 36_500);
    let then = days.and_then(|days| now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).ok());
    then.ok_or_else(|| no_number(typed, "silent_days"))
}
