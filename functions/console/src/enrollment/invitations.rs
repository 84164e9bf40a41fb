//! Invitations by mail.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::contact::EmailAddress;
use shared::domain::link_terms::{LinkHolder, LinkTerms};
use shared::service::create_enrollment_link::DEFAULT_DAYS;
use shared::service::invite::{Invitation, Invited, invite};

use super::{answer, field};
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;
use crate::typed::{Typed, optional};

const FORM: &str = "invitation";

/// Invites one person.
pub(crate) async fn send(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let sent = async {
        let email: EmailAddress = fields.text("email").parse()?;
        let (name, group) = (optional(&fields, "name"), optional(&fields, "group"));
        let holder = LinkHolder { group, name, email: Some(email.clone()) };
        let terms = LinkTerms { holder, ..LinkTerms::default() };
        invite(&look.state, &look.scope, Invitation { email, terms }, DEFAULT_DAYS).await
    };
    match sent.await {
        Ok(came) => Ok(report(&look, &fields.text("email"), &came)),
        Err(error) => answer(&look, &Typed::into(FORM, fields, error)).await,
    }
}

fn report(look: &Look, address: &str, came: &Invited) -> Response {
    let content = html! {
        header { h1 { "Invitation" } p { "The person gets a link for one device. It may be used for " (DEFAULT_DAYS) " days." } }
        p { strong { (address) } ": " (outcome(look, came)) }
        p { a href=(look.path("enrollment")) { "Enrollment" } }
    };
    layout::page(look, Part::Enrollment, "Invitation", &content)
}

fn outcome(look: &Look, came: &Invited) -> Markup {
    match came {
        Invited::Sent(link) => html! {
            span.badge.good { "On its way" } " " a href=(look.path(&format!("enrollment/links/{link}"))) { "Link" }
        },
        Invited::Before => html! { span.badge { "Sent before, today" } },
        Invited::Failed(error) => {
            html! { span.badge.bad { "Not sent" } " " (error.to_string()) " You may invite again." }
        }
    }
}

pub(super) fn page(look: &Look, typed: &Typed) -> Markup {
    let text = |name: &str| typed.text(FORM, name, "");
    html! {
        @if look.may_change() {
            section {
                h2 { "Invite by mail" }
                form.plain method="post" action=(look.path("enrollment/invitations")) {
                    (layout::token(&look.visitor))
                    (field("E-mail address to invite", "The person gets a link for one device, with the steps to follow.", &html! {
                        input name="email" type="email" required value=(text("email"));
                    }))
                    (field("Name of the person, if you like", "", &html! { input name="name" maxlength="64" value=(text("name")); }))
                    (field("Group, if you like", "", &html! { input name="group" maxlength="64" value=(text("group")); }))
                    button type="submit" { "Send the invitation" }
                }
            }
        }
    }
}
