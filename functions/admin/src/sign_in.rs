//! By which provider a tenant's members sign in to the console. Secrets go in and never out.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::openid::OpenidProvider;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::id::TenantId;
use shared::secret::Secret;
use shared::service::openid_settings::{
    NewOpenidProvider, change_openid_provider, redirect_uri, remove_openid_provider,
};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInBody {
    /// The provider's name for itself, letter by letter as it writes it.
    #[schema(example = "https://accounts.google.com")]
    issuer: String,
    /// Its name for this server.
    client_id: String,
    /// The secret that it gave for this server; left out: the one that is kept already, for the same issuer and client.
    client_secret: Option<String>,
    /// Whether it gave no secret.
    #[serde(default)]
    public_client: bool,
    /// Whether mailed codes no longer open the tenant.
    #[serde(default)]
    required: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SignInView {
    /// Where the provider must be allowed to send people back to.
    redirect_uri: String,
    /// The provider; none: members sign in by mailed codes.
    provider: Option<ProviderView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderView {
    issuer: String,
    client_id: String,
    /// Whether a secret is kept.
    has_secret: bool,
    required: bool,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl SignInView {
    fn new(state: &AppState, tenant: &TenantId, provider: Option<OpenidProvider>) -> Self {
        let provider = provider.map(|provider| ProviderView {
            has_secret: provider.secret.is_some(),
            issuer: provider.issuer,
            client_id: provider.client_id,
            required: provider.required,
            changed_at: provider.changed_at,
        });
        Self { redirect_uri: redirect_uri(state, tenant), provider }
    }
}

/// By which provider members sign in.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/sign-in", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 200, body = SignInView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<SignInView>, Problem> {
    let provider = state.store.openid_provider(&scope).await?;
    Ok(JsonAnswer(SignInView::new(&state, scope.tenant(), provider)))
}

/// Let members sign in by an OpenID provider. It is looked at before: its description, its keys, and whether it accepts this server.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/sign-in", tag = "tenant", params(("tenant" = String, Path)),
    request_body = SignInBody,
    responses(
        (status = 200, body = SignInView), (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json")
    )
)]
pub(crate) async fn change(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<SignInBody>,
) -> Result<JsonAnswer<SignInView>, Problem> {
    let new = NewOpenidProvider {
        issuer: body.issuer,
        client_id: body.client_id,
        client_secret: body.client_secret.map(Secret::new),
        public_client: body.public_client,
        required: body.required,
    };
    let provider = change_openid_provider(&state, &scope, new, None).await?;
    Ok(JsonAnswer(SignInView::new(&state, scope.tenant(), Some(provider))))
}

/// Give the provider up: members sign in by mailed codes, and sessions that it vouched for end. The operator may do it for a
/// tenant that locked itself out.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/sign-in", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn remove(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<StatusCode, Problem> {
    remove_openid_provider(&state, &scope).await?;
    Ok(StatusCode::NO_CONTENT)
}
