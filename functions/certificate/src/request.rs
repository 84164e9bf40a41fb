//! The request for Apple's portal.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::domain::push_certificates::PendingRequest;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::pki::csr::Subject;
use shared::service::request_push_certificate::{pending_request, request_push_certificate};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

/// The name under which the request is saved, as Apple's portal expects to see it.
const FILE_NAME: &str = "APNSPushCert.csr";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRequest {
    subject: Subject,
    /// Gives up a request that is pending: Apple's certificate for it will fit no key any more.
    #[serde(default)]
    replace: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RequestView {
    subject: Subject,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The name to save it under.
    file_name: &'static str,
    /// The file for Apple's portal: base64 of the PushCertWebRequest property list.
    file: String,
    /// What to do with it.
    next_step: &'static str,
}

impl From<PendingRequest> for RequestView {
    fn from(request: PendingRequest) -> Self {
        Self {
            subject: request.subject,
            created_at: request.created_at,
            file_name: FILE_NAME,
            file: request.file,
            next_step: "Upload the file at https://identity.apple.com/pushcert: Renew if you have a certificate \
                        there for this tenant, else Create.",
        }
    }
}

/// Make a request: a key that stays in the vault, and a file for Apple's portal signed by the MDM vendor.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/request", tag = "push certificate",
    params(("tenant" = String, Path)), request_body = NewRequest,
    responses(
        (status = 201, body = RequestView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "A request is pending, or the vendor certificate is missing or expired",
            body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewRequest>,
) -> Result<(StatusCode, JsonAnswer<RequestView>), Problem> {
    let request = request_push_certificate(&state, &scope, &body.subject, body.replace).await?;
    Ok((StatusCode::CREATED, JsonAnswer(request.into())))
}

/// The request that waits for Apple's certificate.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/push-certificate/request", tag = "push certificate",
    params(("tenant" = String, Path)),
    responses((status = 200, body = RequestView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<RequestView>, Problem> {
    Ok(JsonAnswer(pending_request(&state, &scope).await?.into()))
}

/// The request as the file to upload at Apple's portal.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/push-certificate/request/file", tag = "push certificate",
    params(("tenant" = String, Path)),
    responses((status = 200, description = "APNSPushCert.csr", content_type = "application/octet-stream"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn download(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<Response, Problem> {
    let request = pending_request(&state, &scope).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{FILE_NAME}\"")),
    ];
    Ok((headers, request.file).into_response())
}
