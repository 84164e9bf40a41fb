//! The audit log.

use std::collections::BTreeMap;

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Serialize;
use shared::domain::audit::{AuditAction, AuditEntry};
use shared::domain::log::LogFilter;
use shared::domain::seal::Log;
use shared::http::{OperatorCaller, Problem, ProblemDetails, Query, ViewerScope};
use shared::scope::Realm;
use shared::service::retention::shown_from;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::log::{LogQuery, PAGE};

#[derive(Serialize, ToSchema)]
pub(crate) struct AuditView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `token:<id>`, `device:<fingerprint>` or `system:<why>`.
    actor: String,
    /// The caller's address, where one is known.
    origin: Option<String>,
    action: AuditAction,
    /// Identifiers, topics, fingerprints; never a secret.
    facts: BTreeMap<String, String>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            at: entry.at,
            actor: entry.actor,
            origin: entry.origin.map(|address| address.to_string()),
            action: entry.action,
            facts: entry.facts,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The latest first.
    entries: Vec<AuditView>,
    /// Pass it as `after` for the next page; null on the last. With a filter a page may be short, or empty.
    next: Option<String>,
}

/// Who changed what, when and from where, a month at a time, the latest first.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/audit", tag = "tenant", params(("tenant" = String, Path), LogQuery),
    responses((status = 200, body = AuditPage), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(query): Query<LogQuery>,
) -> Result<JsonAnswer<AuditPage>, Problem> {
    let filter = query.filter().not_before(shown_from(&state, &scope, Log::Audit).await?);
    page(&state, (&scope).into(), query, filter).await
}

/// Who changed what of the whole server, when and from where, a month at a time, the latest first.
#[utoipa::path(
    get, path = "/v1/audit", tag = "operator", params(LogQuery),
    responses((status = 200, body = AuditPage), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn list_operators(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Query(query): Query<LogQuery>,
) -> Result<JsonAnswer<AuditPage>, Problem> {
    let filter = query.filter();
    page(&state, (&operator).into(), query, filter).await
}

async fn page(
    state: &AppState,
    realm: Realm<'_>,
    query: LogQuery,
    filter: LogFilter,
) -> Result<JsonAnswer<AuditPage>, Problem> {
    let month = query.month(state)?;
    let (entries, next) = state.store.audit_log(realm, &month, &filter, query.after.as_deref(), PAGE).await?;
    Ok(JsonAnswer(AuditPage { entries: entries.into_iter().map(AuditView::from).collect(), next }))
}
