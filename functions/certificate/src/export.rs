//! The export of a push certificate with its key.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::http::{AdminScope, Json, Problem, ProblemDetails};
use shared::id::Fingerprint;
use shared::secret::Secret;
use shared::service::export_push_certificate::export_push_certificate;
use shared::state::AppState;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Export {
    /// Which certificate; the active one unless you say otherwise.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    fingerprint: Option<Fingerprint>,
    /// The password chosen when it was activated.
    password: String,
    format: Format,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A PKCS#12 file behind the same password.
    Pfx,
    /// Certificate and key in PEM, the key without protection.
    Pem,
}

/// Download a certificate with its private key, with the password chosen at its activation. Five wrong ones lock it for 15
/// minutes.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/export", tag = "push certificate",
    params(("tenant" = String, Path)), request_body = Export,
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream"),
        (status = 400, description = "A wrong password", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "No password was chosen", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "Locked; Retry-After says for how long", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn export(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<Export>,
) -> Result<Response, Problem> {
    let password = Secret::new(body.password);
    let exported = export_push_certificate(&state, &scope, body.fingerprint, &password).await?;
    let (content_type, name, file) = match body.format {
        Format::Pfx => ("application/x-pkcs12", "push-certificate.pfx", exported.pfx),
        Format::Pem => ("application/x-pem-file", "push-certificate.pem", exported.pem),
    };
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, file.expose().clone()).into_response())
}
