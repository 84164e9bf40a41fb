//! What needs somebody today.

use axum::response::Response;
use maud::html;

use crate::layout::{self, Part};
use crate::look::Look;
use crate::refusal::Refusal;

/// The first page of a tenant.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    let content = html! { h1 { "Home" } };
    Ok(layout::page(&look, Part::Home, "Home", &content))
}
