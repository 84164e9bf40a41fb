//! A log on a page: what is asked of it, its entries, and its file. The tenants' and the operator's look alike.

use std::collections::BTreeMap;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use shared::domain::audit::AuditEntry;
use shared::domain::event::Event;
use shared::domain::log::{LogFilter, month, month_of};
use shared::domain::seal::Log;
use shared::error::{Error, Result};
use shared::scope::Realm;
use shared::service::export_log::export_log;
use shared::state::AppState;
use shared::time::{Date, SignedDuration, Timestamp, day_begins};
use url::form_urlencoded;

use crate::layout;

/// Entries on one page.
pub(crate) const PAGE: usize = 100;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is asked of a log: the query of its page.
#[derive(Default)]
pub(crate) struct Asked {
    /// The fields of the form that say something.
    fields: BTreeMap<String, String>,
}

/// One entry of either log.
pub(crate) struct Line {
    at: Timestamp,
    who: String,
    what: String,
    device: Option<String>,
    facts: BTreeMap<String, String>,
}

/// What a page of a log holds.
pub(crate) struct Page {
    /// The latest first.
    pub(crate) lines: Vec<Line>,
    /// The mark of the next page.
    pub(crate) next: Option<String>,
}

impl From<AuditEntry> for Line {
    fn from(entry: AuditEntry) -> Self {
        let who = match entry.origin {
            Some(origin) => format!("{} from {origin}", entry.actor),
            None => entry.actor,
        };
        let what = serde_name(&entry.action);
        Self { at: entry.at, who, what, device: None, facts: entry.facts }
    }
}

impl From<Event> for Line {
    fn from(event: Event) -> Self {
        Self {
            at: event.at,
            who: event.actor,
            what: event.kind.name().to_owned(),
            device: event.enrollment.map(|id| id.to_string()),
            facts: event.facts,
        }
    }
}

/// An action as the log writes it.
fn serde_name(action: &impl serde::Serialize) -> String {
    serde_json::to_value(action)
        .ok()
        .and_then(|name| name.as_str().map(ToOwned::to_owned))
        .unwrap_or_default()
}

impl Asked {
    /// What the page's address says.
    pub(crate) fn read(query: &BTreeMap<String, String>) -> Self {
        let said = query.iter().map(|(name, value)| (name.clone(), value.trim().to_owned()));
        Self { fields: said.filter(|(_, value)| !value.is_empty()).collect() }
    }

    /// What a field says.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The month that is asked for; the present one unless it is said.
    ///
    /// # Errors
    /// Malformed when it is none.
    pub(crate) fn month(&self, now: Timestamp) -> Result<String> {
        self.get("month").map_or_else(|| Ok(month_of(now)), |text| month(text.to_owned()))
    }

    /// Which of its entries are.
    ///
    /// # Errors
    /// Malformed when a day is none.
    pub(crate) fn filter(&self) -> Result<LogFilter> {
        let owned = |name: &str| self.get(name).map(ToOwned::to_owned);
        let until = self.day("until")?.map(|day| day + DAY);
        Ok(LogFilter {
            actor: owned("actor"),
            action: owned("action"),
            enrollment: owned("enrollment"),
            from: self.day("from")?,
            until,
        })
    }

    fn day(&self, name: &'static str) -> Result<Option<Timestamp>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let day: Date = text.parse().map_err(|_| {
            Error::malformed("typed-day", format!("{text:?} is not a day."))
                .at(name)
                .next("Write it like 2026-11-21.")
        })?;
        Ok(Some(day_begins(day)))
    }

    fn next(&self, path: &str, mark: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.fields.iter().filter(|(name, _)| *name != "after"));
        format!("{path}?{}", query.append_pair("after", mark).finish())
    }
}

/// The form, the entries, and the way to a file. `path` is the page's own.
pub(crate) fn page(path: &str, log: Log, asked: &Asked, page: &Page, now: Timestamp) -> Markup {
    let with_devices = log == Log::Events;
    html! {
        form.plain method="get" action=(path) {
            label { "Month" input name="month" placeholder="2026-11" value=(asked.get("month").map_or_else(|| month_of(now), ToOwned::to_owned)); }
            details open[["actor", "action", "enrollment", "from", "until"].iter().any(|name| asked.get(name).is_some())] {
                summary { "Only some entries" }
                label { "Who" input name="actor" value=[asked.get("actor")] placeholder="member:jo@school.example"; }
                label { "What" input name="action" value=[asked.get("action")] placeholder=(if with_devices { "device-enrolled" } else { "token-created" }); }
                @if with_devices { label { "Device" input name="enrollment" value=[asked.get("enrollment")]; } }
                label { "From this day on" input type="date" name="from" value=[asked.get("from")]; }
                label { "Up to this day" input type="date" name="until" value=[asked.get("until")]; }
            }
            button type="submit" { "Show" }
        }
        @if page.lines.is_empty() {
            div.empty { p { @if page.next.is_some() { "Nothing here so far. Older entries were not looked at yet." } @else { "There is no such entry in this month." } } }
        } @else { (table(&page.lines, with_devices)) }
        @if let Some(mark) = &page.next { p { a href=(asked.next(path, mark)) { "Older entries" } } }
        details {
            summary { "Download" }
            p { "A file of lines in JSON, with the seals that prove that nothing was changed. A large log comes in several files: where the last line
                says " code { "next" } ", type its number for the next file." }
            form.plain method="get" action={ (path) "/export" } {
                label { "Month; left empty, all of it" input name="month" value=[asked.get("month")]; }
                label { "Number of the next file" input name="after" inputmode="numeric"; }
                button type="submit" class="secondary" { "Download" }
            }
        }
    }
}

fn table(lines: &[Line], with_devices: bool) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "When" } th { "What" } th { "Who" } @if with_devices { th { "Device" } } th { "More" } } }
            tbody {
                @for line in lines {
                    tr {
                        td { (layout::moment(line.at)) }
                        td { (line.what.replace('-', " ")) br; code { (line.what) } }
                        td { (line.who) }
                        @if with_devices { td { (line.device.as_deref().unwrap_or("—")) } }
                        td { @for (name, value) in &line.facts { div { span.quiet { (name) ": " } (value) } } }
                    }
                }
            }
        } }
    }
}

/// A log's file.
///
/// # Errors
/// Malformed when month or mark are none.
pub(crate) async fn export(state: &AppState, realm: Realm<'_>, log: Log, asked: &Asked) -> Result<Response> {
    let month = asked.get("month").map(|text| month(text.to_owned())).transpose()?;
    let exported = export_log(state, realm, log, month.as_deref(), asked.get("after")).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.ndjson\"", log.name())),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, exported.text).into_response())
}
