//! Mailing tenants before their push certificate ends: one mail a day to each contact, until it is renewed.

use crate::domain::contact::EmailAddress;
use crate::domain::expiry::{FIRST_DAY, LAST_DAY, Notice, due, push_certificate_mail};
use crate::domain::push_certificates::InstalledCertificate;
use crate::domain::tenant::Tenant;
use crate::error::{Error, Result};
use crate::port::mailer::Mail;
use crate::scope::Scope;
use crate::state::State;
use crate::store::{Claim, Expiring};
use crate::time::{DAY, SignedDuration};

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Mails sent.
    pub sent: u32,
    /// Mails that had gone out before, on this day.
    pub repeated: u32,
    /// Tenants where something went wrong; the next run tries again.
    pub failed: u32,
}

/// Sends what is due today. It may run any number of times a day, and be cut short anywhere.
///
/// # Errors
/// Unavailable when it cannot even be found out what ends.
pub async fn notify_expiry(state: &State) -> Result<Tally> {
    let now = state.clock.now();
    let from = now - SignedDuration::from_secs((LAST_DAY + 1) * DAY);
    let to = now + SignedDuration::from_secs((FIRST_DAY + 1) * DAY);
    let mut tally = Tally::default();
    for expiring in state.store.expiring(from, to).await? {
        if let Err(error) = notify_tenant(state, &expiring, &mut tally).await {
            tally.failed += 1;
            tracing::error!(tenant = %expiring.tenant, error = %error.chain(), "expiry mails were not sent");
        }
    }
    tracing::info!(sent = tally.sent, repeated = tally.repeated, failed = tally.failed, "expiry notices");
    Ok(tally)
}

async fn notify_tenant(state: &State, expiring: &Expiring, tally: &mut Tally) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the schedule acts for every tenant in turn")]
    let scope = Scope::system(expiring.tenant.clone(), "expiry notice");
    let tenant = state.store.tenant(&scope).await?;
    // The index may lag: what counts is which certificate is active now.
    let all = state.store.push_certificates(&scope).await?;
    let Some(active) = all.active().filter(|active| active.certificate.fingerprint == expiring.fingerprint)
    else {
        return Ok(());
    };
    let Some(notice) = due(state.clock.now(), active.certificate.not_after) else {
        return Ok(());
    };
    if !tenant.expiry_mails {
        return Ok(());
    }
    let mut trouble = None;
    for contact in &tenant.contacts {
        match notify(state, &scope, &tenant, active, notice, contact).await {
            Ok(true) => tally.sent += 1,
            Ok(false) => tally.repeated += 1,
            // The other contacts must hear of it all the same.
            Err(error) => trouble = Some(error),
        }
    }
    trouble.map_or(Ok(()), Err)
}

/// Sends one mail, unless it went out today. Killed between sending and noting it, the mail may go out a second time
/// after the claim's lease; it is never lost.
async fn notify(
    state: &State,
    scope: &Scope,
    tenant: &Tenant,
    active: &InstalledCertificate,
    notice: Notice,
    contact: &EmailAddress,
) -> Result<bool> {
    let now = state.clock.now();
    let day = now.strftime("%Y-%m-%d").to_string();
    let claim = Claim { certificate: active.certificate.fingerprint, day: &day, recipient: contact.as_str() };
    if !state.store.claim_mail(scope, &claim, now).await? {
        return Ok(false);
    }
    let page = format!("{}/console/{}/push-certificate", state.config.base_url, scope.tenant());
    let words = push_certificate_mail(tenant, &active.certificate, notice, &page);
    let mail =
        Mail { to: contact.as_str().to_owned(), subject: words.subject, text: words.text, html: words.html };
    if let Err(error) = state.mailer.send(&mail).await {
        state.store.release_mail(scope, &claim).await?;
        return Err(Error::unavailable(error));
    }
    state.store.mail_sent(scope, &claim, now).await?;
    Ok(true)
}
