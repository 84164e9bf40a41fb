//! Invitations by mail: one person, or a list of many.

use std::collections::BTreeSet;

use axum::response::Response;
use maud::{Markup, html};
use shared::error::Result;
use shared::service::create_enrollment_link::DEFAULT_DAYS;
use shared::service::invitation_list::{COLUMNS, check_number, invitation, invitations_of_csv};
use shared::service::invite::{Invitation, Invited, MOST_INVITATIONS, invite};

use super::{answer, field};
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::{Typed, optional};

const ONE: &str = "invitation";
const LIST: &str = "invitations";

/// Invites one person.
pub(crate) async fn send(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let sent = async {
        let (name, group) = (optional(&fields, "name"), optional(&fields, "group"));
        let one = invitation(fields.text("email").parse()?, name, group, BTreeSet::new(), "")?;
        all(&look, vec![one]).await
    };
    match sent.await {
        Ok(sent) => Ok(report(&look, &sent)),
        Err(error) => answer(&look, &Typed::into(ONE, fields, error)).await,
    }
}

/// Invites everybody on a list.
pub(crate) async fn send_list(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let sent = async { all(&look, invitations_of_csv(fields.file("list"))?).await };
    match sent.await {
        Ok(sent) => Ok(report(&look, &sent)),
        Err(error) => answer(&look, &Typed::into(LIST, fields, error)).await,
    }
}

/// What came of each invitation, in their order.
async fn all(look: &Look, invitations: Vec<Invitation>) -> Result<Vec<(String, Invited)>> {
    check_number(&invitations)?;
    let mut sent = Vec::with_capacity(invitations.len());
    for invitation in invitations {
        let address = invitation.email.to_string();
        sent.push((address, invite(&look.state, &look.scope, invitation, DEFAULT_DAYS).await?));
    }
    Ok(sent)
}

fn report(look: &Look, sent: &[(String, Invited)]) -> Response {
    let content = html! {
        header { h1 { "Invitations" } p { "Each person gets a link for one device. It may be used for " (DEFAULT_DAYS) " days." } }
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "Address" } th { "Mail" } } }
                tbody { @for (address, came) in sent { tr { td { (address) } td { (outcome(look, came)) } } } }
            }
        }
        p { a href=(look.path("enrollment")) { "Enrollment" } }
    };
    layout::page(look, Part::Enrollment, "Invitations", &content)
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
    let text = |name: &str| typed.text(ONE, name, "");
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
                details open[typed.is(LIST)] {
                    summary { "Many at once, from a list" }
                    form.plain method="post" action=(look.path("enrollment/invitations/list")) enctype="multipart/form-data" data-drop {
                        (layout::token(&look.visitor))
                        (field("CSV file", &format!("Its first line names the columns: {}; only the first is needed. Up to {MOST_INVITATIONS} people.", COLUMNS.join(",")), &html! {
                            input type="file" name="list" accept=".csv,text/csv" required;
                        }))
                        button type="submit" { "Send the invitations" }
                    }
                }
            }
        }
    }
}
