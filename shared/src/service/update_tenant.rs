//! Changing what a tenant may change of itself.

use super::create_tenant::{ask_new_contacts, check_contacts};
use super::enqueue_command::check_life;
use crate::domain::audit::AuditAction;
use crate::domain::contact::EmailAddress;
use crate::domain::tenant::{Tenant, display_name};
use crate::error::{Error, Result};
use crate::scope::{Actor, Role, Scope};
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
    /// How many seconds a command waits unless it says otherwise; 0 is for ever.
    pub command_expires_in: Option<u64>,
    /// Whether a second administrator must approve that a device is erased.
    pub erase_needs_approval: Option<bool>,
}

/// Changes a tenant and returns it as it is now.
///
/// # Errors
/// Malformed, naming the field; NotFound when there is no such tenant; Forbidden when an administrator would do away with
/// the second approval, which one alone must not.
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
    if let Some(seconds) = change.command_expires_in.filter(|seconds| *seconds != 0) {
        check_life(seconds).map_err(|error| error.at("command_expires_in"))?;
    }
    tenant.command_expires_in = change.command_expires_in.unwrap_or(tenant.command_expires_in);
    if let Some(wanted) = change.erase_needs_approval {
        let operator =
            matches!(scope.actor(), Actor::Token(_, Role::Operator) | Actor::Member(_, Role::Operator));
        if tenant.erase_needs_approval && !wanted && !operator {
            return Err(Error::forbidden(
                "approval-rule",
                "One administrator alone cannot do away with the second approval.",
            )
            .at("erase_needs_approval")
            .next("Ask the operator of the server."));
        }
        tenant.erase_needs_approval = wanted;
    }
    let audit = state
        .audit(scope, AuditAction::TenantChanged)
        .with("expiry_mails", tenant.expiry_mails)
        .with("command_expires_in", tenant.command_expires_in)
        .with("erase_needs_approval", tenant.erase_needs_approval);
    state.store.update_tenant(scope, &tenant, &audit).await?;
    if new_contacts {
        ask_new_contacts(state, scope, &tenant).await;
    }
    Ok(tenant)
}
