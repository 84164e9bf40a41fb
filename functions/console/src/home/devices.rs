//! What the devices say: who is stuck, who is silent, when they were seen and when they came.

use maud::{Markup, html};
use shared::domain::glimpse::Glimpse;
use shared::domain::inactivity::InactivityRule;
use shared::time::{DAY, Timestamp};

use crate::chart;
use crate::known::{Known, MOST};
use crate::look::Look;
use crate::silence::devices::is_out;

/// Weeks of enrollments that the chart shows.
const WEEKS: usize = 8;

/// A device that fetched a command so often in a row, and answered nothing, is named.
const FETCHES: u64 = 3;

/// Devices whose queue does not move.
pub(super) fn stuck_card(look: &Look, known: &Known) -> Markup {
    let is_stuck = |device: &Glimpse| device.waiting > 0 && device.unanswered >= FETCHES;
    let stuck: Vec<_> =
        known.devices.iter().filter(|device| device.is_managed() && is_stuck(device)).collect();
    html! {
        article {
            h3 { "Stuck devices" }
            @if stuck.is_empty() {
                p.big.good { "None" }
                p.quiet { "No device fetches a command again and again without an answer." }
            } @else {
                p.big.bad { (counted(stuck.len())) }
                p.quiet { "They fetched a command again and again, and did not answer it. After ten times it is set aside, and the next one comes:" }
                ul { @for device in stuck.iter().take(5) { li { a href=(look.path(&format!("devices/{}", device.id))) { (name(device)) } } } }
            }
            p { a href=(look.path("commands")) { "Commands" } }
        }
    }
}

/// Devices that are inactive or locked out.
pub(super) fn silent_card(look: &Look, known: &Known, rule: &InactivityRule) -> Markup {
    let out = known.devices.iter().filter(|device| is_out(device)).count();
    html! {
        article {
            h3 { "Silent devices" }
            p.big.good[out == 0].warn[out > 0] { @if out == 0 { "None" } @else { (counted(out)) } }
            @if let Some(held) = &rule.held {
                p.bad { "The rule rests: " (held.would_hit) " of " (held.devices) " devices fell silent at once." }
            } @else if rule.after.period().is_none() {
                p.quiet { "There is no rule: silence has no consequence." }
            } @else {
                p.quiet { "Inactive for too long, or locked out of your services." }
            }
            p { a href=(look.path("silence")) { "Silent devices" } }
        }
    }
}

/// When devices were last seen, and when they enrolled.
pub(super) fn charts(known: &Known, now: Timestamp) -> Markup {
    let devices: Vec<_> = known.devices.iter().filter(|device| device.is_managed()).collect();
    html! {
        @if !devices.is_empty() {
            h2 { "Devices" }
            @if known.next.is_some() { p.quiet { "Counted among the first " (MOST) " devices, here and above." } }
            h3 { "Last seen" }
            (chart::bars("When devices were last seen", &last_seen(&devices, now)))
            h3 { "Enrolled, week by week" }
            (chart::bars("How many devices enrolled in each of the last weeks", &enrolled(&devices, now)))
        }
    }
}

fn counted(devices: usize) -> String {
    if devices == 1 { "1 device".to_owned() } else { format!("{devices} devices") }
}

fn name(device: &Glimpse) -> String {
    device.name().map_or_else(|| device.id.to_string(), ToOwned::to_owned)
}

fn days_since(at: Timestamp, now: Timestamp) -> i64 {
    (now.as_second() - at.as_second()).max(0) / DAY
}

fn last_seen(devices: &[&Glimpse], now: Timestamp) -> Vec<(String, usize)> {
    let spans = [
        ("1 day", 0, 1),
        ("7 days", 1, 7),
        ("14 days", 7, 14),
        ("30 days", 14, 30),
        ("before", 30, i64::MAX),
    ];
    let count = |from, to| {
        devices.iter().filter(|device| (from..to).contains(&days_since(device.last_seen, now))).count()
    };
    spans.into_iter().map(|(name, from, to)| (name.to_owned(), count(from, to))).collect()
}

/// The weeks until now, the oldest first.
fn enrolled(devices: &[&Glimpse], now: Timestamp) -> Vec<(String, usize)> {
    let mut weeks = vec![0; WEEKS];
    for at in devices.iter().filter_map(|device| device.enrolled_at) {
        let ago = usize::try_from(days_since(at, now) / 7).unwrap_or(WEEKS);
        if let Some(week) = weeks.iter_mut().rev().nth(ago) {
            *week += 1;
        }
    }
    let word = |ago: usize| if ago == 0 { "now".to_owned() } else { format!("-{ago}") };
    weeks.into_iter().enumerate().map(|(number, count)| (word(WEEKS - 1 - number), count)).collect()
}
