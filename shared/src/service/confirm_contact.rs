//! Asking a contact whether its address is read, and taking the answer.

use crate::domain::audit::AuditAction;
use crate::domain::contact::EmailAddress;
use crate::domain::expiry::Recipient;
use crate::domain::expiry_mail::confirmation_mail;
use crate::domain::tenant::Tenant;
use crate::domain::token::{Owner, hash};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::port::mailer::Mail;
use crate::scope::{Actor, Scope};
use crate::secret::Secret;
use crate::state::State;
use crate::store::{Asking, Confirmation};
use crate::time::DAY;

/// How long the link in the mail works, in days.
const LINK_DAYS: i64 = 30;
/// An address is asked again after this many seconds at the earliest.
const ASK_AGAIN: i64 = 3_600;

/// The tenant's contacts, and which of them confirmed their address.
pub async fn recipients(state: &State, scope: &Scope, tenant: &Tenant) -> Result<Vec<Recipient>> {
    let known = state.store.contacts(scope).await?;
    let recipient = |address: &EmailAddress| {
        let contact = known.iter().find(|contact| contact.address == *address);
        Recipient {
            address: address.clone(),
            verified: contact.is_some_and(|contact| contact.verified_at.is_some()),
            disabled: contact.and_then(|contact| contact.disabled.clone()),
        }
    };
    Ok(tenant.contacts.iter().map(recipient).collect())
}

/// Mails a link to every contact that has not confirmed its address and was not asked within the hour, and returns
/// how many were asked. An address that was disabled is asked only where `also_disabled` says so: somebody wants it.
///
/// # Errors
/// Unavailable when a mail could not be sent, after all others were.
pub async fn ask_contacts(state: &State, scope: &Scope, tenant: &Tenant, also_disabled: bool) -> Result<u32> {
    let mut asked = 0;
    let mut trouble = None;
    for address in &tenant.contacts {
        match ask(state, scope, tenant, address, also_disabled).await {
            Ok(sent) => asked += u32::from(sent),
            // The others are asked all the same.
            Err(error) => trouble = Some(error),
        }
    }
    trouble.map_or(Ok(asked), Err)
}

async fn ask(
    state: &State,
    scope: &Scope,
    tenant: &Tenant,
    address: &EmailAddress,
    also_disabled: bool,
) -> Result<bool> {
    let now = state.clock.now().as_second();
    let secret = state.random.token();
    let asking = Asking { address, at: now, unless_since: now - ASK_AGAIN, also_disabled };
    let question = Confirmation { address: address.clone(), expires_at: now + LINK_DAYS * DAY };
    let audit = state.audit(scope, AuditAction::ContactAsked).with("address", address);
    if !state.store.ask_contact(scope, &asking, &hash(&secret), &question, &audit).await? {
        return Ok(false);
    }
    let page = format!("{}/console/{}/confirm/{}", state.config.base_url, tenant.id, secret.expose());
    let words = confirmation_mail(&tenant.name, &page);
    let mail = Mail { to: address.to_string(), subject: words.subject, text: words.text, html: words.html };
    state.send_mail(&Owner::Tenant(tenant.id.clone()), &mail).await?;
    tracing::info!(tenant = %tenant.id, to = %address, actor = %scope.actor(), "a contact was asked to confirm");
    Ok(true)
}

/// Takes the answer of whoever holds the link from the mail, and returns the address it was sent to.
///
/// # Errors
/// NotFound when the link is none of ours, or over.
pub async fn confirm_contact(
    state: &State,
    tenant: TenantId,
    secret: &Secret<String>,
) -> Result<EmailAddress> {
    let scope = Scope::authenticated(tenant, Actor::Address("confirmation"));
    let now = state.clock.now();
    let question = state
        .store
        .confirmation(&scope, &hash(secret))
        .await?
        .filter(|question| now.as_second() < question.expires_at)
        .ok_or_else(|| Error::not_found("confirmation link"))?;
    let audit = state.audit(&scope, AuditAction::ContactConfirmed).with("address", &question.address);
    state.store.contact_verified(&scope, &question.address, &audit).await?;
    tracing::info!(tenant = %scope.tenant(), address = %question.address, "a contact confirmed its address");
    Ok(question.address)
}
