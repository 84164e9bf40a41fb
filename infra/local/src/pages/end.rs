//! A fault to order: the program ends in the middle of its work.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::Local;
use super::submitted::{Submitted, reply};

/// Where the program ends.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// So many writes of the program come before the last one.
    writes_before: usize,
    /// Whether the last one is still done.
    takes_effect: bool,
}

pub(super) async fn order(State(local): State<Local>, submitted: Submitted<Order>) -> Response {
    let Order { writes_before, takes_effect } = submitted.value;
    local.end.order(writes_before, takes_effect);
    reply(submitted.from_form, "/", Ok(submitted.value))
}
