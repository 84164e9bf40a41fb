//! Query strings, with errors like those of the bodies.

use axum::extract::{FromRequestParts, Query as AxumQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::error::Error;
use crate::state::AppState;

/// A query string read into a type.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match AxumQuery::from_request_parts(parts, state).await {
            Ok(AxumQuery(value)) => Ok(Self(value)),
            Err(cause) => {
                let message = format!("The query string does not fit: {}.", cause.body_text());
                Err(Error::malformed("query", message).because(cause).into())
            }
        }
    }
}
