//! By which provider a tenant's members sign in: set, changed, given up.

use super::limits::count;
use super::openid_provider::{Exchange, known_now, try_client};
use super::secret_path;
use crate::domain::audit::AuditAction;
use crate::domain::limit::{Counted, Limit};
use crate::domain::openid::{OpenidProvider, check_text};
use crate::error::{Error, Result};
use crate::id::{KeyId, TenantId};
use crate::scope::{Actor, Operator, Scope};
use crate::secret::Secret;
use crate::state::State;

/// The setting as an administrator gives it.
#[derive(Clone, Debug)]
pub struct NewOpenidProvider {
    /// The provider's name for itself.
    pub issuer: String,
    /// Its name for this server.
    pub client_id: String,
    /// The secret that it gave; none: the one that is kept, for the same issuer and client.
    pub client_secret: Option<Secret<String>>,
    /// Whether it gave none.
    pub public_client: bool,
    /// Whether mailed codes no longer open the tenant.
    pub required: bool,
}

/// Where the provider sends people back to: one address for each tenant, so that no tenant's provider can pass off another's
/// answer as its own.
pub fn redirect_uri(state: &State, tenant: &TenantId) -> String {
    format!("{}/console/{tenant}/sign-in/openid", state.config.base_url)
}

/// Takes a provider, once it was looked at and accepts this server. `came_by` is the issuer that vouched for who asks, if a
/// provider did.
///
/// # Errors
/// Malformed, naming the field; Conflict (`openid-lockout`) when who asks would lock themselves out, or somebody else changed it
/// at the same moment; RateLimited when the tenant has had servers of its own called too often.
pub async fn change_openid_provider(
    state: &State,
    scope: &Scope,
    new: NewOpenidProvider,
    came_by: Option<&str>,
) -> Result<OpenidProvider> {
    let before = state.store.openid_provider(scope).await?;
    let same =
        before.as_ref().filter(|before| before.issuer == new.issuer && before.client_id == new.client_id);
    check_text("client_id", &new.client_id)?;
    let kept = same.and_then(|before| before.secret.clone());
    let (secret, fresh) = secret(state, kept, &new)?;
    let is_proven = came_by == Some(&new.issuer) && same.is_some();
    if new.required && is_a_member(scope) && !is_proven {
        return Err(lockout());
    }
    count(state, Limit::OutsideCalls, Counted::tenant(scope.tenant())).await?;
    let known = known_now(state, &new.issuer).await?;
    let provider = OpenidProvider {
        issuer: new.issuer,
        client_id: new.client_id,
        secret,
        required: new.required,
        changed_at: state.clock.now(),
        revision: state.random.id(),
    };
    if new.public_client || fresh.is_some() {
        let verifier = state.random.token();
        let exchange = Exchange {
            provider: &provider,
            description: &known.description,
            secret: fresh.as_ref(),
            redirect_uri: &redirect_uri(state, scope.tenant()),
            code: "a-code-that-was-never-given",
            verifier: verifier.expose(),
        };
        try_client(state, &exchange).await?;
    }
    if let (Some(id), Some(fresh)) = (&provider.secret, &fresh) {
        let path = secret_path::openid_secret(scope.tenant(), id);
        state.secrets.put(&path, &Secret::new(fresh.expose().clone().into_bytes())).await?;
    }
    let audit = state
        .audit(scope, AuditAction::OpenidProviderChanged)
        .with("issuer", &provider.issuer)
        .with("client_id", &provider.client_id)
        .with("new_secret", fresh.is_some())
        .with("required", provider.required);
    let revision = before.as_ref().map(|before| &before.revision);
    if !state.store.put_openid_provider(scope, &provider, revision, &audit).await? {
        return Err(changed());
    }
    if let Some(former) = before.and_then(|before| before.secret)
        && provider.secret.as_ref() != Some(&former)
    {
        state.secrets.delete_unneeded(&secret_path::openid_secret(scope.tenant(), &former)).await;
    }
    Ok(provider)
}

/// Gives the provider up: members sign in by mailed codes, and sessions that it vouched for end.
///
/// # Errors
/// NotFound when there is none; Conflict when somebody else changed it at the same moment.
pub async fn remove_openid_provider(state: &State, scope: &Scope) -> Result<()> {
    let before = state.store.openid_provider(scope).await?.ok_or_else(|| Error::not_found("provider"))?;
    let audit = state.audit(scope, AuditAction::OpenidProviderRemoved).with("issuer", &before.issuer);
    if !state.store.delete_openid_provider(scope, &before.revision, &audit).await? {
        return Err(changed());
    }
    if let Some(secret) = &before.secret {
        state.secrets.delete_unneeded(&secret_path::openid_secret(scope.tenant(), secret)).await;
    }
    Ok(())
}

/// The same for a tenant that locked itself out.
///
/// # Errors
/// As [`remove_openid_provider`].
pub async fn remove_tenants_openid_provider(
    state: &State,
    operator: &Operator,
    tenant: TenantId,
) -> Result<()> {
    remove_openid_provider(state, &operator.within(tenant)).await
}

/// Names the secret, and the secret itself where it is yet to be kept. A kept one goes only where it went before.
fn secret(
    state: &State,
    kept: Option<KeyId>,
    new: &NewOpenidProvider,
) -> Result<(Option<KeyId>, Option<Secret<String>>)> {
    let refuse = |message: &str| {
        Error::malformed("openid-client", message)
            .at("client_secret")
            .next("Copy the secret from the provider's pages, or say that this is a public client.")
    };
    match (&new.client_secret, new.public_client) {
        (Some(_), true) => Err(refuse("A public client has no secret.")),
        (None, true) => Ok((None, None)),
        (Some(secret), false) => {
            check_text("client_secret", secret.expose())?;
            Ok((Some(state.random.id()), Some(secret.clone())))
        }
        (None, false) => {
            kept.map(|kept| (Some(kept), None)).ok_or_else(|| refuse("The client secret is missing."))
        }
    }
}

/// Whether a person in the console asks, and no program with a token.
fn is_a_member(scope: &Scope) -> bool {
    match scope.actor() {
        Actor::Member(..) | Actor::Support(..) => true,
        Actor::Token(..)
        | Actor::Device(_)
        | Actor::Link(_)
        | Actor::ScepClient
        | Actor::Address(_)
        | Actor::System(_) => false,
    }
}

fn lockout() -> Error {
    Error::conflict(
        "openid-lockout",
        "You did not sign in by this provider yourself: if it did not work, nobody could come in any more.",
    )
    .at("required")
    .next("Save it without this, sign out, sign in by it, and switch this on then.")
}

fn changed() -> Error {
    Error::conflict("openid-changed", "Somebody else changed it at the same moment.")
        .next("Look at the present setting and try again.")
}
