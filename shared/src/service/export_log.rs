//! A log as lines with its seals between them, for a check without the server: `infra/verify-log`.

use serde_json::{Value, json};

use super::limits::count;
use super::seal_logs::beginning;
use crate::domain::limit::{Counted, Limit};
use crate::domain::log::{moment, moment_of, month_of};
use crate::domain::seal::{Log, Seal};
use crate::error::{Error, Result};
use crate::scope::Realm;
use crate::state::State;
use crate::time::SignedDuration;

/// Seals of one page at most.
const SEALS: i32 = 200;
/// After so many entries a page ends with its seal.
const ENTRIES: u64 = 2_000;
/// Entries that are not sealed yet at most; of more than that, the rest is exported once it is sealed.
const UNSEALED: usize = 3_000;

/// A page of an export: lines of JSON, and where the next page begins.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The lines, each with its end.
    pub text: String,
    /// The mark of the next page.
    pub next: Option<String>,
}

/// A page of a log, from the seal `after` on: each seal's entries and then the seal. What is not sealed yet ends the last page.
/// With a month, only the seals that touch it.
///
/// # Errors
/// Malformed (`page-mark`) for a mark that is none; RateLimited.
pub async fn export_log(
    state: &State,
    realm: Realm<'_>,
    log: Log,
    month: Option<&str>,
    after: Option<&str>,
) -> Result<Exported> {
    if let Realm::Tenant(scope) = realm {
        count(state, Limit::Exports, Counted::tenant(scope.tenant())).await?;
    }
    let mut first = after.map_or(Ok(1), |mark| mark.parse::<u64>()).map_err(|_| {
        Error::malformed("page-mark", "This is not the mark of a page.")
            .at("after")
            .next("Pass the \"next\" of the page before, unchanged, or leave it out.")
    })?;
    let about = json!({"export": {"form": "pomarium-log-1", "tenant": realm.name(), "log": log.name()}});
    let mut text = row(&about);
    let over = match realm {
        Realm::Tenant(scope) => state.store.retention(scope).await?.over(log, state.clock.now()),
        Realm::Operator(_) => String::new(),
    };
    let is_wanted = |seal: &Seal| seal.until > over && month.is_none_or(|month| touches(seal, month));
    let (seals, mut next) = loop {
        let seals = state.store.seals(realm, log, first, SEALS).await?;
        let is_full = seals.len() == usize::try_from(SEALS).unwrap_or_default();
        let next = seals.last().filter(|_| is_full).map(|seal| seal.number + 1);
        match next {
            Some(number) if !seals.iter().any(is_wanted) => first = number,
            next => break (seals, next),
        }
    };
    let mut count = 0;
    for seal in seals.iter().filter(|seal| is_wanted(seal)) {
        if count >= ENTRIES {
            next = Some(seal.number);
            break;
        }
        let most = usize::try_from(seal.entries).unwrap_or(usize::MAX).saturating_add(100);
        let (lines, _) = state.store.log_lines(realm, log, (&seal.from, &seal.until), most).await?;
        lines.iter().for_each(|(_, line)| push(&mut text, line));
        count += seal.entries;
        text.push_str(&row(&json!({"seal": seal})));
    }
    match next {
        Some(number) => text.push_str(&row(&json!({"next": number.to_string()}))),
        None => unsealed(state, realm, log, month, &mut text).await?,
    }
    Ok(Exported { text, next: next.map(|number| number.to_string()) })
}

/// The entries that no seal is over yet.
async fn unsealed(
    state: &State,
    realm: Realm<'_>,
    log: Log,
    month: Option<&str>,
    text: &mut String,
) -> Result<()> {
    let last = state.store.last_seal(realm, log).await?;
    let from = match last {
        Some(seal) => seal.until,
        None => beginning(state, realm).await?,
    };
    // Writers' clocks differ a little.
    let until = moment(state.clock.now() + SignedDuration::from_secs(60));
    let (lines, _) = state.store.log_lines(realm, log, (&from, &until), UNSEALED).await?;
    let is_wanted = |place: &str| month.is_none_or(|month| month_of(moment_of(place)) == month);
    lines.iter().filter(|(place, _)| is_wanted(place)).for_each(|(_, line)| push(text, line));
    Ok(())
}

fn touches(seal: &Seal, month: &str) -> bool {
    let of = |place: &str| month_of(moment_of(place));
    (of(&seal.from)..=of(&seal.until)).contains(&month.to_owned())
}

fn row(value: &Value) -> String {
    format!("{value}\n")
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
