//! What stands in a path, without axum's own refusals: they speak to developers, and to devices in words.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::error::{Error, Result};

/// The part of the path that the route calls `name`, decoded; empty when the route has no such part.
///
/// # Errors
/// NotFound when the path is not UTF-8 once it is decoded.
pub async fn path_part(parts: &mut Parts, name: &str) -> Result<String> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|cause| Error::not_found("page").because(cause))?;
    let found = params.iter().find(|(found, _)| *found == name);
    Ok(found.map_or_else(String::new, |(_, value)| value.to_owned()))
}
