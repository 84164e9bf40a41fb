//! What SES reports of a mail: an address that refuses mails for good, or whose owner calls them spam, gets none more.

use super::confirm_contact::recipients;
use crate::domain::audit::AuditAction;
use crate::domain::contact::Disabled;
use crate::domain::mail_feedback::{Lost, MailEvent};
use crate::domain::token::Owner;
use crate::error::{Kind, Result};
use crate::id::TenantId;
use crate::scope::Scope;
use crate::state::State;

/// Takes one report. The function `mail-feedback` calls it; a report that comes again changes nothing. Who is lost where
/// only people can help stands in the log as an event: `nobody-is-told`, `operator-address-lost`.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn take_mail_feedback(state: &State, event: &MailEvent) -> Result<()> {
    let message = &event.mail.message_id;
    let lost = event.lost();
    if lost.is_empty() {
        tracing::info!(message, "a mail met with a passing hindrance");
        return Ok(());
    }
    match event.owner() {
        Some(Owner::Tenant(tenant)) => match tenants_contacts(state, tenant, event, &lost).await {
            Err(error) if error.kind() == Kind::NotFound => {
                tracing::warn!(message, "a report about a mail names a tenant that is not there");
                Ok(())
            }
            taken => taken,
        },
        Some(Owner::Operator) => {
            for Lost { address, reason, detail } in &lost {
                let event = "operator-address-lost";
                tracing::error!(event, address, %reason, detail, "a mail did not reach the operator");
            }
            Ok(())
        }
        None => {
            tracing::warn!(message, "a report about a mail does not say for whom it was sent");
            Ok(())
        }
    }
}

async fn tenants_contacts(state: &State, tenant: TenantId, event: &MailEvent, lost: &[Lost]) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the mail's own tag says for which tenant it was sent")]
    let scope = Scope::system(tenant, "mail feedback");
    let tenant = state.store.tenant(&scope).await?;
    let known = state.store.contacts(&scope).await?;
    for Lost { address, reason, detail } in lost {
        let Some(contact) = known.iter().find(|known| known.address.as_str().eq_ignore_ascii_case(address))
        else {
            tracing::warn!(tenant = %tenant.id, address, "a mail was lost on somebody who is no contact");
            continue;
        };
        // Who confirmed after the mail was sent has a mailbox that works: reports may be late, or come twice.
        if contact.verified_at.is_some_and(|verified| verified > event.mail.timestamp) {
            continue;
        }
        let disabled = Disabled { reason: *reason, at: state.clock.now(), detail: detail.clone() };
        let audit = state
            .audit(&scope, AuditAction::ContactDisabled)
            .with("address", &contact.address)
            .with("reason", reason)
            .with("detail", detail);
        if state.store.disable_contact(&scope, contact, &disabled, &audit).await? {
            tracing::warn!(tenant = %tenant.id, address, %reason, detail, "an address gets no mails any more");
        }
    }
    // Looked up again each time, so that a report that is repeated after a crash says it too.
    if recipients(state, &scope, &tenant).await?.iter().all(|recipient| recipient.disabled.is_some()) {
        let event = "nobody-is-told";
        tracing::error!(event, tenant = %tenant.id, "mails reach none of a tenant's contacts");
    }
    Ok(())
}
