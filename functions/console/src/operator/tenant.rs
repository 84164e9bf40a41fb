//! One tenant, as the operator sees it: no device, the way in while the tenant allows it, and one thing that can be done for it.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::domain::support::person;
use shared::domain::tenant::Tenant;
use shared::error::{Error, Kind, Result};
use shared::id::TenantId;
use shared::service::openid_settings::remove_tenants_openid_provider;
use shared::service::show_tenant::show_tenant;
use shared::service::support::ask_for_support;
use shared::time::from_unix;

use crate::first::role_name;
use crate::layout;
use crate::look::{OperatorAct, OperatorLook};
use crate::refusal::Refusal;

/// Its facts and contacts.
pub(crate) async fn show(Path(named): Path<String>, look: OperatorLook) -> Result<Response, Refusal> {
    answer(&look, id(&named)?, None, "").await
}

/// Asks the tenant's administrators whether support may look in.
pub(crate) async fn ask(
    Path(named): Path<String>,
    OperatorAct { look, fields }: OperatorAct,
) -> Result<Response, Refusal> {
    let (id, reason) = (id(&named)?, fields.text("reason"));
    match ask_for_support(&look.signed.state, &look.operator, id.clone(), &reason).await {
        Ok(_) => Ok(layout::done(&format!("/console/operator/tenants/{id}"), "support-asked")),
        Err(error) if error.kind() == Kind::NotFound => Err(error.into()),
        Err(error) => answer(&look, id, Some(&error), &reason).await,
    }
}

fn id(named: &str) -> Result<TenantId> {
    named.parse().map_err(|_| Error::not_found("tenant"))
}

async fn answer(
    look: &OperatorLook,
    id: TenantId,
    error: Option<&Error>,
    reason: &str,
) -> Result<Response, Refusal> {
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
        (support(look, tenant, reason))
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
    Ok(layout::operators_with(look, "/console/operator", &tenant.name, error, &content))
}

/// Whether support may look in, and the question where it may not.
fn support(look: &OperatorLook, tenant: &Tenant, reason: &str) -> Markup {
    let now = look.signed.state.clock.now();
    let asked = tenant.support_asked.as_ref();
    html! {
        h2 { "Support access" }
        @if let Some(access) = tenant.open_support(now) {
            p { "Allowed until " (layout::moment(access.until)) " as " (role_name(access.level)) ", by " (person(&access.allowed_by)) "." }
            @if let Some(note) = &access.note { p { (note) } }
            p { a role="button" href={ "/console/" (tenant.id) } { "Look into " (tenant.name) } }
            p.quiet { "Both audit logs name that you came, and the tenant's all that you do." }
        } @else {
            p { "Not allowed. Only the tenant's administrators can allow it." }
            @if let Some(asked) = asked { p.quiet { "Last asked by " (person(&asked.by)) ", " (layout::moment(from_unix(asked.asked_at))) "." } }
            @if asked.and_then(|asked| asked.rests(now)).is_none() {
                form.plain method="post" action={ "/console/operator/tenants/" (tenant.id) "/ask" } {
                    (layout::token(&look.signed.visitor))
                    label { "Why" textarea name="reason" rows="3" maxlength="500" required { (reason) } }
                    button type="submit" { "Ask for access" }
                }
            }
        }
    }
}

/// Drops the provider by which the tenant's members sign in.
pub(crate) async fn remove_provider(
    Path(named): Path<String>,
    OperatorAct { look, .. }: OperatorAct,
) -> Result<Response, Refusal> {
    let id = id(&named)?;
    remove_tenants_openid_provider(&look.signed.state, &look.operator, id).await?;
    Ok(layout::done(&format!("/console/operator/tenants/{named}"), "provider-removed"))
}
