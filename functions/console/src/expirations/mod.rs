//! What ends, when, and what to do; who hears of it; the calendar that other programs subscribe to.

pub(crate) mod acts;
mod list;
mod people;

use axum::response::Response;
use maud::{Markup, html};
use shared::error::{Error, Result};
use shared::service::confirm_contact::recipients;
use shared::service::list_expirations::{Expiration, tenant_expirations};
use shared::time::{Timestamp, coming_months};

use crate::chart;
use crate::layout::{self, Part};
use crate::look::Look;
use crate::refusal::Refusal;
pub(crate) use list::{Snoozing, expirations, title};

const TITLE: &str = "Expirations";
/// Months of the chart.
const MONTHS: i32 = 12;

/// The page.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, None, &Snoozing::default()).await
}

async fn answer(look: &Look, error: Option<&Error>, typed: &Snoozing) -> Result<Response, Refusal> {
    let (state, scope) = (&look.state, &look.scope);
    let now = state.clock.now();
    let ending = tenant_expirations(state, scope).await?;
    let identities = state.store.identity_counts(scope).await?;
    let identities: Vec<(String, u64)> =
        identities.into_iter().map(|count| (count.month, count.issued)).collect();
    let people = recipients(state, scope, &look.tenant).await?;
    let has_address = state.store.calendar_feed(scope).await?.is_some();
    let form = look.may_change().then(|| (&look.visitor, look.path("expirations/snooze")));
    let content = html! {
        header {
            h1 { (TITLE) }
            p { "Everything of yours that ends. Mails begin 30 days before, and stop when you have renewed." }
        }
        @if ending.is_empty() {
            div.empty { p { "Nothing ends yet. " a href=(look.path("push-certificate")) { "Get your push certificate" } " first." } }
        }
        (expirations(&ending, now, form.as_ref().map(|(visitor, path)| (*visitor, path.as_str())), typed))
        (months(&ending, &identities, now))
        (people::list(look, &people))
        (people::calendar(look, has_address))
    };
    Ok(layout::page_with(look, Part::Expirations, TITLE, error, &content))
}

/// How much ends in each of the next months.
fn coming(ending: &[Expiration], identities: &[(String, u64)], now: Timestamp) -> Vec<(String, usize)> {
    let counted = coming_months(now, MONTHS).into_iter().map(|month| {
        let name = month.strftime("%Y-%m").to_string();
        let ours = ending.iter().filter(|one| one.credential.not_after.strftime("%Y-%m").to_string() == name);
        let devices: u64 = identities.iter().filter(|(of, _)| *of == name).map(|(_, issued)| issued).sum();
        let all = ours.count().saturating_add(usize::try_from(devices).unwrap_or(usize::MAX));
        (month.strftime("%b").to_string(), all)
    });
    counted.collect()
}

/// What ends in which month, and how many devices' identities do.
fn months(ending: &[Expiration], identities: &[(String, u64)], now: Timestamp) -> Markup {
    let month = |at: Timestamp| at.strftime("%Y-%m").to_string();
    let mut months: Vec<String> = ending
        .iter()
        .map(|one| month(one.credential.not_after))
        .chain(identities.iter().map(|(month, _)| month.clone()))
        .collect();
    months.sort();
    months.dedup();
    let present = month(now);
    html! {
        @if !months.is_empty() {
            h2 { "By month" }
            (chart::bars("How much ends in each of the next twelve months, device identities among it", &coming(ending, identities, now)))
            div.scroll tabindex="0" { table {
                thead { tr { th { "Month" } th { "Ends" } th { "Device identities" } } }
                tbody {
                    @for entry in &months {
                        tr {
                            th scope="row" { (entry) @if *entry == present { " (now)" } }
                            td {
                                @for one in ending.iter().filter(|one| month(one.credential.not_after) == *entry) {
                                    div { (title(one)) " " span.quiet { (one.credential.not_after.strftime("%d %b")) } }
                                }
                            }
                            td { @for (_, issued) in identities.iter().filter(|(month, _)| month == entry) { (issued) } }
                        }
                    }
                }
            } }
            p.quiet { "Devices renew their identities by themselves, from 60 days before the end; those renewed since are counted as well." }
        }
    }
}
