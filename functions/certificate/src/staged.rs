//! The upload of Apple's certificate, and its review.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::domain::push_verdict::LiveCheck;
use shared::http::{AdminScope, Body, FileOrJson, Problem, ProblemDetails, ViewerScope};
use shared::secret::Secret;
use shared::service::check_push_certificate::check_staged;
use shared::service::stage_push_certificate::{
    UploadFiles, discard_staged, file_bytes, review, stage_push_certificate,
};
use shared::state::AppState;
use utoipa::ToSchema;

use crate::review::{ReviewView, review_view};

/// An upload: this as JSON, or the certificate's file as the whole body.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upload {
    /// The certificate that Apple's portal returned: PEM text, or base64 of a DER certificate or a PKCS#12 file.
    certificate: String,
    /// The private key, PEM text or base64, where the request was not made here.
    #[serde(default)]
    key: Option<String>,
    /// The password of key or PKCS#12 file.
    #[serde(default)]
    password: Option<String>,
}

/// Upload what Apple returned. It is checked and kept for review; nothing changes for devices yet.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/staged", tag = "push certificate",
    params(("tenant" = String, Path)),
    request_body(content((Upload = "application/json"), (Vec<u8> = "application/x-pem-file"))),
    responses(
        (status = 201, body = ReviewView),
        (status = 400, description = "Not a usable push certificate", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The same or an older one, or another tenant's", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn upload(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    FileOrJson(body): FileOrJson<Upload>,
) -> Result<(StatusCode, JsonAnswer<ReviewView>), Problem> {
    let files = match body {
        Body::File(certificate) => UploadFiles { certificate, key: None, password: None },
        Body::Json(body) => UploadFiles {
            certificate: file_bytes(body.certificate),
            key: body.key.map(file_bytes),
            password: body.password.map(Secret::new),
        },
    };
    let review = stage_push_certificate(&state, &scope, &files).await?;
    Ok((StatusCode::CREATED, JsonAnswer(review_view(&state, &scope, &review).await?)))
}

/// Review what is staged, seen from the certificate that is active at this moment.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/push-certificate/staged", tag = "push certificate",
    params(("tenant" = String, Path)),
    responses((status = 200, body = ReviewView), (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<ReviewView>, Problem> {
    let review = review(&state, &scope).await?;
    Ok(JsonAnswer(review_view(&state, &scope, &review).await?))
}

/// Discard what is staged.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/push-certificate/staged", tag = "push certificate",
    params(("tenant" = String, Path)), responses((status = 204))
)]
pub(crate) async fn discard(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<StatusCode, Problem> {
    discard_staged(&state, &scope).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try the staged certificate with Apple's push service, without waking any device. Nothing changes.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/staged/check", tag = "push certificate",
    params(("tenant" = String, Path)),
    responses((status = 200, body = LiveCheck), (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn check(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<LiveCheck>, Problem> {
    Ok(JsonAnswer(check_staged(&state, &scope).await?))
}
