//! Who calls the API, and in which tenant they may act.

use std::net::IpAddr;

use super::limits::count;
use crate::domain::limit::{Counted, Limit};
use crate::domain::rights::{self, Right};
use crate::domain::token::{ApiToken, BearerToken, Owner};
use crate::error::{Error, Kind, Result};
use crate::id::TenantId;
use crate::scope::{Actor, Operator, Scope};
use crate::state::State;

/// The proven bearer of a token.
#[derive(Clone, Debug)]
pub struct Caller {
    owner: Owner,
    actor: Actor,
    origin: Option<IpAddr>,
}

/// Proves the bearer of an `Authorization` header's value. Tokens of no worth are counted for the address that they come from; a
/// good one counts there all the same, because many may share an address.
///
/// # Errors
/// Unauthenticated when the header is missing, or its token is unknown, deleted, wrong or over; RateLimited when too many such came
/// from there.
pub async fn authenticate_caller(
    state: &State,
    authorization: Option<&str>,
    origin: Option<IpAddr>,
) -> Result<Caller> {
    let header = authorization.ok_or_else(|| refused("This call needs an API token."))?;
    let bearer = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, text)| BearerToken::parse(text.trim()))
        .ok_or_else(|| refused("The Authorization header holds no token of this server."))?;
    match prove(state, &bearer).await {
        Ok(token) => Ok(Caller { owner: bearer.owner, actor: Actor::Token(token.id, token.role), origin }),
        Err(error) if error.kind() == Kind::Unauthenticated => {
            count(state, Limit::RefusedTokens, Counted::address(origin)).await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

async fn prove(state: &State, bearer: &BearerToken) -> Result<ApiToken> {
    let unknown = || refused("This API token is not valid: it is mistyped or was deleted.");
    let load = async { state.store.token(&bearer.owner, &bearer.id).await?.ok_or_else(unknown) };
    let token: ApiToken = state.tokens.get_or_load(&(bearer.owner.clone(), bearer.id.clone()), load).await?;
    if !token.admits(&bearer.secret) {
        return Err(unknown());
    }
    if token.is_expired(state.clock.now()) {
        return Err(Error::unauthenticated(
            "token-expired",
            "This API token was made for a limited time, which is over.",
        )
        .next("Make a new one with POST /v1/tenants/{tenant}/tokens."));
    }
    Ok(token)
}

impl Caller {
    /// Counts a call that is about to change something.
    ///
    /// # Errors
    /// RateLimited when this token made as many as it may.
    pub async fn count_change(&self, state: &State) -> Result<()> {
        count(state, Limit::Changes, Counted::actor(&self.actor)).await
    }

    /// The operator's right.
    ///
    /// # Errors
    /// Forbidden for anyone else.
    pub fn operator(&self) -> Result<Operator> {
        match self.owner {
            Owner::Operator => Ok(Operator::authenticated(self.actor.clone(), self.origin)),
            Owner::Tenant(_) => {
                Err(Error::forbidden("operator-only", "Only the operator of this server may do this.")
                    .next("Use an operator token."))
            }
        }
    }

    /// The way into `tenant`, for whoever has this right there.
    ///
    /// # Errors
    /// NotFound when the tenant is another's or does not exist: the two look alike; Forbidden without the right.
    pub async fn within(&self, state: &State, tenant: TenantId, needs: Right) -> Result<Scope> {
        match &self.owner {
            Owner::Operator => {
                let scope = self.operator()?.within(tenant);
                state.store.tenant(&scope).await?;
                Ok(scope)
            }
            Owner::Tenant(own) if *own != tenant => Err(Error::not_found("tenant")),
            Owner::Tenant(_) => {
                rights::check(&self.actor, needs)?;
                Ok(Scope::authenticated(tenant, self.actor.clone()).from(self.origin))
            }
        }
    }
}

fn refused(message: &str) -> Error {
    Error::unauthenticated("token", message).next("Send \"Authorization: Bearer <token>\".")
}
