//! Mails that go out once to each address, however often a run is repeated.

use super::notify_expiry::Tally;
use crate::domain::contact::EmailAddress;
use crate::domain::letter::Words;
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::port::mailer::Mail;
use crate::state::State;
use crate::store::Claim;

/// What is told, and what makes it the same mail when it is told again.
pub(super) struct Occasion<'a> {
    pub(super) owner: &'a Owner,
    pub(super) credential: &'a str,
    pub(super) day: &'a str,
    pub(super) words: Words,
}

/// Sends a mail once to each address.
///
/// # Errors
/// Unavailable when a mail was not taken, after the others were sent.
pub(super) async fn mail_each(
    state: &State,
    occasion: &Occasion<'_>,
    told: &[&EmailAddress],
    tally: &mut Tally,
) -> Result<()> {
    let Occasion { owner, credential, day, words } = occasion;
    let mut trouble = None;
    for address in told {
        let claim = Claim { owner, credential, day, recipient: address.as_str() };
        match mail_once(state, &claim, words.clone()).await {
            Ok(true) => tally.sent += 1,
            Ok(false) => tally.repeated += 1,
            // The others must hear of it all the same.
            Err(error) => trouble = Some(error),
        }
    }
    trouble.map_or(Ok(()), Err)
}

/// Sends a mail unless it went out before; returns whether it went out now. Killed between sending and noting it, it may
/// go out a second time after the claim's lease; it is never lost.
///
/// # Errors
/// Unavailable when the mail was not taken: the claim is given back, and the next run tries again.
async fn mail_once(state: &State, claim: &Claim<'_>, words: Words) -> Result<bool> {
    let now = state.clock.now();
    if !state.store.claim_mail(claim, now).await? {
        return Ok(false);
    }
    let mail =
        Mail { to: claim.recipient.to_owned(), subject: words.subject, text: words.text, html: words.html };
    if let Err(error) = state.mailer.send(claim.owner, &mail).await {
        state.store.release_mail(claim).await?;
        return Err(Error::unavailable(error));
    }
    state.store.mail_sent(claim, now).await?;
    tracing::info!(
        credential = claim.credential,
        to = claim.recipient,
        occasion = claim.day,
        "a notice was mailed"
    );
    Ok(true)
}
