//! The certificate that signs profiles: a tenant's own, or the server's.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::profile_signer::{InstalledSigner, SignedWith, Whose};
use shared::http::{AdminScope, Json, OperatorCaller, Problem, ProblemDetails, ViewerScope};
use shared::scope::Realm;
use shared::secret::Secret;
use shared::service::profile_signer::{SignerFiles, install_profile_signer, remove_profile_signer};
use shared::service::stage_push_certificate::file_bytes;
use shared::state::AppState;
use shared::time::{Timestamp, days_until};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProfileSigner {
    /// The signing certificate: PEM text, or base64 of a DER certificate or of a PKCS#12 (PFX) file.
    certificate: String,
    /// Its private key, PEM text or base64, where it is not in the same file.
    #[serde(default)]
    key: Option<String>,
    /// The certificates from its issuer up, PEM text, where they are not in the same file.
    #[serde(default)]
    chain: Option<String>,
    /// The password of key or PKCS#12 file.
    #[serde(default)]
    password: Option<String>,
}

impl From<NewProfileSigner> for SignerFiles {
    fn from(body: NewProfileSigner) -> Self {
        Self {
            certificate: file_bytes(body.certificate),
            key: body.key.map(file_bytes),
            chain: body.chain.map(file_bytes),
            password: body.password.map(Secret::new),
        }
    }
}

/// A signing certificate's public facts.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignerView {
    common_name: String,
    issuer: String,
    /// SHA-256 of the certificate, in hex.
    fingerprint: String,
    /// How many certificates are sent along, up to the root.
    chain_length: usize,
    #[schema(value_type = String, format = DateTime)]
    not_before: Timestamp,
    /// Renew before this.
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    /// Whole days until then; negative once it is over.
    days_left: i64,
    #[schema(value_type = String, format = DateTime)]
    installed_at: Timestamp,
}

impl SignerView {
    fn new(signer: InstalledSigner, now: Timestamp) -> Self {
        Self {
            days_left: days_until(now, signer.not_after),
            common_name: signer.common_name,
            issuer: signer.issuer,
            fingerprint: signer.fingerprint.to_string(),
            chain_length: signer.chain.len(),
            not_before: signer.not_before,
            not_after: signer.not_after,
            installed_at: signer.installed_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TenantSignerView {
    /// The organization's own signing certificate.
    own: Option<SignerView>,
    /// What signs at this moment.
    signed_with: SignedWith,
    /// The same in words, with what is to be done.
    meaning: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ServerSignerView {
    /// The signing certificate of every tenant that has none of its own.
    server: Option<SignerView>,
}

/// Install the organization's own signing certificate, in place of an earlier one. It signs from the next profile on.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/profile-signer", tag = "enrollment", params(("tenant" = String, Path)),
    request_body = NewProfileSigner,
    responses((status = 200, body = SignerView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn install(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewProfileSigner>,
) -> Result<JsonAnswer<SignerView>, Problem> {
    let signer = install_profile_signer(&state, Realm::Tenant(&scope), &body.into()).await?;
    Ok(JsonAnswer(SignerView::new(signer, state.clock.now())))
}

/// What signs the organization's profiles.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/profile-signer", tag = "enrollment", params(("tenant" = String, Path)),
    responses((status = 200, body = TenantSignerView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<TenantSignerView>, Problem> {
    let now = state.clock.now();
    let signers = state.store.profile_signers(&scope).await?;
    Ok(JsonAnswer(TenantSignerView {
        signed_with: signers.chosen(now).0,
        meaning: signers.meaning(now),
        own: signers.own.map(|signer| SignerView::new(signer, now)),
    }))
}

/// Give the organization's own signing certificate up; the server's, or the identity authority's, signs from then on.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/profile-signer", tag = "enrollment", params(("tenant" = String, Path)),
    responses((status = 204))
)]
pub(crate) async fn remove(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<StatusCode, Problem> {
    remove_profile_signer(&state, Realm::Tenant(&scope)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Install the signing certificate of every tenant that has none of its own, in place of an earlier one.
#[utoipa::path(
    put, path = "/v1/profile-signer", tag = "operator", request_body = NewProfileSigner,
    responses((status = 200, body = SignerView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn install_server(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Json(body): Json<NewProfileSigner>,
) -> Result<JsonAnswer<SignerView>, Problem> {
    let signer = install_profile_signer(&state, Realm::Operator(&operator), &body.into()).await?;
    Ok(JsonAnswer(SignerView::new(signer, state.clock.now())))
}

/// The server's signing certificate.
#[utoipa::path(
    get, path = "/v1/profile-signer", tag = "operator", responses((status = 200, body = ServerSignerView))
)]
pub(crate) async fn show_server(
    _: OperatorCaller,
    State(state): State<AppState>,
) -> Result<JsonAnswer<ServerSignerView>, Problem> {
    let signer = state.store.profile_signer(Whose::Server).await?;
    let server = signer.map(|signer| SignerView::new(signer, state.clock.now()));
    Ok(JsonAnswer(ServerSignerView { server }))
}

/// Give the server's signing certificate up.
#[utoipa::path(delete, path = "/v1/profile-signer", tag = "operator", responses((status = 204)))]
pub(crate) async fn remove_server(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
) -> Result<StatusCode, Problem> {
    remove_profile_signer(&state, Realm::Operator(&operator)).await?;
    Ok(StatusCode::NO_CONTENT)
}
