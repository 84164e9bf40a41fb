//! Silent devices: the rule, trying it, who is inactive or locked, and letting them back.

pub(crate) mod access;
pub(crate) mod devices;
pub(crate) mod rule;

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::inactivity::InactivityRule;
use shared::error::Result;
use shared::service::inactivity::{Preview, confirm_inactivity, inactivity_rule};

use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::{Typed, number};

const TITLE: &str = "Silent devices";

/// The page.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, &Typed::default(), None).await
}

/// Says that so many devices are silent indeed.
pub(crate) async fn confirm(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let confirmed = async {
        let devices = number(&fields, "devices")?.unwrap_or_default();
        confirm_inactivity(&look.state, &look.scope, devices).await
    };
    match confirmed.await {
        Ok(_) => Ok(done(&look, "silence-confirmed")),
        Err(error) => answer(&look, &Typed::into("confirm", fields, error), None).await,
    }
}

fn done(look: &Look, said: &str) -> Response {
    layout::done(&look.path("silence"), said)
}

async fn answer(look: &Look, typed: &Typed, tried: Option<&Preview>) -> Result<Response, Refusal> {
    let rule = inactivity_rule(&look.state, &look.scope).await?;
    let content = html! {
        header {
            h1 { (TITLE) }
            p { "A device that says nothing for long may be lost. It becomes inactive: your services refuse it until it is back." }
        }
        (outage(look, &rule))
        (rule::page(look, &rule, typed, tried))
        (devices::page(look).await?)
        (access::page(look).await?)
    };
    Ok(layout::page_with(look, Part::Silence, TITLE, typed.error.as_ref(), &content))
}

/// The rule rests because too many devices fell silent at once; or it does not, because somebody looked.
fn outage(look: &Look, rule: &InactivityRule) -> Markup {
    let confirmed = rule.confirmed_until.filter(|_| rule.is_confirmed(look.state.clock.now()));
    html! {
        @if let Some(until) = confirmed {
            p.note { "The number of silent devices is confirmed until " (layout::moment(until)) ": the rule works." }
        }
        @if let Some(held) = &rule.held {
            div.note.warn {
                p { strong { "The rule rests. " } (held.would_hit) " of " (held.devices) " devices fell silent at once, since "
                    (layout::moment(held.since)) ". That looks like an outage, or like holidays, and nobody is locked out." }
                p { "Is the network down? Then wait. Are they holidays? Enter them below. Are the devices really lost? Confirm their number." }
                @if look.may_change() { (confirmation(look)) }
            }
        }
    }
}

/// The form that confirms how many devices are silent.
fn confirmation(look: &Look) -> Markup {
    html! {
        form.inline method="post" action=(look.path("silence/confirm")) {
            (layout::token(&look.visitor))
            label { "Number of silent devices, as the trial says now " input name="devices" inputmode="numeric" autocomplete="off" required; }
            button.danger type="submit" { "They are silent indeed" }
        }
    }
}
