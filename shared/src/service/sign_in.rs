//! Signing in to the console with a code that is mailed.

use std::net::IpAddr;

use super::limits::count;
use crate::domain::limit::{Counted, Limit};
use crate::domain::member::member_address;
use crate::domain::session::{CODE_LIFE, Session, SignIn, code_hash, code_of};
use crate::domain::sign_in_mail::sign_in_mail;
use crate::domain::token::{Owner, hash};
use crate::error::{Error, Result};
use crate::port::mailer::Mail;
use crate::secret::Secret;
use crate::state::State;

/// Mails a code to `address` if it is a member's, and returns the secret that the asking browser keeps: the code works
/// with it alone. The answer is the same for everybody, so that nobody learns who is a member.
///
/// # Errors
/// Malformed when it is no address; RateLimited when too many asked from `origin`; Unavailable when the mail could not be sent.
pub async fn ask_code(state: &State, address: &str, origin: Option<IpAddr>) -> Result<Secret<String>> {
    let address = member_address(address)?;
    count(state, Limit::SignIns, Counted::address(origin)).await?;
    let browser = state.random.token();
    let person = state.store.person(&address).await?;
    let Some(first) = person.memberships.first() else {
        tracing::info!("somebody asked to sign in who is no member");
        return Ok(browser);
    };
    let now = state.clock.now();
    if !state.store.may_mail_code(&address, now).await? {
        tracing::warn!(%address, "so many codes were mailed within the hour that no more is sent");
        return Ok(browser);
    }
    let code = code_of(state.random.bytes());
    let sign_in = SignIn {
        address: address.clone(),
        code_hash: code_hash(&browser, &code),
        tries: 0,
        expires_at: now.as_second() + CODE_LIFE,
    };
    state.store.begin_sign_in(&hash(&browser), &sign_in).await?;
    let words = sign_in_mail(&code, &format!("{}/console", state.config.base_url));
    let mail = Mail { to: address.to_string(), subject: words.subject, text: words.text, html: words.html };
    let owner: &Owner = &first.owner;
    state.send_mail(owner, &mail).await?;
    tracing::info!(%address, "a code to sign in was mailed");
    Ok(browser)
}

/// Begins a session for whoever enters the code that was mailed, in the browser that asked for it. Returns the
/// session's secret, which is a new one: nobody can have placed it in the browser before.
///
/// # Errors
/// Unauthenticated when the code is wrong, over, used, or was tried too often; RateLimited when too many were entered from
/// `origin`, right or wrong.
pub async fn enter_code(
    state: &State,
    browser: &Secret<String>,
    code: &str,
    origin: Option<IpAddr>,
) -> Result<Secret<String>> {
    count(state, Limit::Codes, Counted::address(origin)).await?;
    let now = state.clock.now();
    let asked = hash(browser);
    let sign_in = state
        .store
        .try_code(&asked, now)
        .await?
        .filter(|sign_in| sign_in.admits(browser, code))
        .ok_or_else(wrong)?;
    let secret = state.random.token();
    let session = Session::begin(sign_in.address, None, now);
    if !state.store.begin_session(&hash(&secret), &session, Some(&asked)).await? {
        return Err(wrong());
    }
    tracing::info!(address = %session.address, "a member signed in");
    Ok(secret)
}

fn wrong() -> Error {
    Error::unauthenticated(
        "sign-in-code",
        "This code does not work: it is mistyped, older than ten minutes, used already, or was tried five times.",
    )
    .at("code")
    .next("Look at the newest mail, or ask for a new code.")
}
