//! A refusal, in the two shapes that AWS writes it.

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

/// Why an operation was not done: status, AWS's code and a message.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    /// The caller's fault, as most services answer it (400).
    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    /// Something that is not there (404).
    pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, code, message: message.into() }
    }

    /// The object is another one than the caller thinks (412).
    pub(super) fn precondition(message: impl Into<String>) -> Self {
        Self { status: StatusCode::PRECONDITION_FAILED, code: "PreconditionFailed", message: message.into() }
    }

    /// Something that AWS does and this does not.
    pub(super) fn not_implemented(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_IMPLEMENTED, code: "NotImplemented", message: message.into() }
    }

    /// A fault on this side, which an AWS client repeats.
    pub(super) fn internal(source: impl fmt::Display) -> Self {
        tracing::error!(%source, "the local AWS failed");
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: "InternalError", message: source.to_string() }
    }

    /// AWS's code.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// Whether repeating the request as it is would be refused again.
    pub(super) fn is_callers_fault(&self) -> bool {
        self.status.is_client_error()
    }

    /// The shape of the JSON protocols.
    pub(super) fn into_json(self) -> Response {
        let body = json!({ "__type": self.code, "message": self.message }).to_string();
        let headers = [("x-amzn-errortype", self.code), (CONTENT_TYPE.as_str(), "application/json")];
        (self.status, headers, body).into_response()
    }

    /// The shape of S3.
    pub(super) fn into_xml(self) -> Response {
        let Self { status, code, message } = self;
        let message = message.replace('&', "&amp;").replace('<', "&lt;");
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        (status, [(CONTENT_TYPE, "application/xml")], body).into_response()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(error)
    }
}
