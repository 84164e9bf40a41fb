//! Signing in to the console by the tenant's own provider: to it, and back with what it says.

use std::net::IpAddr;

use super::limits::count;
use super::openid_provider::{Exchange, exchange, information, known, verify};
use super::openid_settings::redirect_uri;
use super::secret_path;
use crate::domain::contact::EmailAddress;
use crate::domain::id_token::{Expected, Subject, check, check_information, refused};
use crate::domain::limit::{Counted, Limit};
use crate::domain::openid::{
    ATTEMPT_LIFE, Description, OpenidAttempt, OpenidProvider, authorization_url, refusal, unreachable,
};
use crate::domain::session::{Session, Voucher};
use crate::domain::token::{Owner, hash};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::scope::{Actor, Scope};
use crate::secret::Secret;
use crate::state::State;

/// What the provider sent the browser back with.
#[derive(Clone, Debug, Default)]
pub struct Returned {
    /// What was sent along.
    pub state: String,
    /// What is given for tokens.
    pub code: String,
    /// Why there is no code.
    pub error: String,
    /// Who answers.
    pub iss: String,
}

/// By which provider a tenant's members sign in. Whoever knows the tenant's identifier may know that, and no more.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn openid_way(state: &State, tenant: &TenantId) -> Result<Option<OpenidProvider>> {
    state.store.openid_provider(&anybody(tenant)).await
}

/// Begins: returns the secret that the browser keeps meanwhile, and where it goes.
///
/// # Errors
/// NotFound when the tenant has no provider; RateLimited when too many began from `origin`; Unavailable when the provider does not
/// answer.
pub async fn begin_openid(
    state: &State,
    tenant: &TenantId,
    next: &str,
    origin: Option<IpAddr>,
) -> Result<(Secret<String>, String)> {
    let scope = anybody(tenant);
    let provider = state.store.openid_provider(&scope).await?.ok_or_else(|| Error::not_found("page"))?;
    count(state, Limit::SignIns, Counted::address(origin)).await?;
    let known =
        known(state, &provider.issuer).await.map_err(|cause| unreachable(&provider).because(cause))?;
    let (browser, sent_along) = (state.random.token(), state.random.token());
    let attempt = OpenidAttempt {
        browser: hash(&browser),
        revision: provider.revision.clone(),
        nonce: state.random.token().expose().clone(),
        verifier: state.random.token().expose().clone(),
        next: next.to_owned(),
        expires_at: state.clock.now().as_second() + ATTEMPT_LIFE,
    };
    state.store.begin_openid(&scope, &hash(&sent_along), &attempt).await?;
    let back = redirect_uri(state, tenant);
    let url = authorization_url(&known.description, &provider, &back, &sent_along, &attempt)?;
    Ok((browser, url))
}

/// Ends what [`begin_openid`] began, and begins a session. Returns its secret, which is a new one, and the page to go to.
///
/// # Errors
/// Unauthenticated (`openid-attempt`) when this browser began nothing, ten minutes passed, it ended already, or the setting was
/// changed; the provider's refusal; Unauthenticated (`openid-token`) when what it says does not count; Forbidden
/// (`openid-no-member`) when it vouches for somebody who is no member.
pub async fn finish_openid(
    state: &State,
    tenant: &TenantId,
    browser: Option<&Secret<String>>,
    returned: &Returned,
) -> Result<(Secret<String>, String)> {
    let scope = anybody(tenant);
    let now = state.clock.now();
    let sent_along = hash(&Secret::new(returned.state.clone()));
    let browser = hash(browser.ok_or_else(over)?);
    let attempt = state.store.end_openid(&scope, &sent_along, &browser, now).await?.ok_or_else(over)?;
    let provider = state
        .store
        .openid_provider(&scope)
        .await?
        .filter(|provider| provider.revision == attempt.revision)
        .ok_or_else(over)?;
    if !returned.error.is_empty() {
        tracing::info!(issuer = provider.issuer, error = ?returned.error, "a provider let somebody not in");
        return Err(refusal(&provider, &returned.error));
    }
    let known =
        known(state, &provider.issuer).await.map_err(|cause| unreachable(&provider).because(cause))?;
    let is_named = !returned.iss.is_empty() || known.description.names_itself;
    if is_named && returned.iss != provider.issuer {
        return Err(refused("comes from another issuer"));
    }
    let address = vouched(state, &scope, &provider, &known.description, &attempt, &returned.code).await?;
    let person = state.store.person(&address).await?;
    let owner = Owner::Tenant(tenant.clone());
    if !person.memberships.iter().any(|membership| membership.owner == owner) {
        return Err(no_member(&provider, &address));
    }
    let secret = state.random.token();
    let voucher = Voucher { tenant: tenant.clone(), issuer: provider.issuer };
    let session = Session::begin(address, Some(voucher), now);
    state.store.begin_session(&hash(&secret), &session, None).await?;
    tracing::info!(address = %session.address, %tenant, "a member signed in by their organization's provider");
    Ok((secret, attempt.next))
}

/// The address that the provider stands by.
async fn vouched(
    state: &State,
    scope: &Scope,
    provider: &OpenidProvider,
    description: &Description,
    attempt: &OpenidAttempt,
    code: &str,
) -> Result<EmailAddress> {
    let secret = match &provider.secret {
        Some(id) => {
            let kept = state.secrets.required(&secret_path::openid_secret(scope.tenant(), id)).await?;
            Some(Secret::new(String::from_utf8(kept.expose().clone()).map_err(Error::internal)?))
        }
        None => None,
    };
    let redirect_uri = &redirect_uri(state, scope.tenant());
    let (secret, verifier) = (secret.as_ref(), attempt.verifier.as_str());
    let tokens =
        exchange(state, &Exchange { provider, description, secret, redirect_uri, code, verifier }).await?;
    let token = tokens.id_token.ok_or_else(|| refused("is missing"))?;
    let payload = verify(state, provider, &token).await?;
    let access_token = tokens.access_token.map(Secret::new);
    let expected = Expected {
        issuer: &provider.issuer,
        client_id: &provider.client_id,
        nonce: &attempt.nonce,
        access_token: access_token.as_ref(),
        now: state.clock.now(),
    };
    let subject: Subject = check(&payload, &expected)?;
    if let Some(address) = subject.address {
        return Ok(address);
    }
    let (Some(endpoint), Some(token)) = (&description.userinfo_endpoint, &access_token) else {
        return Err(no_address(provider));
    };
    let document = information(state, provider, endpoint, token).await?;
    check_information(&document, &provider.issuer, &subject)?.ok_or_else(|| no_address(provider))
}

fn anybody(tenant: &TenantId) -> Scope {
    Scope::authenticated(tenant.clone(), Actor::Address("sign-in"))
}

fn over() -> Error {
    Error::unauthenticated(
        "openid-attempt",
        "This sign-in is over: it began more than ten minutes ago or in another browser, or has ended already.",
    )
    .next("Begin again.")
}

fn no_address(provider: &OpenidProvider) -> Error {
    let message = format!("{} names no e-mail address for you.", provider.name());
    Error::forbidden("openid-address", message)
        .next("Ask your organization to let the provider tell it (the scope \"email\").")
}

fn no_member(provider: &OpenidProvider, address: &EmailAddress) -> Error {
    let name = provider.name();
    let message = format!("{name} knows you as {address}, and this address may not sign in here.");
    Error::forbidden("openid-no-member", message)
        .next("Ask an administrator of your organization to add it under Settings, Members.")
}
