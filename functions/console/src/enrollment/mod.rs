//! Enrollment: the authority that issues identities, the links that devices open, and what profiles ask of devices.

pub(crate) mod authority;
pub(crate) mod invitations;
pub(crate) mod link;
pub(crate) mod links;
mod made;
mod scep;
pub(crate) mod settings;

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::identity::IdentityAuthority;
use shared::error::Result;

use crate::layout::{self, Part};
use crate::look::Look;
use crate::refusal::Refusal;
use crate::typed::Typed;

const TITLE: &str = "Enrollment";

/// What devices need before they can enroll.
struct Ready {
    has_certificate: bool,
    authorities: Vec<IdentityAuthority>,
}

impl Ready {
    fn issuing(&self) -> Option<&IdentityAuthority> {
        self.authorities.iter().find(|authority| authority.issuing)
    }

    fn is_complete(&self) -> bool {
        self.has_certificate && self.issuing().is_some()
    }
}

/// The page: links, and the authority behind them.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, &Typed::default()).await
}

/// Back to the page after something was done.
fn done(look: &Look, said: &str) -> Response {
    layout::done(&look.path("enrollment"), said)
}

async fn answer(look: &Look, typed: &Typed) -> Result<Response, Refusal> {
    let certificates = look.state.store.push_certificates(&look.scope).await?;
    let ready = Ready {
        has_certificate: certificates.usable(look.state.clock.now()).is_ok(),
        authorities: look.state.store.authorities(&look.scope).await?,
    };
    let content = html! {
        header {
            h1 { (TITLE) }
            p { "A device is managed after somebody opened a link on it and followed its two steps." }
        }
        @if !ready.has_certificate {
            p.note.warn {
                "Devices cannot enroll yet: your organization has no usable push certificate. "
                a href=(look.path("push-certificate")) { "Get the push certificate" }
            }
        }
        @if ready.is_complete() { (links::page(look, typed).await?) (invitations::page(look, typed)) }
        (authority::page(look, &ready.authorities, typed))
        section {
            h2 { "Settings" }
            p { "What profiles ask of devices, who may remove them, where identities come from: "
                a href=(look.path("enrollment/settings")) { "Enrollment settings" } }
        }
    };
    Ok(layout::page_with(look, Part::Enrollment, TITLE, typed.error.as_ref(), &content))
}

/// A form's field with its name and a word of help.
fn field(label: &str, help: &str, input: &Markup) -> Markup {
    html! { label { (label) (input) @if !help.is_empty() { small { (help) } } } }
}
