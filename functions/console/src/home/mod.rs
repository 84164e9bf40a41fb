//! What needs somebody today.

mod devices;

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::apns_status::ApnsStatus;
use shared::domain::credential::CredentialState;
use shared::domain::inactivity::InactivityRule;
use shared::error::Result;
use shared::service::apns_status::{PushStatus, apns_status};
use shared::service::inactivity::inactivity_rule;
use shared::service::list_expirations::{Expiration, tenant_expirations};
use shared::time::{Timestamp, days_until};

use crate::expirations;
use crate::known::{self, Known};
use crate::layout::{self, Part};
use crate::look::Look;
use crate::refusal::Refusal;

/// So many days before its end a credential is named here.
const SOON_DAYS: i64 = 30;

/// What the page tells of.
struct Today {
    has_authority: bool,
    known: Known,
    rule: InactivityRule,
    push: PushStatus,
    ending: Vec<Expiration>,
    now: Timestamp,
}

/// The first page of a tenant.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    let today = today(&look).await?;
    Ok(layout::page(&look, Part::Home, "Home", &page(&look, &today)))
}

async fn today(look: &Look) -> Result<Today> {
    let (state, scope) = (&look.state, &look.scope);
    let now = state.clock.now();
    let (push, authorities, rule, known, mut ending) = tokio::try_join!(
        apns_status(state, scope),
        state.store.authorities(scope),
        inactivity_rule(state, scope),
        known::devices(look, None),
        tenant_expirations(state, scope),
    )?;
    ending.retain(|one| days_until(now, one.credential.not_after) <= SOON_DAYS);
    Ok(Today { has_authority: !authorities.is_empty(), known, rule, push, ending, now })
}

fn page(look: &Look, today: &Today) -> Markup {
    let done = today.push.has_certificate && today.has_authority && !today.known.devices.is_empty();
    html! {
        header { h1 { (look.tenant.name) } }
        @if !done { (first_steps(look, today)) }
        @if today.push.has_certificate {
            h2 { "Today" }
            div.cards {
                (push_card(look, today))
                (ending_card(look, today))
                (devices::stuck_card(look, &today.known))
                (devices::silent_card(look, &today.known, &today.rule))
            }
            (devices::charts(&today.known, today.now))
        }
    }
}

fn first_steps(look: &Look, today: &Today) -> Markup {
    let steps = [
        (
            today.push.has_certificate,
            "push-certificate",
            "Get your push certificate",
            "Apple lets us wake your devices only with a certificate that you order. About ten minutes.",
        ),
        (
            today.has_authority,
            "enrollment",
            "Make an identity authority",
            "It issues each device the identity by which we know it. One click.",
        ),
        (
            !today.known.devices.is_empty(),
            "enrollment",
            "Enroll a first device",
            "Make a link, open it on the device, follow its two steps.",
        ),
    ];
    let current = steps.iter().position(|(done, ..)| !done);
    html! {
        p { "Three steps, and your first device is managed." }
        ol.steps {
            @for (number, (done, place, title, why)) in steps.iter().enumerate() {
                li.over[*done] aria-current=[(Some(number) == current).then_some("step")] {
                    @if *done { span { (title) } } @else { a href=(look.path(place)) { (title) } }
                    p.quiet { (why) }
                }
            }
        }
    }
}

fn push_card(look: &Look, today: &Today) -> Markup {
    let (class, word, meaning) = match &today.push.connection {
        None => ("", "Not tried yet", "Apple is asked within a day of the activation."),
        Some(ApnsStatus { connected: true, .. }) => {
            ("good", "Connected", "Apple accepts pushes to your devices.")
        }
        Some(_) => ("bad", "Disconnected", "Devices are not woken. The page says why."),
    };
    html! {
        article {
            h3 { "Apple push service" }
            p.big.good[class == "good"].bad[class == "bad"] { (word) }
            p.quiet { (meaning) }
            @if let Some((delivery, since)) = &today.push.delivery {
                @if delivery.alert.is_some() { p.bad { (delivery.meaning(*since)) } }
            }
            p { a href=(look.path("push-certificate")) { "Push certificate" } }
        }
    }
}

fn ending_card(look: &Look, today: &Today) -> Markup {
    html! {
        article {
            h3 { "Ending soon" }
            @if today.ending.is_empty() {
                p.big.good { "Nothing" }
                p.quiet { "Nothing ends within thirty days. You will be mailed before anything does." }
            } @else {
                ul {
                    @for one in &today.ending {
                        li {
                            strong.bad[one.credential.state(today.now) == CredentialState::Expired] { (expirations::title(one)) }
                            ": " (days(days_until(today.now, one.credential.not_after)))
                        }
                    }
                }
            }
            p { a href=(look.path("expirations")) { "All expirations" } }
        }
    }
}

/// How far away an end is.
pub(crate) fn days(left: i64) -> String {
    match left {
        ..0 => format!("ended {}", ago(-left)),
        0 => "ends today".to_owned(),
        1 => "ends tomorrow".to_owned(),
        _ => format!("ends in {left} days"),
    }
}

fn ago(days: i64) -> String {
    if days == 1 { "yesterday".to_owned() } else { format!("{days} days ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_as_people_tell_it() {
        for (left, words) in [
            (-3, "ended 3 days ago"),
            (-1, "ended yesterday"),
            (0, "ends today"),
            (1, "ends tomorrow"),
            (30, "ends in 30 days"),
        ] {
            assert_eq!(days(left), words);
        }
    }
}
