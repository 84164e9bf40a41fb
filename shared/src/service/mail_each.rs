//! Mails that go out once to each address, however often a run is repeated.

use super::notify_expiry::Tally;
use crate::domain::contact::EmailAddress;
use crate::domain::letter::{Access, Words};
use crate::domain::member::Member;
use crate::domain::token::Owner;
use crate::error::{Error, Kind, Result};
use crate::port::mailer::Mail;
use crate::scope::{Realm, Role};
use crate::state::State;
use crate::store::{Claim, Claimed};

/// What is told, and what makes it the same mail when it is told again.
pub(super) struct Occasion<'a> {
    pub(super) owner: &'a Owner,
    /// Whose members can do what it says.
    pub(super) realm: Realm<'a>,
    pub(super) credential: &'a str,
    pub(super) day: &'a str,
    pub(super) words: Words,
}

/// Sends a mail once to each address. Returns whether it went out to all of them, now or before; else another run is at it.
///
/// # Errors
/// Unavailable when a mail was not taken, Malformed when it never will be and all others went out.
pub(super) async fn mail_each(
    state: &State,
    occasion: &Occasion<'_>,
    told: &[&EmailAddress],
    tally: &mut Tally,
) -> Result<bool> {
    let Occasion { owner, realm, credential, day, words } = occasion;
    let access = access(state, *realm).await?;
    let (mut all, mut trouble) = (true, None);
    for address in told {
        let claim = Claim { owner, credential, day, recipient: address.as_str() };
        match mail_once(state, &claim, words.to(address, &access)).await {
            Ok(Claimed::Now) => tally.sent += 1,
            Ok(Claimed::Before) => tally.repeated += 1,
            Ok(Claimed::Busy) => {
                tally.repeated += 1;
                all = false;
            }
            // The others must hear of it all the same.
            Err(error) if passes(trouble.as_ref()) => {
                tracing::warn!(error = %error.chain(), "a mail was not taken")
            }
            Err(error) => trouble = Some(error),
        }
    }
    match trouble {
        // A refusal for good must not hide that somebody is still to be told.
        Some(error) if all || error.kind() != Kind::Malformed => Err(error),
        Some(_) | None => Ok(all),
    }
}

/// Who can sign in where mails lead to.
async fn access(state: &State, realm: Realm<'_>) -> Result<Access> {
    let mut access = Access::default();
    for Member { address, role, .. } in state.store.console_members(realm).await? {
        match role {
            Role::Operator | Role::Admin => access.may_change.push(address),
            Role::HelpDesk | Role::Viewer => access.may_look.push(address),
        }
    }
    Ok(access)
}

/// Whether a trouble may pass: that one is told of, if there are several.
fn passes(trouble: Option<&Error>) -> bool {
    trouble.is_some_and(|error| error.kind() != Kind::Malformed)
}

/// Sends a mail unless it went out before; `Now` says that it went out. Killed between sending and noting it, it may
/// go out a second time after the claim's lease; it is never lost.
///
/// # Errors
/// Unavailable when the mail was not taken, Malformed when it never will be: the claim is given back, and the next run tries
/// again.
async fn mail_once(state: &State, claim: &Claim<'_>, words: Words) -> Result<Claimed> {
    let now = state.clock.now();
    let claimed = state.store.claim_mail(claim, now).await?;
    if claimed != Claimed::Now {
        return Ok(claimed);
    }
    let mail =
        Mail { to: claim.recipient.to_owned(), subject: words.subject, text: words.text, html: words.html };
    if let Err(error) = state.send_mail(claim.owner, &mail).await {
        state.store.release_mail(claim).await?;
        return Err(error);
    }
    state.store.mail_sent(claim, now).await?;
    tracing::info!(
        credential = claim.credential,
        to = claim.recipient,
        occasion = claim.day,
        "a notice was mailed"
    );
    Ok(claimed)
}
