//! The clock: read and moved.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use shared::error::{Error, Result};
use shared::time::Timestamp;

use super::layout::count;
use super::submitted::{Submitted, reply};
use super::{Local, layout, wants_page};
use crate::runner::{MovableClock, SCHEDULED, advanced};

const PAGE: &str = "/_local/clock";
/// What going back may upset.
const BACK: &str = "The clock went back. What was made at a later time lies in the future until the clock gets there: \
                    queued wake-ups wait, and certificates issued then are not yet valid.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    #[serde(default)]
    now: Option<String>,
    #[serde(default)]
    advance: Option<String>,
}

#[derive(Serialize)]
struct Reading {
    now: Timestamp,
    /// Seconds by which it differs from the machine's clock.
    offset_seconds: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl Reading {
    fn of(clock: &MovableClock) -> Self {
        Self { now: clock.now(), offset_seconds: clock.offset(), warning: None }
    }
}

pub(super) async fn show(State(local): State<Local>, headers: HeaderMap) -> Response {
    if wants_page(&headers) {
        return layout::answer(layout::page("Clock", PAGE, &page(&local.clock)));
    }
    axum::Json(Reading::of(&local.clock)).into_response()
}

pub(super) async fn change(State(local): State<Local>, submitted: Submitted<Change>) -> Response {
    let moved = move_to(&local, submitted.value);
    reply(submitted.from_form, PAGE, moved)
}

fn move_to(local: &Local, change: Change) -> Result<Reading> {
    let before = local.clock.now();
    let then = match (change.now, change.advance) {
        (Some(now), None) => moment(&now)?,
        (None, Some(by)) => advanced(before, &by)?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(Error::malformed("clock-change", "The clock needs either \"now\" or \"advance\".")
                .next("Send {\"now\": \"2027-01-31T09:00:00Z\"} or {\"advance\": \"25d\"}."));
        }
    };
    local.clock.set(then)?;
    // A message that waits for its time may now be due.
    local.queues.look_again();
    Ok(Reading { warning: (then < before).then_some(BACK), ..Reading::of(&local.clock) })
}

fn moment(text: &str) -> Result<Timestamp> {
    text.trim().parse().map_err(|cause: jiff::Error| {
        Error::malformed("clock-now", format!("\"{text}\" is not a moment."))
            .at("now")
            .next("Write it with its time zone: 2027-01-31T09:00:00Z.")
            .because(cause)
    })
}

fn page(clock: &MovableClock) -> Markup {
    html! {
        h1 { "Clock" }
        p { strong { (shown(clock.now())) } " " span.quiet { (moved(clock.offset())) } }
        p { "Everything here follows this clock: certificates, links, mails and simulators." }
        form.row method="post" action=(PAGE) {
            @for (by, name) in [("1h", "1 hour"), ("1d", "1 day"), ("25d", "25 days"), ("335d", "335 days")] {
                button name="advance" value=(by) { "+ " (name) }
            }
        }
        form method="post" action=(PAGE) {
            label {
                "Or set it to (going back may confuse what was made since)"
                input type="text" name="now" required value=(clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"));
            }
            button.plain { "Set" }
        }
        h2 { "Scheduled functions" }
        p { "In AWS a schedule starts them once a day; here, once an hour of real time, or now:" }
        @for function in SCHEDULED {
            form method="post" action={ "/_local/run/" (function) } {
                button.plain { "Run " (function) }
            }
        }
    }
}

/// A moment as people read it.
pub(super) fn shown(moment: Timestamp) -> String {
    moment.strftime("%e %B %Y, %H:%M:%S UTC").to_string().trim_start().to_owned()
}

/// How far the clock is from the machine's, in words.
pub(super) fn moved(offset: i64) -> String {
    let seconds = offset.unsigned_abs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let side = match offset {
        0 => return "the machine's own time".to_owned(),
        1.. => "ahead of",
        _ => "behind",
    };
    let parts: Vec<String> = [(days, "day"), (hours, "hour"), (minutes, "minute")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| count(number, noun))
        .collect();
    format!("{} {side} the machine", if parts.is_empty() { "a moment".to_owned() } else { parts.join(" ") })
}
