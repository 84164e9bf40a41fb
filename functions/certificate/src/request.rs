//! The request for Apple's portal.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::domain::push_certificates::{Custody, PendingRequest};
use shared::http::{AdminScope, FileOrJson, Problem, ProblemDetails, ViewerScope};
use shared::pki::own_request::RequestSubject;
use shared::service::cancel_push_request::cancel_push_request;
use shared::service::request_push_certificate::{MadeRequest, pending_request, request_push_certificate};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::request_body::{NewRequest, source};

/// The name under which the request is saved, as Apple's portal expects to see it.
const FILE_NAME: &str = "APNSPushCert.csr";
/// The name under which a downloaded key is saved.
const KEY_FILE_NAME: &str = "CustomerCSR.key";

#[derive(Serialize, ToSchema)]
pub(crate) struct RequestView {
    subject: RequestSubject,
    /// Who has the private key: the server (`kept`), or you (`downloaded`, `own`): then upload it with the certificate.
    custody: Custody,
    /// SHA-256 of the public key, in hex.
    key_fingerprint: Option<String>,
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
            custody: request.custody,
            key_fingerprint: request.key_fingerprint.map(|fingerprint| fingerprint.to_string()),
            created_at: request.created_at,
            file_name: FILE_NAME,
            file: request.file,
            next_step: "Upload the file at https://identity.apple.com/pushcert: Renew if you have a certificate \
                        there for this tenant, else Create.",
        }
    }
}

/// A private key that is handed out.
#[derive(Serialize, ToSchema)]
pub(crate) struct PrivateKeyFile {
    /// The name to save it under.
    file_name: &'static str,
    /// PKCS#8 in PEM behind the password. It is not kept here: save it now.
    file: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct MadeRequestView {
    #[serde(flatten)]
    request: RequestView,
    /// The private key, if it is downloaded: shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<PrivateKeyFile>,
}

impl From<MadeRequest> for MadeRequestView {
    fn from(made: MadeRequest) -> Self {
        let private_key = made
            .private_key
            .map(|key| PrivateKeyFile { file_name: KEY_FILE_NAME, file: key.expose().clone() });
        Self { request: made.request.into(), private_key }
    }
}

/// Make a request: a key, unless you bring your own request, and a file for Apple's portal signed by the MDM vendor.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/request", tag = "push certificate",
    params(("tenant" = String, Path)),
    request_body(content((NewRequest = "application/json"), (Vec<u8> = "application/pkcs10"))),
    responses(
        (status = 201, body = MadeRequestView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "A request is pending, or the vendor certificate is missing or expired",
            body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    FileOrJson(body): FileOrJson<NewRequest>,
) -> Result<(StatusCode, JsonAnswer<MadeRequestView>), Problem> {
    let (source, replace) = source(body)?;
    let made = request_push_certificate(&state, &scope, &source, replace).await?;
    Ok((StatusCode::CREATED, JsonAnswer(made.into())))
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

/// Give up the pending request, with its key: Apple's certificate for it will fit no key any more.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/push-certificate/request", tag = "push certificate",
    params(("tenant" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn cancel(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<StatusCode, Problem> {
    cancel_push_request(&state, &scope).await?;
    Ok(StatusCode::NO_CONTENT)
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
