//! A look at a request before it is made.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Serialize;
use shared::error::Error;
use shared::http::{AdminScope, FileOrJson, Problem, ProblemDetails};
use shared::pki::own_request::{RequestKey, RequestSubject};
use shared::service::review_push_request::{RequestReview, review_push_request};
use shared::state::AppState;
use utoipa::ToSchema;

use crate::request_body::{NewRequest, source};

/// What a request would be.
#[derive(Serialize, ToSchema)]
pub(crate) struct RequestReviewView {
    subject: RequestSubject,
    /// Its key; null where the key is yet to be made.
    key: Option<KeyView>,
    /// Everything that would refuse it now; empty when it can be made.
    problems: Vec<RequestProblem>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct KeyView {
    bits: u32,
    /// SHA-256 of the public key, in hex.
    fingerprint: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RequestProblem {
    /// The stable name of the problem, as in docs/ERRORS.md.
    code: &'static str,
    detail: String,
    field: Option<String>,
    next_step: Option<String>,
}

impl From<RequestKey> for KeyView {
    fn from(key: RequestKey) -> Self {
        Self { bits: key.bits, fingerprint: key.fingerprint.to_string() }
    }
}

impl From<Error> for RequestProblem {
    fn from(error: Error) -> Self {
        Self {
            code: error.code(),
            detail: error.to_string(),
            field: error.field().map(str::to_owned),
            next_step: error.next_step().map(str::to_owned),
        }
    }
}

impl From<RequestReview> for RequestReviewView {
    fn from(review: RequestReview) -> Self {
        Self {
            subject: review.subject,
            key: review.key.map(KeyView::from),
            problems: review.problems.into_iter().map(RequestProblem::from).collect(),
        }
    }
}

/// Review a request before it is made: subject, key, and all that stands in its way. Nothing is kept.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/request/review", tag = "push certificate",
    params(("tenant" = String, Path)),
    request_body(content((NewRequest = "application/json"), (Vec<u8> = "application/pkcs10"))),
    responses((status = 200, body = RequestReviewView),
        (status = 400, description = "Not a certificate request at all", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn review(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    FileOrJson(body): FileOrJson<NewRequest>,
) -> Result<JsonAnswer<RequestReviewView>, Problem> {
    let (source, _) = source(body)?;
    Ok(JsonAnswer(review_push_request(&state, &scope, &source).await?.into()))
}
