//! Links: the form for a new one, and the list.

use std::collections::BTreeSet;

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::contact::EmailAddress;
use shared::domain::link::{EnrollmentLink, LONGEST_DAYS, LinkState};
use shared::domain::link_terms::{LinkHolder, LinkTerms, MOST_USES, UserEnrollment};
use shared::error::Result;
use shared::service::create_enrollment_link::{DEFAULT_DAYS, create_enrollment_link};
use shared::time::from_unix;

use super::{answer, field, made};
use crate::fields::Fields;
use crate::layout;
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::{Typed, number, optional};

/// Links on one page.
const PAGE: i32 = 100;
const FORM: &str = "link";

/// Makes a link and shows it, this once.
pub(crate) async fn make(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let created = async {
        let days = number(&fields, "valid_days")?.unwrap_or(DEFAULT_DAYS);
        create_enrollment_link(&look.state, &look.scope, days, terms(&fields)?).await
    };
    match created.await {
        Ok((link, url)) => Ok(made::show(&look, &link, &url)?),
        Err(error) => answer(&look, &Typed::into(FORM, fields, error)).await,
    }
}

fn terms(fields: &Fields) -> Result<LinkTerms> {
    let address = |name| optional(fields, name).map(|text| text.parse::<EmailAddress>()).transpose();
    let person = address("managed_apple_account")?;
    let user_enrollment = fields.ticked("user_enrollment") || person.is_some();
    Ok(LinkTerms {
        uses: number(fields, "uses")?,
        holder: LinkHolder {
            group: optional(fields, "group"),
            name: optional(fields, "name"),
            email: address("email")?,
        },
        devices: fields.text("devices").split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>(),
        user_enrollment: user_enrollment.then_some(UserEnrollment { managed_apple_account: person }),
    })
}

pub(super) async fn page(look: &Look, typed: &Typed) -> Result<Markup> {
    let after = look.query.get("after").map(String::as_str);
    let (mut links, next) = look.state.store.links(&look.scope, after, PAGE).await?;
    links.sort_by_key(|link| std::cmp::Reverse(link.created_at));
    Ok(html! {
        section {
            h2 { "Links" }
            @if links.is_empty() {
                p.empty { "There is no link yet. Make one, and open it on the device: in its mail, or with its camera." }
            } @else { (table(look, &links)) }
            @if let Some(next) = next {
                p { a href=(look.path(&format!("enrollment?after={next}"))) { "More links" } }
            }
            @if look.may_change() { (form(look, typed)) }
        }
    })
}

fn table(look: &Look, links: &[EnrollmentLink]) -> Markup {
    let now = look.state.clock.now();
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "For" } th { "State" } th { "Used" } th { "Group" } th { "Made" } th { "Ends" } } }
                tbody {
                    @for link in links {
                        tr {
                            td { a href=(look.path(&format!("enrollment/links/{}", link.id))) { (whom(link)) } }
                            td { (state(link.state(now))) }
                            td { (used(link)) }
                            td { (link.terms.holder.group.as_deref().unwrap_or("—")) }
                            td { (layout::moment(link.created_at)) }
                            td { (layout::moment(from_unix(link.expires_at))) }
                        }
                    }
                }
            }
        }
    }
}

/// Whom a link is for, in a few words.
pub(super) fn whom(link: &EnrollmentLink) -> String {
    let holder = &link.terms.holder;
    match (&holder.name, &holder.email) {
        (Some(name), _) => name.clone(),
        (None, Some(email)) => email.to_string(),
        (None, None) if link.terms.is_single() => "One device".to_owned(),
        (None, None) => "Several devices".to_owned(),
    }
}

/// How often it was used, of how often it may be.
pub(super) fn used(link: &EnrollmentLink) -> String {
    match link.terms.uses {
        Some(uses) => format!("{} of {uses}", link.used),
        None => format!("{}, no limit", link.used),
    }
}

/// Where it stands.
pub(super) fn state(state: LinkState) -> Markup {
    match state {
        LinkState::Open => html! { span.badge.good { "Open" } },
        LinkState::Used => html! { span.badge { "Used up" } },
        LinkState::Ended => html! { span.badge { "Ended" } },
        LinkState::Revoked => html! { span.badge.bad { "Revoked" } },
    }
}

fn form(look: &Look, typed: &Typed) -> Markup {
    let text = |name: &str, usual: &str| typed.text(FORM, name, usual);
    html! {
        h3 { "New link" }
        form.plain method="post" action=(look.path("enrollment/links")) {
            (layout::token(&look.visitor))
            (field("Devices", "How many it enrolls. Leave it empty for any number.", &html! {
                input name="uses" type="number" min="1" max=(MOST_USES) value=(text("uses", "1"));
            }))
            (field("Days", "How long it may be used.", &html! {
                input name="valid_days" type="number" min="1" max=(LONGEST_DAYS) required value=(text("valid_days", &DEFAULT_DAYS.to_string()));
            }))
            details open[typed.is(FORM)] {
                summary { "For whom, which group, which devices" }
                (field("Name of the person", "", &html! { input name="name" maxlength="64" value=(text("name", "")); }))
                (field("E-mail address of the person", "It is kept with the device. No mail is sent.", &html! { input name="email" type="email" value=(text("email", "")); }))
                (field("Group", "Devices join it. It is made if there is none of this name.", &html! { input name="group" maxlength="64" value=(text("group", "")); }))
                (field("Only these devices", "Serial numbers or UDIDs, with spaces between them. Empty: any device.", &html! {
                    textarea name="devices" rows="2" { (text("devices", "")) }
                }))
                label {
                    input type="checkbox" name="user_enrollment" value="yes" checked[typed.ticked(FORM, "user_enrollment", false)];
                    "Devices that people own: only the organization's part is managed (User Enrollment)"
                }
                (field("Managed Apple Account", "For User Enrollment, if you know it.", &html! { input name="managed_apple_account" type="email" value=(text("managed_apple_account", "")); }))
            }
            button type="submit" { "Make the link" }
        }
    }
}
