//! The answer that makes a device remove its enrollment. A test sees to it that no other code on the way to a device can
//! name these statuses.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::device::typed;
use crate::domain::dismissal::Farewell;

/// Tells a dismissed device to go. Apple: `mdm/errors/unrecognized.device.yaml`.
pub(super) fn unenroll(farewell: Farewell) -> Response {
    match farewell {
        Farewell::UnrecognizedDevice(reason) => {
            let body = json!({
                "code": "com.apple.unrecognized.device",
                "description": "The device was unenrolled.",
                "message": reason.as_str(),
            });
            (StatusCode::FORBIDDEN, typed("application/json", body.to_string().into_bytes())).into_response()
        }
        Farewell::Unauthorized => StatusCode::UNAUTHORIZED.into_response(),
    }
}
