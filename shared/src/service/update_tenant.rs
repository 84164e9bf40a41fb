//! Changing what a tenant may change of itself.

use super::create_tenant::{ask_new_contacts, check_contacts};
use crate::domain::audit::AuditAction;
use crate::domain::contact::EmailAddress;
use crate::domain::tenant::{Tenant, display_name};
use crate::error::Result;
use crate::scope::Scope;
use crate::state::State;

/// What is to change; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct TenantChange {
    /// The name shown to people.
    pub name: Option<String>,
    /// Who hears of what expires.
    pub contacts: Option<Vec<EmailAddress>>,
    /// Whether they do.
    pub expiry_mails: Option<bool>,
}

/// Changes a tenant and returns it as it is now.
///
/// # Errors
/// Malformed, naming the field; NotFound when there is no such tenant.
pub async fn update_tenant(state: &State, scope: &Scope, change: TenantChange) -> Result<Tenant> {
    let mut tenant = state.store.tenant(scope).await?;
    if let Some(name) = change.name {
        tenant.name = display_name(&name)?;
    }
    let new_contacts = change.contacts.is_some();
    if let Some(contacts) = change.contacts {
        check_contacts(&contacts)?;
        tenant.contacts = contacts;
    }
    tenant.expiry_mails = change.expiry_mails.unwrap_or(tenant.expiry_mails);
    let audit = state.audit(scope, AuditAction::TenantChanged).with("expiry_mails", tenant.expiry_mails);
    state.store.update_tenant(scope, &tenant, &audit).await?;
    if new_contacts {
        ask_new_contacts(state, scope, &tenant).await;
    }
    Ok(tenant)
}
