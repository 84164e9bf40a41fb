//! Errors for people and programs: problem+json (RFC 9457).

use axum::Json as AxumJson;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, Kind};

/// Begins each problem's type; docs/ERRORS.md explains what follows. A name, not an address: it must outlive any site.
const TYPES: &str = "urn:pomarium:error:";

/// The body of a refusal.
#[derive(Serialize, ToSchema)]
pub struct ProblemDetails {
    /// Names the kind of problem for ever: branch on this.
    #[serde(rename = "type")]
    #[schema(example = "urn:pomarium:error:push-certificate-wrong-key")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, for a person.
    detail: String,
    /// Which input field is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
}

/// An error as the API answers it.
#[derive(Debug)]
pub struct Problem(pub Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = status(error.kind());
        log(&error, status);
        let details = ProblemDetails {
            kind: format!("{TYPES}{}", error.code()),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: error.to_string(),
            field: error.field().map(str::to_owned),
            next_step: error.next_step().map(str::to_owned),
        };
        let mut response = (status, AxumJson(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after(error.kind()) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The status of a refusal.
pub fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// After how many seconds the same is worth another try.
pub fn retry_after(kind: Kind) -> Option<u32> {
    match kind {
        Kind::RateLimited { retry_after } => Some(retry_after),
        Kind::Unavailable => Some(5),
        Kind::Malformed
        | Kind::TooLarge
        | Kind::WrongMethod
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Internal => None,
    }
}

/// The one place where an API failure is logged.
fn log(error: &Error, status: StatusCode) {
    if status.is_server_error() {
        tracing::error!(code = error.code(), error = %error.chain(), "a request failed");
    } else {
        tracing::debug!(code = error.code(), error = %error.chain(), "a request was refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_status() {
        let kinds = [
            (Kind::Malformed, 400),
            (Kind::TooLarge, 413),
            (Kind::WrongMethod, 405),
            (Kind::Unauthenticated, 401),
            (Kind::Forbidden, 403),
            (Kind::NotFound, 404),
            (Kind::Conflict, 409),
            (Kind::RateLimited { retry_after: 7 }, 429),
            (Kind::Unavailable, 503),
            (Kind::Internal, 500),
        ];
        for (kind, expected) in kinds {
            let response = Problem(Error::new(kind, "code", "message")).into_response();
            assert_eq!(response.status().as_u16(), expected);
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            let wait = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
            match expected {
                429 => assert_eq!(wait.as_deref(), Some("7")),
                503 => assert_eq!(wait.as_deref(), Some("5")),
                _ => assert_eq!(wait, None),
            }
        }
    }

    #[tokio::test]
    async fn the_cause_stays_in_the_log() {
        let response = Problem(Error::internal("table secret-name is gone")).into_response();
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("secret-name"));
    }
}
