//! The device's edge: one handler for check-ins and command polls, and the error map that never unenrolls.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::client_certificate::client_certificate;
use super::serve::About;
use super::unenroll::unenroll;
use super::{DEVICE_BODY, path_part};
use crate::error::{Error, Kind, Result};
use crate::id::EnrollmentId;
use crate::protocol::message::DeviceMessage;
use crate::service::authenticate_device::{Proofs, authenticate_device};
use crate::service::check_in::{Answer, check_in};
use crate::service::next_command::next_command;
use crate::state::AppState;

/// Answers a device, whether it checks in or polls: the body says which, because polls may come without a Content-Type
/// and one URL may serve both.
pub async fn device_message(State(state): State<AppState>, request: Request) -> Response {
    let mut about = None;
    let answer = answer(&state, request, &mut about).await;
    let mut response = answer.unwrap_or_else(|error| failure(&error));
    if let Some(about) = about {
        response.extensions_mut().insert(About(about));
    }
    response
}

async fn answer(state: &AppState, request: Request, about: &mut Option<EnrollmentId>) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let tenant = path_part(&mut parts, "tenant").await?.parse()?;
    let body = to_bytes(body, DEVICE_BODY).await.map_err(|cause| {
        Error::malformed("device-body", "The message is too large or was cut off.").because(cause)
    })?;
    // Read before the signature is checked: refusing nonsense costs less than an RSA operation.
    let message = DeviceMessage::parse(&body)?;
    *about = Some(message.enrollment().clone());
    let signature = parts.headers.get("mdm-signature").and_then(|value| value.to_str().ok());
    let proofs = Proofs { signature, certificate: client_certificate(&parts.extensions) };
    let signer = authenticate_device(state, tenant, proofs, &body).await?;
    match message {
        DeviceMessage::CheckIn(message) => check_in(state, &signer, message).await,
        DeviceMessage::Report(report) => next_command(state, &signer, &report, &body).await,
    }
    .map(response)
}

fn response(answer: Answer) -> Response {
    match answer {
        Answer::Done => StatusCode::OK.into_response(),
        Answer::PropertyList(plist) => typed("application/xml", plist),
        Answer::Json(json) => typed("application/json", json),
        Answer::NotManaged => StatusCode::GONE.into_response(),
        Answer::NoSuchDeclaration => StatusCode::NOT_FOUND.into_response(),
        Answer::Unenroll(farewell) => unenroll(farewell),
    }
}

pub(super) fn typed(content_type: &'static str, body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], Body::from(body)).into_response()
}

/// A failure as a device may see it: an empty body, and never 401 or 403, which could make it remove its enrollment.
pub fn failure(error: &Error) -> Response {
    let status = match error.kind() {
        Kind::Malformed
        | Kind::TooLarge
        | Kind::WrongMethod
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound => StatusCode::BAD_REQUEST,
        Kind::Conflict | Kind::RateLimited { .. } | Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if status.is_server_error() {
        tracing::error!(code = error.code(), error = %error.chain(), "a device's message failed");
    } else {
        tracing::warn!(code = error.code(), error = %error.chain(), "a device's message was refused");
    }
    status.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_kind_of_error_unenrolls_a_device() {
        let kinds = [
            (Kind::Malformed, 400),
            (Kind::TooLarge, 400),
            (Kind::WrongMethod, 400),
            (Kind::Unauthenticated, 400),
            (Kind::Forbidden, 400),
            (Kind::NotFound, 400),
            (Kind::Conflict, 503),
            (Kind::RateLimited { retry_after: 1 }, 503),
            (Kind::Unavailable, 503),
            (Kind::Internal, 500),
        ];
        for (kind, expected) in kinds {
            let response = failure(&Error::new(kind, "code", "message"));
            assert_eq!(response.status().as_u16(), expected, "{kind:?}");
            assert!(to_bytes(response.into_body(), 1).await.unwrap().is_empty());
        }
    }
}
