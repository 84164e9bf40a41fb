//! A mail that goes out once, however often a run is repeated.

use crate::domain::letter::Words;
use crate::error::{Error, Result};
use crate::port::mailer::Mail;
use crate::state::State;
use crate::store::Claim;

/// Sends a mail unless it went out before; returns whether it went out now. Killed between sending and noting it, it may
/// go out a second time after the claim's lease; it is never lost.
///
/// # Errors
/// Unavailable when the mail was not taken: the claim is given back, and the next run tries again.
pub(super) async fn mail_once(state: &State, claim: &Claim<'_>, words: Words) -> Result<bool> {
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
