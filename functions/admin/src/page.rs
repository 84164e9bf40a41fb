//! Lists come a page at a time.

use serde::Deserialize;
use utoipa::IntoParams;

/// Where a page begins.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// The `next` of the page before.
    #[serde(default)]
    pub(crate) after: Option<String>,
}
