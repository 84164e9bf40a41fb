//! One link: what it allows, who used it, and its end.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::domain::identity::IssuedIdentity;
use shared::domain::link::{EnrollmentLink, LinkState, LinkUse};
use shared::error::{Error, Result};
use shared::id::LinkId;
use shared::service::create_enrollment_link::revoke_enrollment_link;
use shared::time::from_unix;

use super::links::{state, used, whom};
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

/// The page.
pub(crate) async fn show(Path((_, link)): Path<(String, String)>, look: Look) -> Result<Response, Refusal> {
    let (store, scope) = (&look.state.store, &look.scope);
    let link = store.link(scope, &named(&link)?).await?.ok_or_else(|| Error::not_found("enrollment link"))?;
    let mut uses = store.link_uses(scope, &link.id).await?;
    uses.sort_by_key(|used| used.used_at);
    let identities = store.identities(scope, uses.iter().map(|used| used.fingerprint)).await?;
    Ok(layout::page(&look, Part::Enrollment, "Link", &page(&look, &link, &uses, &identities)))
}

/// Ends the link now.
pub(crate) async fn revoke(
    Path((_, link)): Path<(String, String)>,
    SharedAct(Act { look, .. }): SharedAct,
) -> Result<Response, Refusal> {
    revoke_enrollment_link(&look.state, &look.scope, &named(&link)?).await?;
    Ok(layout::done(&look.path(&format!("enrollment/links/{link}")), "link-revoked"))
}

fn named(link: &str) -> Result<LinkId> {
    link.parse().map_err(|_| Error::not_found("enrollment link"))
}

fn page(look: &Look, link: &EnrollmentLink, uses: &[LinkUse], identities: &[IssuedIdentity]) -> Markup {
    let now = look.state.clock.now();
    let open = link.state(now) == LinkState::Open;
    html! {
        header {
            h1 { "Link: " (whom(link)) }
            p { "Its address cannot be shown again. If it is lost, revoke this link and make another." }
        }
        (facts(link, &state(link.state(now))))
        h2 { "Who used it" }
        @if uses.is_empty() {
            p.empty { "Nobody yet. Open the link on a device, and follow its two steps." }
        } @else { (users(uses, identities)) }
        @if open && look.may_change() {
            details {
                summary { "Revoke it" }
                p { "It opens no more. Devices that it enrolled stay enrolled." }
                form method="post" action=(look.path(&format!("enrollment/links/{}/revoke", link.id))) {
                    (layout::token(&look.visitor))
                    button.danger { "Revoke the link" }
                }
            }
        }
        p { a href=(look.path("enrollment")) { "All links" } }
    }
}

fn facts(link: &EnrollmentLink, state: &Markup) -> Markup {
    let holder = &link.terms.holder;
    html! {
        dl.facts {
            dt { "State" } dd { (state) @if let Some(at) = link.revoked_at { " " (layout::moment(at)) } }
            dt { "Used" } dd { (used(link)) }
            dt { "Made" } dd { (layout::moment(link.created_at)) }
            dt { "Ends" } dd { (layout::moment(from_unix(link.expires_at))) }
            @if let Some(email) = &holder.email { dt { "E-mail address" } dd { (email) } }
            @if let Some(group) = &holder.group { dt { "Group" } dd { (group) } }
            @if !link.terms.devices.is_empty() {
                dt { "Only these devices" } dd { (link.terms.devices.iter().cloned().collect::<Vec<_>>().join(" ")) }
            }
            @if let Some(owned) = &link.terms.user_enrollment {
                dt { "Whose devices" } dd { "People's own (User Enrollment)" }
                @if let Some(account) = &owned.managed_apple_account { dt { "Managed Apple Account" } dd { (account) } }
            }
        }
    }
}

fn users(uses: &[LinkUse], identities: &[IssuedIdentity]) -> Markup {
    let device = |used: &LinkUse| {
        let identity = identities.iter().find(|identity| identity.fingerprint == used.fingerprint);
        identity.and_then(|identity| identity.enrollment.as_ref()).map(ToString::to_string)
    };
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "When" } th { "Device" } } }
                tbody {
                    @for used in uses {
                        tr {
                            td { (layout::moment(used.used_at)) }
                            td {
                                @match device(used) {
                                    Some(device) => code { (device) },
                                    None => span.quiet { "Has its identity, and did not enroll yet" },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
