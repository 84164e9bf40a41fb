//! The list of devices. Nothing is read beyond a few pages: a search says how far it looked.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::enrollment::Enrollment;
use shared::domain::targets::Filter;
use shared::error::Result;
use shared::id::EnrollmentId;
use shared::time::{SignedDuration, Timestamp};
use url::form_urlencoded;

use super::words::{STATES, SYSTEMS, badges, chosen, state, system};
use super::{name, place};
use crate::layout::{self, Part};
use crate::look::Look;
use crate::refusal::Refusal;

/// Enrollments of one reading.
const PAGE: i32 = 100;
/// Readings of one search, at most.
const MOST_PAGES: usize = 5;
/// A search that found so many reads no further.
const ENOUGH: usize = 100;
/// What the form brings besides the search's text.
const SEEN: [(&str, &str, i64); 4] =
    [("1", "a day", 1), ("7", "a week", 7), ("30", "30 days", 30), ("90", "90 days", 90)];

/// What is looked for.
struct Wanted {
    text: String,
    filter: Filter,
    locked: bool,
}

struct Found {
    devices: Vec<Enrollment>,
    looked_at: usize,
    next: Option<String>,
}

/// A page of the list.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    let wanted = wanted(&look, look.state.clock.now());
    let found = find(&look, &wanted).await?;
    Ok(layout::page(&look, Part::Devices, "Devices", &page(&look, &wanted, &found)))
}

fn asked<'a>(look: &'a Look, name: &str) -> &'a str {
    look.query.get(name).map_or("", |text| text.trim())
}

fn wanted(look: &Look, now: Timestamp) -> Wanted {
    let silent = SEEN.iter().find(|(days, ..)| *days == asked(look, "silent")).map(|(.., days)| *days);
    Wanted {
        text: asked(look, "q").to_lowercase(),
        filter: Filter {
            platform: chosen(&SYSTEMS, asked(look, "system")),
            state: chosen(&STATES, asked(look, "state")),
            last_seen_before: silent
                .and_then(|days| now.checked_sub(SignedDuration::from_hours(24 * days)).ok()),
            ..Filter::default()
        },
        locked: asked(look, "locked") == "yes",
    }
}

impl Wanted {
    fn is_everything(&self) -> bool {
        self.text.is_empty() && !self.locked && self.filter == Filter::default()
    }

    fn admits(&self, device: &Enrollment) -> bool {
        let facts = &device.facts;
        let id = device.id.to_string();
        let texts = [facts.device_name.as_deref(), facts.serial_number.as_deref(), Some(&id)];
        let named = texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&self.text));
        named && (!self.locked || device.locked_at.is_some()) && self.filter.admits(device)
    }
}

async fn find(look: &Look, wanted: &Wanted) -> Result<Found> {
    let (store, mut after) = (&look.state.store, look.query.get("after").cloned());
    // Whoever types a whole identifier is there with one read, also where the enrollment is over.
    let exact = asked(look, "q").parse::<EnrollmentId>().ok().filter(|_| after.is_none());
    if let Some(id) = exact
        && let Some(device) = store.enrollment(&look.scope, &id).await?
    {
        return Ok(Found { devices: vec![device], looked_at: 0, next: None });
    }
    let mut found = Found { devices: Vec::new(), looked_at: 0, next: None };
    for _ in 0..if wanted.is_everything() { 1 } else { MOST_PAGES } {
        let (devices, next) = store.list_enrollments(&look.scope, after.as_deref(), PAGE).await?;
        found.looked_at += devices.len();
        found.devices.extend(devices.into_iter().filter(|device| wanted.admits(device)));
        found.next.clone_from(&next);
        after = next;
        if after.is_none() || found.devices.len() >= ENOUGH {
            break;
        }
    }
    Ok(found)
}

fn page(look: &Look, wanted: &Wanted, found: &Found) -> Markup {
    let first = !look.query.contains_key("after");
    html! {
        header { h1 { "Devices" } }
        @if found.devices.is_empty() && first && wanted.is_everything() {
            div.empty {
                p { "No device is enrolled yet." }
                p { a href=(look.path("")) { "See what to do first" } }
            }
        } @else {
            (search(look))
            @if found.devices.is_empty() { p { "None of these fits." } } @else { (table(look, &found.devices)) }
            @if found.looked_at > 0 && !wanted.is_everything() {
                p.quiet { "Looked at " (found.looked_at) " devices. " @if found.next.is_none() { "There are no more." } }
            }
            (onward(look, found))
        }
    }
}

fn search(look: &Look) -> Markup {
    html! {
        search { form method="get" {
            div.filters {
                label { "Name, serial number, identifier or user"
                    input type="search" name="q" value=(asked(look, "q")); }
                label { "State"
                    select name="state" {
                        option value="" { "All" }
                        @for (key, one) in STATES { option value=(key) selected[key == asked(look, "state")] { (state(one)) } }
                    }
                }
                label { "System"
                    select name="system" {
                        option value="" { "All" }
                        @for (key, one) in SYSTEMS { option value=(key) selected[key == asked(look, "system")] { (system(one)) } }
                    }
                }
                label { "Not seen for"
                    select name="silent" {
                        option value="" { "Any time" }
                        @for (key, words, _) in SEEN { option value=(key) selected[key == asked(look, "silent")] { (words) } }
                    }
                }
            }
            label { input type="checkbox" name="locked" value="yes" checked[asked(look, "locked") == "yes"]; "Only with locked access" }
            div.inline {
                button type="submit" { "Search" }
                @if !look.query.is_empty() { a href=(look.path("devices")) { "Show all" } }
            }
        } }
    }
}

fn table(look: &Look, devices: &[Enrollment]) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "Name" } th { "State" } th { "Serial number" } th { "Model" } th { "System" } th { "Last seen" } } }
            tbody {
                @for device in devices {
                    tr {
                        td { a href=(place(look, &device.id, "")) { (name(device)) }
                            @if let Some(user) = device.id.user_id() { div.quiet { "User " (user) } } }
                        td { (badges(device)) }
                        td { (device.facts.serial_number.as_deref().unwrap_or("—")) }
                        td { (device.facts.model_name.as_deref().or(device.facts.product_name.as_deref()).unwrap_or("—")) }
                        td { (device.facts.os_version.as_deref().unwrap_or("—")) }
                        td { (layout::moment(device.last_seen)) }
                    }
                }
            }
        } }
    }
}

/// The way to what was not looked at.
fn onward(look: &Look, found: &Found) -> Markup {
    let link = |after: Option<&str>| {
        let kept = look.query.iter().filter(|(name, _)| !["after", "said"].contains(&name.as_str()));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        if let Some(after) = after {
            query.append_pair("after", after);
        }
        look.path(&format!("devices?{}", query.finish()))
    };
    html! {
        nav.inline aria-label="Pages" {
            @if look.query.contains_key("after") { a href=(link(None)) { "From the beginning" } }
            @if let Some(next) = &found.next { a href=(link(Some(next))) rel="next" { "Go on" } }
        }
    }
}
