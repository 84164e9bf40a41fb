//! Who can renew the push certificate.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::contact::EmailAddress;
use shared::domain::ownership::Ownership;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::service::record_ownership::{Owner, confirm_ownership, ownership, record_ownership};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOwnership {
    /// The Apple account that makes and renews the certificate at Apple's portal.
    #[schema(value_type = String)]
    apple_account: EmailAddress,
    /// Who holds its second factor: a person, or where the telephone lies.
    second_factor_holder: String,
    /// Anything else that a successor must know.
    #[serde(default)]
    note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct OwnershipView {
    #[schema(value_type = String)]
    apple_account: EmailAddress,
    second_factor_holder: String,
    note: Option<String>,
    /// When somebody last said that this is true.
    #[schema(value_type = String, format = DateTime)]
    confirmed_at: Timestamp,
    /// Who did, as the audit log names them.
    confirmed_by: String,
}

impl From<Ownership> for OwnershipView {
    fn from(record: Ownership) -> Self {
        let Ownership { apple_account, second_factor_holder, note, confirmed_at, confirmed_by, version: _ } =
            record;
        Self { apple_account, second_factor_holder, note, confirmed_at, confirmed_by }
    }
}

/// Who can renew the push certificate.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/push-certificate/ownership", tag = "push certificate",
    params(("tenant" = String, Path)),
    responses((status = 200, body = OwnershipView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<OwnershipView>, Problem> {
    Ok(JsonAnswer(ownership(&state, &scope).await?.into()))
}

/// Record who can renew the push certificate: a lost account means that every device must enroll again.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/push-certificate/ownership", tag = "push certificate",
    params(("tenant" = String, Path)), request_body = NewOwnership,
    responses((status = 200, body = OwnershipView), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn record(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewOwnership>,
) -> Result<JsonAnswer<OwnershipView>, Problem> {
    let NewOwnership { apple_account, second_factor_holder, note } = body;
    let owner = Owner { apple_account, second_factor_holder, note };
    Ok(JsonAnswer(record_ownership(&state, &scope, owner).await?.into()))
}

/// Confirm that the record is still true.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/ownership/confirm", tag = "push certificate",
    params(("tenant" = String, Path)),
    responses((status = 200, body = OwnershipView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn confirm(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<OwnershipView>, Problem> {
    Ok(JsonAnswer(confirm_ownership(&state, &scope).await?.into()))
}
