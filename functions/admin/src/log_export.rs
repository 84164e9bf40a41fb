//! The logs as files that can be checked without the server.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::domain::log::month;
use shared::domain::seal::Log;
use shared::http::{OperatorCaller, Problem, ProblemDetails, Query, ViewerScope};
use shared::scope::Realm;
use shared::service::export_log::export_log;
use shared::state::AppState;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// Only what is under a seal that touches this month, `YYYY-MM` in UTC; the whole log unless given.
    #[serde(default)]
    month: Option<String>,
    /// The `next` of the page before, which is its last line.
    #[serde(default)]
    after: Option<String>,
}

/// The audit log with its seals, as lines of JSON. docs/LOGS.md describes them.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/audit/export", tag = "logs", params(("tenant" = String, Path), ExportQuery),
    responses((status = 200, body = String, content_type = "application/x-ndjson"),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn audit(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    export(&state, (&scope).into(), Log::Audit, query).await
}

/// The operator's own audit log with its seals, in the same form.
#[utoipa::path(
    get, path = "/v1/audit/export", tag = "operator", params(ExportQuery),
    responses((status = 200, body = String, content_type = "application/x-ndjson"),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn operators(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    export(&state, (&operator).into(), Log::Audit, query).await
}

/// The surveillance log with its seals, as lines of JSON. docs/LOGS.md describes them.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/events/export", tag = "logs", params(("tenant" = String, Path), ExportQuery),
    responses((status = 200, body = String, content_type = "application/x-ndjson"),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn events(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    export(&state, (&scope).into(), Log::Events, query).await
}

async fn export(
    state: &AppState,
    realm: Realm<'_>,
    log: Log,
    query: ExportQuery,
) -> Result<Response, Problem> {
    let month = query.month.map(month).transpose()?;
    let exported = export_log(state, realm, log, month.as_deref(), query.after.as_deref()).await?;
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], exported.text).into_response())
}
