//! The portal over HTTP: a page for people and calls for programs. Its paths are relative, so that it can be nested.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde_json::json;

use super::{Issued, Portal, Refusal, page, upload};
use crate::pages::layout;

/// The routes `/`, `/certificates`, `/certificates/{uid}/renew`, `/certificates/{uid}/revoke`,
/// `/certificates/{uid}.pem`.
pub fn router(portal: Portal) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/certificates", post(create))
        .route("/certificates/{uid}/renew", post(renew))
        .route("/certificates/{uid}/revoke", post(revoke))
        .route("/certificates/{file}", get(download))
        .with_state(portal)
}

async fn show(State(portal): State<Portal>, base: Base) -> Response {
    base.page(&portal, StatusCode::OK, &[])
}

async fn create(State(portal): State<Portal>, base: Base, headers: HeaderMap, body: Bytes) -> Response {
    let upload = Upload::read(&headers, &body);
    let issued = upload.file.as_ref().map_err(Refusal::from).and_then(|file| portal.issue(file));
    base.answer(&portal, upload.from_form, issued)
}

async fn renew(
    State(portal): State<Portal>,
    Path(uid): Path<String>,
    base: Base,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let upload = Upload::read(&headers, &body);
    let issued = upload.file.as_ref().map_err(Refusal::from).and_then(|file| portal.renew(&uid, file));
    base.answer(&portal, upload.from_form, issued)
}

async fn revoke(State(portal): State<Portal>, Path(uid): Path<String>, base: Base) -> Response {
    match portal.revoke(&uid) {
        Ok(()) => base.home(),
        Err(refusal) => problem(&refusal),
    }
}

async fn download(State(portal): State<Portal>, Path(file): Path<String>) -> Response {
    let row = file.strip_suffix(".pem").map_or(Ok(None), |uid| portal.find(uid));
    match row {
        Ok(Some(row)) => certificate(StatusCode::OK, Issued { uid: row.uid, pem: row.pem }),
        Ok(None) => problem(&Refusal::Unknown),
        Err(error) => problem(&Refusal::Failed(error)),
    }
}

/// The uploaded file: a form's field from a browser, otherwise the body itself.
struct Upload {
    from_form: bool,
    file: Result<String, &'static str>,
}

impl Upload {
    fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match content_type.filter(|kind| kind.starts_with("multipart/form-data")) {
            Some(kind) => {
                let file = upload::first_content(kind, body).ok_or("Choose a file or paste its text.");
                Self { from_form: true, file }
            }
            None => {
                let file = std::str::from_utf8(body).map(str::to_owned);
                Self { from_form: false, file: file.map_err(|_| "The file is not base64 text.") }
            }
        }
    }
}

impl From<&&'static str> for Refusal {
    fn from(fault: &&'static str) -> Self {
        Self::Faults(vec![(*fault).to_owned()])
    }
}

/// Where the portal is mounted, without a slash at the end: the page's links need it.
struct Base(String);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Base {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let OriginalUri(original) = OriginalUri::from_request_parts(parts, state).await?;
        let inner = Uri::path(&parts.uri).trim_end_matches('/');
        let base = original.path().trim_end_matches('/');
        Ok(Self(base.strip_suffix(inner).unwrap_or(base).to_owned()))
    }
}

impl Base {
    fn home(&self) -> Response {
        let home = if self.0.is_empty() { "/" } else { &self.0 };
        Redirect::to(home).into_response()
    }

    fn page(&self, portal: &Portal, status: StatusCode, faults: &[String]) -> Response {
        match portal.list() {
            Ok(rows) => (status, layout::answer(page::render(&self.0, &rows, faults))).into_response(),
            Err(error) => problem(&Refusal::Failed(error)),
        }
    }

    /// A browser goes back to the page; a program gets the certificate or a problem.
    fn answer(&self, portal: &Portal, from_form: bool, issued: Result<Issued, Refusal>) -> Response {
        match issued {
            Ok(_) if from_form => self.home(),
            Ok(issued) => certificate(StatusCode::CREATED, issued),
            Err(Refusal::Faults(faults)) if from_form => self.page(portal, StatusCode::BAD_REQUEST, &faults),
            Err(refusal) => problem(&refusal),
        }
    }
}

fn certificate(status: StatusCode, issued: Issued) -> Response {
    let headers = [
        ("content-type", "application/x-pem-file".to_owned()),
        ("content-disposition", "attachment; filename=\"MDM_Pomarium_Certificate.pem\"".to_owned()),
        ("x-push-topic", issued.uid),
    ];
    (status, headers, issued.pem).into_response()
}

fn problem(refusal: &Refusal) -> Response {
    let (status, code, detail, faults) = match refusal {
        Refusal::Faults(faults) => (
            StatusCode::BAD_REQUEST,
            "portal-request-refused",
            "The portal refused the file.",
            faults.as_slice(),
        ),
        Refusal::Unknown => (
            StatusCode::NOT_FOUND,
            "portal-certificate-unknown",
            "The portal has no such certificate.",
            &[][..],
        ),
        Refusal::Failed(error) => {
            tracing::error!(error = error.chain(), "the portal simulator failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "portal-failed", "The portal made a mistake.", &[][..])
        }
    };
    let body = json!({ "type": code, "status": status.as_u16(), "detail": detail, "errors": faults });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
