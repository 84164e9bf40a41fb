//! Taking on a customer.

use super::confirm_contact::ask_contacts;
use super::create_token::new_token;
use super::secret_path;
use crate::domain::audit::AuditAction;
use crate::domain::contact::EmailAddress;
use crate::domain::tenant::{Tenant, display_name};
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::scope::{Operator, Role, Scope};
use crate::secret::Secret;
use crate::state::State;

/// Creates a tenant with its first admin token, which is shown once, and the key that seals what its devices deposit.
///
/// # Errors
/// Malformed when the name is not one, or nobody is to be told of what expires.
pub async fn create_tenant(
    state: &State,
    operator: &Operator,
    name: &str,
    contacts: Vec<EmailAddress>,
    expiry_mails: bool,
) -> Result<(Tenant, Secret<String>)> {
    let name = display_name(name)?;
    check_contacts(&contacts)?;
    let id: TenantId = state.random.id();
    let tenant = Tenant {
        id: id.clone(),
        name,
        contacts,
        expiry_mails,
        command_expires_in: 0,
        erase_needs_approval: false,
        support: None,
        support_asked: None,
        created_at: state.clock.now(),
    };
    let (token, text) = new_token(state, Owner::Tenant(id.clone()), "first admin", Role::Admin);
    // The key comes first: a tenant without one could not take a device's tokens.
    let data_key: [u8; 32] = state.random.bytes();
    state.secrets.put(&secret_path::data_key(&id), &Secret::new(data_key.to_vec())).await?;
    let scope = operator.within(id);
    let audit = state.audit(&scope, AuditAction::TenantCreated).with("token", &token.id);
    let operators = state.audit(operator, AuditAction::TenantCreated).with("tenant", &tenant.id);
    state.store.create_tenant(&scope, &tenant, &token, &audit, (operator, &operators)).await?;
    ask_new_contacts(state, &scope, &tenant).await;
    Ok((tenant, text))
}

/// Asks contacts to confirm their addresses. The tenant is as it should be all the same when the mail fails: they can
/// be asked again, and hear of what expires until somebody confirmed.
pub(super) async fn ask_new_contacts(state: &State, scope: &Scope, tenant: &Tenant) {
    if let Err(error) = ask_contacts(state, scope, tenant, false).await {
        tracing::warn!(tenant = %tenant.id, error = %error.chain(), "a contact was not asked to confirm");
    }
}

/// A tenant without an address would hear of nothing.
pub(super) fn check_contacts(contacts: &[EmailAddress]) -> Result<()> {
    if (1..=20).contains(&contacts.len()) {
        Ok(())
    } else {
        Err(Error::malformed(
            "contacts",
            "A tenant has 1 to 20 contacts, who are told before anything expires.",
        )
        .at("contacts")
        .next("Give at least one e-mail address."))
    }
}
