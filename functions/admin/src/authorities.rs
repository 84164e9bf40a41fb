//! Identity authorities: whose certificates devices may sign with.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::identity::{AuthorityState, IdentityAuthority};
use shared::error::Error;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::id::AuthorityId;
use shared::pki::authority::AuthoritySubject;
use shared::service::create_identity_authority::{create_identity_authority, trust_identity_authority};
use shared::service::retire_identity_authority::retire_identity_authority;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrustedAuthority {
    /// The authority's certificate, in PEM.
    certificate: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAuthority {
    /// Common name: 1 to 64 characters. The name of the enrollment profile on the device.
    common_name: String,
    /// The organization's legal name: 1 to 64 characters.
    organization: String,
    /// Two letters, ISO 3166.
    country: Option<String>,
    /// The `id` of the authority that issues now, if there is one: the new one takes its place.
    #[schema(value_type = Option<String>)]
    replaces: Option<AuthorityId>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retirement {
    /// How many devices must enroll again, as the refusal without it says.
    #[serde(default)]
    confirm_devices: Option<u64>,
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
    /// Whether it is the authority of a SCEP server of your own: then only those of its identities count that a profile asked for.
    external: bool,
    /// `active`: it issues. `trusted`: its identities are accepted. `retired`: they are refused.
    state: AuthorityState,
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
}

impl From<IdentityAuthority> for AuthorityView {
    fn from(authority: IdentityAuthority) -> Self {
        Self {
            state: authority.state(),
            fingerprint: authority.fingerprint().to_string(),
            id: authority.id.to_string(),
            common_name: authority.common_name,
            organization: authority.organization,
            issuing: authority.issuing,
            external: authority.external,
            not_after: authority.not_after,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AuthorityList {
    authorities: Vec<AuthorityView>,
}

/// Make the tenant's own authority: the self-signed certificate for Apple MDM. Where the tenant has one, `replaces` names it:
/// the new one issues, the other is trusted until it is retired, and devices move over at their renewal.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/identity-authority", tag = "enrollment", params(("tenant" = String, Path)),
    request_body = NewAuthority,
    responses((status = 201, body = AuthorityView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(new): Json<NewAuthority>,
) -> Result<(StatusCode, JsonAnswer<AuthorityView>), Problem> {
    let subject = AuthoritySubject {
        common_name: new.common_name,
        organization: new.organization,
        country: new.country,
    };
    let authority = create_identity_authority(&state, &scope, &subject, new.replaces.as_ref()).await?;
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

/// Refuse the identities of an authority that issues no more. Without a body it says how many devices would have to enroll
/// again, and changes nothing where there are any.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/identity-authority/{authority}/retire", tag = "enrollment",
    params(("tenant" = String, Path), ("authority" = String, Path)), request_body = Retirement,
    responses((status = 200, body = AuthorityView),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It issues, or devices sign with its identities", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn retire(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, authority)): Path<(String, String)>,
    Json(body): Json<Retirement>,
) -> Result<JsonAnswer<AuthorityView>, Problem> {
    let id: AuthorityId = authority.parse().map_err(|error: Error| error.at("authority"))?;
    Ok(JsonAnswer(retire_identity_authority(&state, &scope, &id, body.confirm_devices).await?.into()))
}

/// Every authority that the tenant has or trusts, also those that are retired.
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
