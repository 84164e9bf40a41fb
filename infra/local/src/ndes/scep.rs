//! The SCEP server: who has a challenge gets a certificate.

use std::sync::Weak;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::x509::{X509, X509Name, X509NameRef};
use serde::Deserialize;
use shared::pki::scep::{CAPABILITIES, FailInfo, PkiMessage, SignedMessage, reply};
use shared::{Error, Result};

use super::{Inner, Ndes};

#[derive(Deserialize)]
pub(super) struct Asked {
    operation: String,
}

/// GetCACaps and GetCACert.
pub(super) async fn tell(State(service): State<Weak<Inner>>, Query(asked): Query<Asked>) -> Response {
    let Some(service) = service.upgrade().map(Ndes) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    match (asked.operation.as_str(), service.authority().to_der()) {
        ("GetCACaps", _) => typed("text/plain", CAPABILITIES.into()),
        ("GetCACert", Ok(der)) => typed("application/x-x509-ca-cert", der),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// PKIOperation.
pub(super) async fn operate(State(service): State<Weak<Inner>>, message: Bytes) -> Response {
    let answer = service.upgrade().map(|inner| Ndes(inner).answer(&message));
    match answer {
        Some(Ok(answer)) => typed("application/x-pki-message", answer),
        Some(Err(error)) => {
            tracing::warn!(error = %error.chain(), "the certificate service could not answer");
            StatusCode::BAD_REQUEST.into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn typed(content_type: &'static str, body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

impl Ndes {
    fn answer(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signed = SignedMessage::read(message)?;
        let request = signed.open(&self.0.credential, &[])?;
        let nonce = self.0.random.bytes();
        if request.challenge.as_ref().is_some_and(|challenge| self.takes(challenge.expose())) {
            let issued = self.issue(&request)?;
            reply::success(&request, &issued, &self.0.credential, nonce)
        } else {
            reply::failure(&signed.transaction, FailInfo::BadRequest, &self.0.credential, nonce)
        }
    }

    fn issue(&self, request: &PkiMessage) -> Result<X509> {
        let subject = self.subject(request.csr.subject_name()).map_err(Error::internal)?;
        self.certify(&subject, &*request.csr.public_key().map_err(Error::internal)?)
    }

    fn subject(&self, asked: &X509NameRef) -> Result<X509Name, ErrorStack> {
        let (rewrites, drops_units) = {
            let desk = self.desk();
            (desk.rewrites, desk.drops_units)
        };
        let mut subject = X509Name::builder()?;
        if rewrites {
            subject.append_entry_by_nid(Nid::COMMONNAME, "ipad-of-jo.school.example")?;
            return Ok(subject.build());
        }
        for entry in asked.entries() {
            let is_unit = entry.object().nid() == Nid::ORGANIZATIONALUNITNAME;
            if !(drops_units && is_unit) {
                subject.append_entry_by_nid(entry.object().nid(), &entry.data().to_string()?)?;
            }
        }
        Ok(subject.build())
    }
}
