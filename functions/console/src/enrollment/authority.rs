//! The authority that issues each device its identity; the ones before it; and those of other servers.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::identity::{AuthorityState, IdentityAuthority};
use shared::error::{Error, Result};
use shared::id::AuthorityId;
use shared::pki::authority::AuthoritySubject;
use shared::service::create_identity_authority::{create_identity_authority, trust_identity_authority};
use shared::service::retire_identity_authority::retire_identity_authority;

use super::{answer, done, field};
use crate::layout;
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::{Typed, number, optional};

const MAKE: &str = "authority";
const TRUST: &str = "trust";
const RETIRE: &str = "retire";

/// Makes the tenant's authority, or another one in its place.
pub(crate) async fn make(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let made = async {
        let subject = AuthoritySubject {
            common_name: fields.text("common_name"),
            organization: fields.text("organization"),
            country: optional(&fields, "country"),
        };
        let replaces = optional(&fields, "replaces").map(|id| named(&id)).transpose()?;
        create_identity_authority(&look.state, &look.scope, &subject, replaces.as_ref()).await
    };
    match made.await {
        Ok(_) => Ok(done(&look, "authority-made")),
        Err(error) => answer(&look, &Typed::into(MAKE, fields, error)).await,
    }
}

/// Accepts the devices of another server.
pub(crate) async fn trust(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    match trust_identity_authority(&look.state, &look.scope, &fields.text("certificate")).await {
        Ok(_) => Ok(done(&look, "authority-trusted")),
        Err(error) => answer(&look, &Typed::into(TRUST, fields, error)).await,
    }
}

/// Refuses an authority's identities from now on.
pub(crate) async fn retire(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let retired = async {
        let devices = number(&fields, "devices")?;
        retire_identity_authority(&look.state, &look.scope, &named(&fields.text("authority"))?, devices).await
    };
    match retired.await {
        Ok(_) => Ok(done(&look, "authority-retired")),
        Err(error) => answer(&look, &Typed::into(RETIRE, fields, error)).await,
    }
}

fn named(id: &str) -> Result<AuthorityId> {
    id.parse().map_err(|_| Error::not_found("identity authority"))
}

pub(super) fn page(look: &Look, authorities: &[IdentityAuthority], typed: &Typed) -> Markup {
    let (issuing, others): (Vec<_>, Vec<_>) = authorities.iter().partition(|authority| authority.issuing);
    let issuing = issuing.first().copied();
    html! {
        section {
            h2 { "Identity authority" }
            @match issuing {
                None => {
                    p { "It issues each device the identity by which we know it. It is a certificate that signs itself: you order it nowhere, and it costs nothing." }
                    @if look.may_change() { (form(look, None, typed)) }
                    @else { p.empty { "There is none yet. An administrator makes it here." } }
                }
                Some(authority) => (facts(authority)),
            }
            @if !others.is_empty() { (table(look, &others)) }
            @if look.may_change() {
                @if let Some(authority) = issuing {
                    details open[typed.is(MAKE)] {
                        summary { "Replace it" }
                        p { "A new one issues from then on. The old one stays trusted: no device must enroll again. Retire it when all devices have moved." }
                        (form(look, Some(authority), typed))
                    }
                }
                (trust_form(look, typed))
            }
        }
    }
}

fn facts(authority: &IdentityAuthority) -> Markup {
    html! {
        dl.facts {
            dt { "Name on the device" } dd { (authority.common_name) }
            dt { "Organization" } dd { (authority.organization) }
            dt { "State" } dd { (state(authority)) }
            dt { "Ends" } dd { (layout::moment(authority.not_after)) }
            dt { "Fingerprint (SHA-256)" } dd { code { (authority.fingerprint()) } }
        }
    }
}

fn state(authority: &IdentityAuthority) -> Markup {
    match authority.state() {
        AuthorityState::Active => html! { span.badge.good { "Issues" } },
        AuthorityState::Trusted => html! { span.badge { "Trusted" } },
        AuthorityState::Retired => html! { span.badge.bad { "Retired" } },
    }
}

/// The form for a first authority, or for one that replaces `former`.
fn form(look: &Look, former: Option<&IdentityAuthority>, typed: &Typed) -> Markup {
    let organization: String = look.tenant.name.chars().take(64).collect();
    let name = former.map_or_else(
        || format!("{} device management", organization.chars().take(46).collect::<String>()),
        |former| former.common_name.clone(),
    );
    html! {
        form.plain method="post" action=(look.path("enrollment/authority")) {
            (layout::token(&look.visitor))
            @if let Some(former) = former { input type="hidden" name="replaces" value=(former.id); }
            (field("Name", "People read it on their device as the name of the profile.", &html! {
                input name="common_name" required maxlength="64" value=(typed.text(MAKE, "common_name", &name));
            }))
            (field("Organization", "", &html! {
                input name="organization" required maxlength="64" value=(typed.text(MAKE, "organization", &organization));
            }))
            (field("Country, if you like", "Two letters, such as DE.", &html! {
                input name="country" maxlength="2" value=(typed.text(MAKE, "country", ""));
            }))
            @if former.is_some() {
                label { input type="checkbox" name="sure" required; "Yes, make another authority in its place" }
            }
            button type="submit" { @if former.is_some() { "Replace the authority" } @else { "Make the authority" } }
        }
    }
}

fn table(look: &Look, others: &[&IdentityAuthority]) -> Markup {
    html! {
        h3 { "Other authorities" }
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "Name" } th { "State" } th { "Ends" } @if look.may_change() { th { "Retire" } } } }
                tbody {
                    @for authority in others {
                        tr {
                            td { (authority.common_name) br; small { (origin(authority)) } }
                            td { (state(authority)) }
                            td { (layout::moment(authority.not_after)) }
                            @if look.may_change() { td { @if authority.retired_at.is_none() { (retirement(look, authority)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn origin(authority: &IdentityAuthority) -> &'static str {
    if authority.is_own() {
        "Yours, replaced"
    } else if authority.external {
        "Of your own SCEP server"
    } else {
        "Of another server"
    }
}

fn retirement(look: &Look, authority: &IdentityAuthority) -> Markup {
    html! {
        form method="post" action=(look.path("enrollment/authority/retire")) {
            (layout::token(&look.visitor))
            input type="hidden" name="authority" value=(authority.id);
            input name="devices" inputmode="numeric" autocomplete="off" placeholder="Devices"
                aria-label="Number of devices that must enroll again, if any";
            button.danger aria-label={ "Retire " (authority.common_name) } { "Retire" }
        }
    }
}

fn trust_form(look: &Look, typed: &Typed) -> Markup {
    html! {
        details open[typed.is(TRUST)] {
            summary { "Trust the authority of another server" }
            p { "For devices that come from another server and keep the identity they have." }
            form.plain method="post" action=(look.path("enrollment/authority/trust")) {
                (layout::token(&look.visitor))
                (field("Its certificate", "PEM: it begins with -----BEGIN CERTIFICATE-----", &html! {
                    textarea name="certificate" rows="6" required { (typed.text(TRUST, "certificate", "")) }
                }))
                button type="submit" class="secondary" { "Trust it" }
            }
        }
    }
}
