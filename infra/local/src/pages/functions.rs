//! Scheduled functions, started by hand.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Local, submitted, wants_page};
use crate::runner;

pub(super) async fn run(
    State(local): State<Local>,
    Path(function): Path<String>,
    headers: HeaderMap,
) -> Response {
    let tally = runner::run(local.state.clone(), &function).await;
    // Its button has nothing to send but itself.
    submitted::reply(wants_page(&headers), "/_local/mails", tally)
}
