//! The page with the challenge, in UTF-16 as the real one.

use std::sync::Weak;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Inner, Ndes, PASSWORD, USER};

/// Answers who proves to be the user.
pub(super) async fn show(State(service): State<Weak<Inner>>, headers: HeaderMap) -> Response {
    let Some(service) = service.upgrade().map(Ndes) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let (ntlm_only, forbids) = {
        let desk = service.desk();
        (desk.ntlm_only, desk.forbids)
    };
    let expected = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if ntlm_only || given != Some(expected.as_str()) {
        let way = if ntlm_only { "NTLM" } else { "Basic realm=\"ndes\"" };
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, way)]).into_response();
    }
    let words = if forbids {
        "You do not have sufficient permission to enroll with SCEP. Please contact your system administrator."
            .to_owned()
    } else {
        match service.challenge() {
            Some(challenge) => format!(
                "The thumbprint (hash value) for the CA certificate is: <B> 39AD1B1E 9E0A7D1D F10AD3B5 A9F1E7C2 </B> \
                 <P> The enrollment challenge password is: <B> {challenge} </B> <P> This password can be used only once."
            ),
            None => "The password cache is full. To continue, use a password that was given out, or wait for one to end."
                .to_owned(),
        }
    };
    let page = format!(
        "<HTML><Head><Title>Network Device Enrollment Service</Title></Head><Body><P> {words} </P></Body></HTML>"
    );
    let body: Vec<u8> = page.encode_utf16().flat_map(u16::to_le_bytes).collect();
    ([(header::CONTENT_TYPE, "text/html")], body).into_response()
}
