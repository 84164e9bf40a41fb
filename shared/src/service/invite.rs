//! Invitations by mail: each person gets a link of their own.

use openssl::sha::sha256;

use super::create_enrollment_link::{create_enrollment_link, issuing_authority, revoke_enrollment_link};
use super::limits::count;
use crate::domain::contact::EmailAddress;
use crate::domain::invitation_mail::invitation_mail;
use crate::domain::limit::{Counted, Limit};
use crate::domain::link_terms::LinkTerms;
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::id::LinkId;
use crate::port::mailer::Mail;
use crate::scope::Scope;
use crate::state::State;
use crate::store::{Claim, Claimed};

/// The most invitations in one call: each is a mail, and a call has half a minute.
pub const MOST_INVITATIONS: usize = 100;

/// Whom to invite, by which link.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Where the mail goes; it is the link's holder, too.
    pub email: EmailAddress,
    /// What the link allows.
    pub terms: LinkTerms,
}

/// What came of an invitation.
#[derive(Debug)]
pub enum Invited {
    /// The mail went out, with this link.
    Sent(LinkId),
    /// The same invitation went out today, or another call is about to send it.
    Before,
    /// The mail did not go out, and its link was revoked.
    Failed(Error),
}

/// Sends one invitation, once a day for the same person, terms and time: so a call that was cut off may be repeated.
///
/// A process that dies between the mail and its note leaves the claim to whoever repeats the call a quarter of an hour
/// later; that person gets two mails and two links.
///
/// # Errors
/// As `create_enrollment_link`, for what concerns the tenant and not this person; RateLimited when the tenant has sent as many as
/// it may: a call that is repeated later goes on where this one stopped.
pub async fn invite(
    state: &State,
    scope: &Scope,
    invitation: Invitation,
    valid_days: i64,
) -> Result<Invited> {
    let Invitation { email, mut terms } = invitation;
    terms.holder.email = Some(email.clone());
    let terms = terms.checked()?;
    let owner = Owner::Tenant(scope.tenant().clone());
    let now = state.clock.now();
    let day = now.strftime("%Y-%m-%d").to_string();
    let credential = format!("invitation.{}", same_invitation(&terms, valid_days));
    let claim = Claim { owner: &owner, credential: &credential, day: &day, recipient: email.as_str() };
    match state.store.claim_mail(&claim, now).await? {
        Claimed::Now => {}
        Claimed::Before => return Ok(Invited::Before),
        // Whoever died over it has sent nothing, as far as anybody knows.
        Claimed::Busy => return Ok(Invited::Failed(Error::unavailable("this invitation is being sent"))),
    }
    let sent = send(state, scope, &email, terms, valid_days).await;
    if let Ok(Invited::Sent(_)) = &sent {
        state.store.mail_sent(&claim, state.clock.now()).await?;
    } else {
        state.store.release_mail(&claim).await?;
    }
    sent
}

async fn send(
    state: &State,
    scope: &Scope,
    email: &EmailAddress,
    terms: LinkTerms,
    valid_days: i64,
) -> Result<Invited> {
    count(state, Limit::Invitations, Counted::tenant(scope.tenant())).await?;
    let name = terms.holder.name.clone();
    let (link, url) = create_enrollment_link(state, scope, valid_days, terms).await?;
    let organization = issuing_authority(state, scope).await?.organization;
    let words = invitation_mail(&organization, name.as_deref(), url.expose(), valid_days);
    let mail = Mail { to: email.to_string(), subject: words.subject, text: words.text, html: words.html };
    if let Err(error) = state.send_mail(&Owner::Tenant(scope.tenant().clone()), &mail).await {
        revoke_enrollment_link(state, scope, &link.id).await?;
        return Ok(Invited::Failed(error));
    }
    tracing::info!(tenant = %scope.tenant(), link = %link.id, actor = %scope.actor(), "a person was invited");
    Ok(Invited::Sent(link.id))
}

/// What makes two invitations the same one.
fn same_invitation(terms: &LinkTerms, valid_days: i64) -> String {
    let devices: Vec<&str> = terms.devices.iter().map(String::as_str).collect();
    let holder = &terms.holder;
    let parts = [
        holder.name.as_deref().unwrap_or_default(),
        holder.group.as_deref().unwrap_or_default(),
        &devices.join(","),
        &valid_days.to_string(),
    ];
    hex::encode(sha256(parts.join("\n").as_bytes()))
}
