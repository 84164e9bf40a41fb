//! The expiry calendar that calendar programs subscribe to.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use shared::error::Error;
use shared::http::Problem;
use shared::secret::Secret;
use shared::service::calendar_feed::read_calendar_feed;
use shared::state::AppState;

/// The calendar behind an address that nobody can guess; `token` ends in `.ics`.
#[utoipa::path(
    get, path = "/console/{tenant}/calendar/{token}", tag = "console",
    params(("tenant" = String, Path), ("token" = String, Path)),
    responses((status = 200, content_type = "text/calendar"), (status = 404, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    Path((tenant, token)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let secret = token.strip_suffix(".ics").ok_or_else(|| Error::not_found("calendar"))?;
    let file = read_calendar_feed(&state, tenant.parse()?, &Secret::new(secret.to_owned())).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"expirations.ics\""),
        (header::CACHE_CONTROL, "private, max-age=3600"),
    ];
    Ok((headers, file).into_response())
}
