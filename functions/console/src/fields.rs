//! What a form brought, whichever way the browser encoded it.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use shared::error::{Error, Result};
use shared::http::API_BODY;
use shared::state::AppState;
use url::form_urlencoded;

/// A form's fields in their order. A name may stand there several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, Bytes)>);

impl Fields {
    /// Reads a form's body.
    ///
    /// # Errors
    /// Malformed when it is too large or is no form.
    pub(crate) async fn read(request: Request, state: &AppState) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, API_BODY).await.map_err(too_large)?;
            let request = Request::from_parts(parts, body.into());
            let mut parts = Multipart::from_request(request, state).await.map_err(no_form)?;
            let mut fields = Vec::new();
            while let Some(part) = parts.next_field().await.map_err(no_form)? {
                let name = part.name().unwrap_or_default().to_owned();
                fields.push((name, part.bytes().await.map_err(no_form)?));
            }
            return Ok(Self(fields));
        }
        let body = to_bytes(request.into_body(), API_BODY).await.map_err(too_large)?;
        let pairs = form_urlencoded::parse(&body);
        Ok(Self(pairs.map(|(name, value)| (name.into_owned(), Bytes::from(value.into_owned()))).collect()))
    }

    /// Fields as a page's address brings them.
    pub(crate) fn of<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Self {
        Self(pairs.map(|(name, value)| (name.clone(), Bytes::from(value.clone()))).collect())
    }

    /// All of them whose values are text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.as_str(), str::from_utf8(value).ok()?)))
    }

    /// What was typed, without white space around it; empty where nothing was.
    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(self.bytes(name)).trim().to_owned()
    }

    /// Whether a box was ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| found == name)
    }

    /// A file's content; empty where none was chosen.
    pub(crate) fn file(&self, name: &str) -> &[u8] {
        self.bytes(name)
    }

    fn bytes(&self, name: &str) -> &[u8] {
        self.0.iter().find(|(found, _)| found == name).map_or(&[], |(_, value)| value)
    }
}

fn too_large(cause: axum::Error) -> Error {
    Error::too_large("body-too-large", "This is more than a form can bring: one megabyte.").because(cause)
}

fn no_form(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::malformed("form", "The browser sent no form that this server can read.")
        .because(cause)
        .next("Open the page again and repeat what you did.")
}
