//! The push certificate, once a year: request, Apple's portal, upload, review, activation; and what is active.

pub(crate) mod details;
pub(crate) mod key;
pub(crate) mod request;
pub(crate) mod review;
mod steps;
pub(crate) mod upload;

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::push_certificates::PushCertificates;
use shared::error::{Error, Result};

use crate::layout::{self, Part};
use crate::look::Look;
use crate::refusal::Refusal;
use steps::Step;

const TITLE: &str = "Push certificate";

/// What somebody typed into a form that was not taken.
#[derive(Default)]
pub(crate) struct Typed {
    error: Option<Error>,
    request: request::Form,
}

/// The page: the step that is due, and the active certificate.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, Typed::default()).await
}

/// The page with what went wrong.
async fn refused(look: &Look, error: Error) -> Result<Response, Refusal> {
    answer(look, Typed { error: Some(error), ..Typed::default() }).await
}

/// Back to the page after something was done.
fn done(look: &Look, said: &str) -> Response {
    layout::done(&look.path("push-certificate"), said)
}

async fn answer(look: &Look, typed: Typed) -> Result<Response, Refusal> {
    let all = look.state.store.push_certificates(&look.scope).await?;
    let step = due(look, &all, &typed);
    let body = match step {
        None => html! {},
        Some(Step::Request) => request::page(look, &all, &typed.request),
        Some(Step::Portal | Step::Upload) => upload::page(look, &all),
        Some(Step::Review | Step::Activate) => review::page(look).await?,
    };
    let content = html! {
        header {
            h1 { (TITLE) }
            p { "Apple wakes your devices for us only with a certificate that belongs to you. It lives for a year." }
        }
        @if step.is_none() { (renewal(look)) }
        @if step.is_some() { (steps::list(step)) (body) }
        (details::page(look, &all, step.is_some()).await?)
    };
    Ok(layout::page_with(look, Part::PushCertificate, TITLE, typed.error.as_ref(), &content))
}

/// The step that is due; none while the active certificate is all that is needed.
fn due(look: &Look, all: &PushCertificates, typed: &Typed) -> Option<Step> {
    if all.staged.is_some() {
        Some(Step::Review)
    } else if all.request.is_some() || look.query.contains_key("upload") {
        Some(Step::Portal)
    } else if all.active().is_none() || look.query.contains_key("renew") || typed.request.was_sent {
        Some(Step::Request)
    } else {
        None
    }
}

fn renewal(look: &Look) -> Markup {
    html! {
        @if look.may_change() {
            p {
                a role="button" href=(look.path("push-certificate?renew=1")) { "Renew it" } " "
                a role="button" class="secondary outline" href=(look.path("push-certificate?upload=1")) { "Upload a certificate" }
            }
        }
    }
}
