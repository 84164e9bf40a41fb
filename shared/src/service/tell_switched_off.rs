//! Telling a tenant's contacts that one of its webhooks was switched off by itself.

use super::confirm_contact::recipients;
use super::mail_each::{Occasion, mail_each};
use super::notify_expiry::Tally;
use crate::domain::expiry::reached;
use crate::domain::token::Owner;
use crate::domain::webhook::Webhook;
use crate::domain::webhook_mail::webhook_mail;
use crate::error::{Kind, Result};
use crate::scope::Scope;
use crate::state::State;
use crate::time::SignedDuration;

/// For so long a mail that is not taken is tried again.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Mails the tenant's contacts, once each, and then notes that they know. Where this ends in between, the webhook's next turn
/// goes on.
///
/// # Errors
/// Unavailable when a mail was not taken, after the others were sent.
pub(super) async fn tell_switched_off(state: &State, scope: &Scope, webhook: Webhook) -> Result<()> {
    let tenant = state.store.tenant(scope).await?;
    if let Some(off) = webhook.switched_off.as_ref().filter(|_| tenant.expiry_mails) {
        let recipients = recipients(state, scope, &tenant).await?;
        let (base, id) = (&state.config.base_url, &webhook.id);
        let page = format!("{base}/console/{}/settings/webhooks/{id}", tenant.id);
        let occasion = Occasion {
            owner: &Owner::Tenant(tenant.id.clone()),
            realm: scope.into(),
            credential: &format!("webhook.{}", webhook.id),
            day: &format!("off-{}", off.at.as_second()),
            words: webhook_mail(&tenant.name, &webhook, off, &page),
        };
        let mailed = mail_each(state, &occasion, &reached(&recipients, false), &mut Tally::default()).await;
        let is_late = state.clock.now().duration_since(off.at) >= LONGEST;
        match mailed {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) if error.kind() != Kind::Malformed && !is_late => return Err(error),
            Err(error) => {
                let tenant = scope.tenant();
                tracing::error!(%tenant, webhook = %webhook.id, error = %error.chain(), "a webhook's owners were not told");
            }
        }
    }
    // Somebody who changed it meanwhile leaves it to the next turn, or switched it on.
    let told = Webhook { untold: false, version: webhook.version + 1, ..webhook };
    state.store.webhook_told(scope, &told).await.map(drop)
}
