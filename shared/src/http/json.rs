//! JSON bodies, with errors that name the field.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{API_BODY, Problem};
use crate::error::{Error, Result};
use crate::state::AppState;

/// A JSON body read into a type. It comes last among a handler's arguments, so that who calls is checked first.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// A file as the whole body, or JSON that may hold more than one.
#[derive(Clone, Debug)]
pub struct FileOrJson<T>(pub Body<T>);

/// What [`FileOrJson`] found.
#[derive(Clone, Debug)]
pub enum Body<T> {
    /// A file.
    File(Vec<u8>),
    /// JSON.
    Json(T),
}

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Problem> {
        Ok(Self(read(&whole(request).await?)?))
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for FileOrJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Problem> {
        let body = whole(request).await?;
        // The content decides, because `curl --data` says "form" of everything. No file of ours begins with a brace.
        let is_json = body.trim_ascii_start().first().is_none_or(|first| *first == b'{');
        Ok(Self(if is_json { Body::Json(read(&body)?) } else { Body::File(body.into()) }))
    }
}

async fn whole(request: Request) -> Result<Bytes> {
    to_bytes(request.into_body(), API_BODY).await.map_err(|cause| {
        Error::too_large("body-too-large", "The body is larger than one megabyte, or was cut off.")
            .because(cause)
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    // serde would take an array for an object, with its fields in their order.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::malformed("json-body", "The JSON body is a list, not an object."));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let refused =
            Error::malformed("json-body", format!("The JSON body does not fit: {}.", error.inner()))
                .next("docs/API.md and /v1/openapi.json describe the body.");
        if path == "." { refused } else { refused.at(path) }
    })?;
    reader
        .end()
        .map_err(|error| Error::malformed("json-body", format!("The JSON body does not fit: {error}.")))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default)]
        contacts: Vec<crate::domain::contact::EmailAddress>,
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert!(read::<Body>(b"").unwrap().contacts.is_empty());
    }

    #[test]
    fn the_wrong_field_is_named() {
        let error = read::<Body>(br#"{"contacts": ["it@school.example", "nobody"]}"#).unwrap_err();
        assert_eq!(error.field(), Some("contacts[1]"));
        assert!(error.to_string().contains("is not an e-mail address"));
        let error = read::<Body>(br#"{"contact": []}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `contact`"));
        assert!(read::<Body>(b"{} {}").is_err());
        assert!(read::<Body>(b" []").unwrap_err().to_string().contains("a list"));
        assert!(read::<Body>(b"\xff").is_err());
    }
}
