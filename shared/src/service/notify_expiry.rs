//! Mails before anything ends: one a day about each credential to each recipient, until it is renewed.

use std::ops::AddAssign;

use futures_util::StreamExt;
use futures_util::stream;

use super::ask_ownership::ask_ownership;
use super::confirm_contact::recipients;
use super::list_expirations::{Expiration, operator_expirations, tenant_expirations};
use super::mail_each::{Occasion, mail_each};
use crate::domain::contact::EmailAddress;
use crate::domain::expiry::{LAST_DAY, Notice, due, told};
use crate::domain::expiry_mail::expiry_mail;
use crate::domain::ownership::ASKED_BEFORE;
use crate::domain::token::Owner;
use crate::error::Result;
use crate::id::TenantId;
use crate::scope::{Operator, Realm, Scope};
use crate::state::State;
use crate::time::{DAY, SignedDuration};

/// Tenants that are served at the same time.
const AT_ONCE: usize = 16;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Mails sent.
    pub sent: u32,
    /// Mails that had gone out before, on this day.
    pub repeated: u32,
    /// Owners of credentials for whom something went wrong; the next run tries again.
    pub failed: u32,
    /// Tenants that the time did not suffice for; the next run serves them.
    pub left: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.repeated += other.repeated;
        self.failed += other.failed;
        self.left += other.left;
    }
}

/// Sends what is due today. It may run any number of times a day, and be cut short anywhere: each mail is claimed, so
/// that a further run goes on where this one ended. `may_go_on` is asked before each tenant.
///
/// # Errors
/// Unavailable when it cannot even be found out what ends.
pub async fn notify_expiry(state: &State, may_go_on: impl Fn() -> bool + Sync) -> Result<Tally> {
    let now = state.clock.now();
    let from = now - SignedDuration::from_secs((LAST_DAY + 1) * DAY);
    // The question who can renew comes before the notices begin.
    let to = now + SignedDuration::from_secs((ASKED_BEFORE + 1) * DAY);
    let mut tally = notify_operator(state).await;
    let tenants = state.store.tenants_with_an_end(from, to).await?;
    let may_go_on = &may_go_on;
    let mut served = stream::iter(tenants)
        .map(|tenant| async move {
            if may_go_on() {
                notify_tenant(state, tenant).await
            } else {
                Tally { left: 1, ..Tally::default() }
            }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(one) = served.next().await {
        tally += one;
    }
    let Tally { sent, repeated, failed, left } = tally;
    tracing::info!(sent, repeated, failed, left, "expiry notices");
    Ok(tally)
}

async fn notify_operator(state: &State) -> Tally {
    let mut tally = Tally::default();
    let served = async {
        let addresses: Vec<EmailAddress> =
            state.config.operator_mail.iter().map(|text| text.parse()).collect::<Result<_>>()?;
        let operator = Operator::system("expiry notice");
        let (expirations, mut trouble) = operator_expirations(state, &operator).await?;
        for expiration in &expirations {
            let told = |_| addresses.iter().collect();
            let host = state.config.host();
            let served = notify_all(state, (&operator).into(), host, expiration, told, &mut tally).await;
            if let Err(error) = served {
                trouble = Some(error);
            }
        }
        trouble.map_or(Ok(()), Err)
    };
    let served: Result<()> = served.await;
    count(served, &mut tally, "operator");
    tally
}

async fn notify_tenant(state: &State, tenant: TenantId) -> Tally {
    let mut tally = Tally::default();
    #[expect(clippy::disallowed_methods, reason = "the schedule acts for every tenant in turn")]
    let scope = Scope::system(tenant, "expiry notice");
    let served = serve_tenant(state, &scope, &mut tally).await;
    count(served, &mut tally, scope.tenant().as_str());
    tally
}

async fn serve_tenant(state: &State, scope: &Scope, tally: &mut Tally) -> Result<()> {
    let tenant = state.store.tenant(scope).await?;
    if !tenant.expiry_mails {
        return Ok(());
    }
    let recipients = recipients(state, scope, &tenant).await?;
    let mut trouble = None;
    // The index may lag: what counts is what the tenant has now.
    let expirations = tenant_expirations(state, scope).await?;
    for expiration in &expirations {
        let told = |notice| told(&recipients, notice);
        // What fails for one credential must not silence the others.
        if let Err(error) = notify_all(state, scope.into(), &tenant.name, expiration, told, tally).await {
            trouble = Some(error);
        }
    }
    let asked = told(&recipients, Notice::Expires(ASKED_BEFORE));
    if let Err(error) = ask_ownership(state, scope, &tenant, &expirations, &asked, tally).await {
        trouble = Some(error);
    }
    trouble.map_or(Ok(()), Err)
}

fn count(served: Result<()>, tally: &mut Tally, owner: &str) {
    if let Err(error) = served {
        tally.failed += 1;
        tracing::error!(owner, error = %error.chain(), "expiry mails were not sent");
    }
}

/// Tells everybody about one credential, if a notice is due.
async fn notify_all<'a>(
    state: &State,
    realm: Realm<'_>,
    name: &str,
    expiration: &Expiration,
    told: impl Fn(Notice) -> Vec<&'a EmailAddress>,
    tally: &mut Tally,
) -> Result<()> {
    let credential = expiration.credential.id();
    let Some(notice) = due(state.clock.now(), expiration.credential.not_after) else {
        return Ok(());
    };
    if let Some(snooze) = &expiration.snooze {
        tracing::info!(credential, by = snooze.by, until = %snooze.until, "an expiry notice is put off");
        return Ok(());
    }
    let owner = match realm {
        Realm::Tenant(scope) => Owner::Tenant(scope.tenant().clone()),
        Realm::Operator(_) => Owner::Operator,
    };
    let occasion = Occasion {
        owner: &owner,
        realm,
        credential: &credential,
        day: &state.clock.now().strftime("%Y-%m-%d").to_string(),
        words: expiry_mail(name, &expiration.credential, notice, &expiration.page),
    };
    mail_each(state, &occasion, &told(notice), tally).await.map(drop)
}
