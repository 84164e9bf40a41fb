//! One tenant, as the operator sees it: no device, and one thing that can be done for it.

use axum::extract::Path;
use axum::response::Response;
use maud::html;
use shared::error::{Error, Result};
use shared::id::TenantId;
use shared::service::openid_settings::remove_tenants_openid_provider;
use shared::service::show_tenant::show_tenant;

use crate::layout;
use crate::look::{OperatorAct, OperatorLook};
use crate::refusal::Refusal;

/// Its facts and contacts.
pub(crate) async fn show(Path(named): Path<String>, look: OperatorLook) -> Result<Response, Refusal> {
    let id = tenant_id(&named)?;
    let facts = show_tenant(&look.signed.state, &look.operator, id).await?;
    let tenant = &facts.tenant;
    let content = html! {
        header { h1 { (tenant.name) } }
        dl.facts {
            dt { "Identifier" } dd { code { (tenant.id) } }
            dt { "Since" } dd { (layout::moment(tenant.created_at)) }
            dt { "Push certificate" } dd {
                @match facts.push_ends { Some(end) => { "Ends " (layout::moment(end)) } None => "None yet" }
            }
            dt { "Members sign in by" } dd {
                @match &facts.provider {
                    Some(provider) => { (provider.issuer) @if !provider.required { ", or mailed codes" } }
                    None => "Mailed codes",
                }
            }
            dt { "Mails before anything ends" } dd { @if tenant.expiry_mails { "Yes" } @else { "No: the contacts are told of nothing" } }
            dt { "Erasing needs a second administrator" } dd { @if tenant.erase_needs_approval { "Yes" } @else { "No" } }
        }
        h2 { "Contacts" }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Address" } th { "State" } } }
            tbody { @for person in &facts.contacts { tr { td { (person.address) } td {
                @if person.disabled.is_some() { span.badge.bad { "No mails: one came back, or was called spam" } }
                @else if person.verified { span.badge.good { "Confirmed" } } @else { span.badge.warn { "Not confirmed" } }
            } } } }
        } }
        @if facts.provider.is_some() {
            h2 { "If its people cannot sign in any more" }
            form.plain method="post" action=(format!("/console/operator/tenants/{}/sign-in/remove", tenant.id)) {
                (layout::token(&look.signed.visitor))
                p { "Drops the provider: its members sign in with mailed codes then. Be sure who asks you for it." }
                button.secondary type="submit" { "Let mailed codes in again" }
            }
        }
        p { a href="/console/operator" { "All tenants" } }
    };
    Ok(layout::operators(&look, "/console/operator", &tenant.name, &content))
}

/// Drops the provider by which the tenant's members sign in.
pub(crate) async fn remove_provider(
    Path(named): Path<String>,
    OperatorAct { look, .. }: OperatorAct,
) -> Result<Response, Refusal> {
    let id = tenant_id(&named)?;
    remove_tenants_openid_provider(&look.signed.state, &look.operator, id).await?;
    Ok(layout::done(&format!("/console/operator/tenants/{named}"), "provider-removed"))
}

fn tenant_id(named: &str) -> Result<TenantId, Error> {
    named.parse().map_err(|_| Error::not_found("tenant"))
}
