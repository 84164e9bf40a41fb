//! Making an API token.

use crate::domain::audit::AuditAction;
use crate::domain::tenant::display_name;
use crate::domain::token::{ApiToken, BearerToken, Owner, hash};
use crate::error::{Error, Result};
use crate::id::TokenId;
use crate::scope::{Operator, Role, Scope};
use crate::secret::Secret;
use crate::state::State;
use crate::time::{DAY, from_unix};

/// How long a token may live that ends at all, in days.
const LONGEST_DAYS: i64 = 3_650;

/// Makes a token for a tenant, which ends after `valid_days` if given. The text is shown once; the store keeps its hash.
///
/// # Errors
/// Malformed when the role is the operator's, the name is not one, or the life is too long.
pub async fn create_token(
    state: &State,
    scope: &Scope,
    name: &str,
    role: Role,
    valid_days: Option<i64>,
) -> Result<(ApiToken, Secret<String>)> {
    if role == Role::Operator {
        return Err(Error::malformed(
            "token-role",
            "A tenant's token is an admin's, the help desk's or a viewer's.",
        )
        .at("role")
        .next("Use \"admin\", \"help-desk\" or \"viewer\"."));
    }
    if valid_days.is_some_and(|days| !(1..=LONGEST_DAYS).contains(&days)) {
        return Err(Error::malformed(
            "token-life",
            format!("A token lives 1 to {LONGEST_DAYS} days, or without end."),
        )
        .at("valid_days"));
    }
    let owner = Owner::Tenant(scope.tenant().clone());
    let (mut token, text) = new_token(state, owner, &display_name(name)?, role);
    token.expires_at = valid_days.map(|days| from_unix(token.created_at.as_second() + days * DAY));
    let audit = state
        .audit(scope, AuditAction::TokenCreated)
        .with("token", &token.id)
        .with("role", format!("{role:?}"));
    state.store.create_token(scope, &token, &audit).await?;
    Ok((token, text))
}

/// Deletes a token. Other processes may admit it for as long as they remember it.
///
/// # Errors
/// NotFound when the tenant has no such token.
pub async fn delete_token(state: &State, scope: &Scope, token: &TokenId) -> Result<()> {
    let audit = state.audit(scope, AuditAction::TokenDeleted).with("token", token);
    state.store.delete_token(scope, token, &audit).await?;
    state.tokens.forget(&(Owner::Tenant(scope.tenant().clone()), token.clone()));
    Ok(())
}

/// Makes an operator's token: for whoever installs the server, not for a request.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn create_operator_token(state: &State, name: &str) -> Result<Secret<String>> {
    let (token, text) = new_token(state, Owner::Operator, name, Role::Operator);
    let operator = Operator::system("installation");
    let audit = state.audit(&operator, AuditAction::OperatorTokenCreated).with("token", &token.id);
    state.store.create_operator_token(&operator, &token, &audit).await?;
    Ok(text)
}

pub(super) fn new_token(state: &State, owner: Owner, name: &str, role: Role) -> (ApiToken, Secret<String>) {
    let bearer = BearerToken { owner, id: state.random.id(), secret: state.random.token() };
    let token = ApiToken {
        id: bearer.id.clone(),
        name: name.to_owned(),
        role,
        hash: hash(&bearer.secret),
        created_at: state.clock.now(),
        expires_at: None,
    };
    (token, bearer.reveal())
}
