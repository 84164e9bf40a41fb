//! Asking, two months before a push certificate ends, who can renew it.

use super::list_expirations::Expiration;
use super::mail_each::{Occasion, mail_each};
use super::notify_expiry::Tally;
use crate::domain::contact::EmailAddress;
use crate::domain::credential::CredentialKind;
use crate::domain::expiry::FIRST_DAY;
use crate::domain::ownership::{ASKED_BEFORE, question_due};
use crate::domain::ownership_mail::ownership_mail;
use crate::domain::tenant::Tenant;
use crate::domain::token::Owner;
use crate::error::Result;
use crate::scope::Scope;
use crate::state::State;
use crate::time::days_until;

/// Mails the question of this week, once to each of `told`, if the active push certificate is near enough to its end
/// and nobody has confirmed the record.
pub(super) async fn ask_ownership(
    state: &State,
    scope: &Scope,
    tenant: &Tenant,
    expirations: &[Expiration],
    told: &[&EmailAddress],
    tally: &mut Tally,
) -> Result<()> {
    let now = state.clock.now();
    let is_push = |one: &&Expiration| one.credential.kind == CredentialKind::PushCertificate;
    let Some(Expiration { credential, page, .. }) = expirations.iter().find(is_push) else { return Ok(()) };
    // Looked at first, because it costs nothing and is seldom so.
    if !(FIRST_DAY + 1..=ASKED_BEFORE).contains(&days_until(now, credential.not_after)) {
        return Ok(());
    }
    let record = state.store.ownership(scope).await?;
    let Some(week) = question_due(record.as_ref(), credential.not_after, now) else { return Ok(()) };
    let owner = Owner::Tenant(tenant.id.clone());
    let subject = format!("ownership.{}", credential.reference);
    let day = format!("week-{week}");
    let words = ownership_mail(&tenant.name, credential, record.as_ref(), page);
    let occasion = Occasion { owner: &owner, realm: scope.into(), credential: &subject, day: &day, words };
    mail_each(state, &occasion, told, tally).await.map(drop)
}
