//! API tokens.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::token::{ApiToken, Owner};
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::scope::Role;
use shared::service::create_token::{create_token, delete_token};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// What it is for.
    #[schema(example = "help desk")]
    name: String,
    /// `admin`, `help-desk` or `viewer`.
    role: Role,
    /// How long it works, in days (1 to 3650); without end where it is left out.
    #[serde(default)]
    valid_days: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TokenView {
    id: String,
    name: String,
    role: Role,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it stops working; null where it does not.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl From<ApiToken> for TokenView {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            role: token.role,
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    view: TokenView,
    /// The token. It is shown this once.
    token: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TokenList {
    tokens: Vec<TokenView>,
}

/// Create a token, shown once.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/tokens", tag = "tenant", params(("tenant" = String, Path)), request_body = NewToken,
    responses((status = 201, body = CreatedToken), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewToken>,
) -> Result<(StatusCode, JsonAnswer<CreatedToken>), Problem> {
    let (token, text) = create_token(&state, &scope, &body.name, body.role, body.valid_days).await?;
    Ok((StatusCode::CREATED, JsonAnswer(CreatedToken { view: token.into(), token: text.expose().clone() })))
}

/// The tenant's tokens, without their secrets.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/tokens", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 200, body = TokenList))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<TokenList>, Problem> {
    let tokens = state.store.tokens(&Owner::Tenant(scope.tenant().clone())).await?;
    Ok(JsonAnswer(TokenList { tokens: tokens.into_iter().map(TokenView::from).collect() }))
}

/// Delete a token. It stops working within half a minute.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/tokens/{token}", tag = "tenant",
    params(("tenant" = String, Path), ("token" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn delete(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, token)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    delete_token(&state, &scope, &token.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
