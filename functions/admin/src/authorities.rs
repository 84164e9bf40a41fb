//! Identity authorities: whose certificates devices may sign with.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::identity::IdentityAuthority;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::id::Fingerprint;
use shared::pki::authority::AuthoritySubject;
use shared::service::create_identity_authority::{create_identity_authority, trust_identity_authority};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrustedAuthority {
    /// The authority's certificate, in PEM.
    certificate: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AuthorityView {
    id: String,
    /// The enrollment profile's name on the device, where the authority is the tenant's own.
    common_name: String,
    organization: String,
    /// SHA-256 of the certificate, in hex.
    fingerprint: String,
    /// Whether it issues identities (the tenant's own), or is only trusted.
    issuing: bool,
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
}

impl From<IdentityAuthority> for AuthorityView {
    fn from(authority: IdentityAuthority) -> Self {
        Self {
            id: authority.id.to_string(),
            common_name: authority.common_name,
            organization: authority.organization,
            fingerprint: Fingerprint::of(&authority.certificate).to_string(),
            issuing: authority.issuing,
            not_after: authority.not_after,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AuthorityList {
    authorities: Vec<AuthorityView>,
}

/// Make the tenant's own authority: the self-signed certificate for Apple MDM.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/identity-authority", tag = "enrollment", params(("tenant" = String, Path)),
    request_body = AuthoritySubject,
    responses((status = 201, body = AuthorityView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(subject): Json<AuthoritySubject>,
) -> Result<(StatusCode, JsonAnswer<AuthorityView>), Problem> {
    let authority = create_identity_authority(&state, &scope, &subject).await?;
    Ok((StatusCode::CREATED, JsonAnswer(authority.into())))
}

/// Trust the authority of a server that the tenant's devices come from.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/identity-authority/trusted", tag = "enrollment",
    params(("tenant" = String, Path)), request_body = TrustedAuthority,
    responses((status = 201, body = AuthorityView), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn trust(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<TrustedAuthority>,
) -> Result<(StatusCode, JsonAnswer<AuthorityView>), Problem> {
    let authority = trust_identity_authority(&state, &scope, &body.certificate).await?;
    Ok((StatusCode::CREATED, JsonAnswer(authority.into())))
}

/// Every authority whose identities the tenant accepts.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/identity-authority", tag = "enrollment", params(("tenant" = String, Path)),
    responses((status = 200, body = AuthorityList))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<AuthorityList>, Problem> {
    let authorities = state.store.authorities(&scope).await?;
    Ok(JsonAnswer(AuthorityList { authorities: authorities.into_iter().map(AuthorityView::from).collect() }))
}
