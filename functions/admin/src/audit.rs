//! The audit log.

use std::collections::BTreeMap;

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::audit::{AuditAction, AuditEntry};
use shared::error::Error;
use shared::http::{OperatorCaller, Problem, ProblemDetails, Query, ViewerScope};
use shared::scope::Realm;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// Entries on one page.
const PAGE: i32 = 100;

#[derive(Deserialize, IntoParams)]
pub(crate) struct Month {
    /// The month, `YYYY-MM` in UTC; the present one unless given.
    #[serde(default)]
    month: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    after: Option<String>,
}

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
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Who changed what, when and from where, a month at a time, the latest first.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/audit", tag = "tenant", params(("tenant" = String, Path), Month),
    responses((status = 200, body = AuditPage), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(query): Query<Month>,
) -> Result<JsonAnswer<AuditPage>, Problem> {
    page(&state, (&scope).into(), query).await
}

/// Who changed what of the whole server, when and from where, a month at a time, the latest first.
#[utoipa::path(
    get, path = "/v1/audit", tag = "operator", params(Month),
    responses((status = 200, body = AuditPage), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn list_operators(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Query(query): Query<Month>,
) -> Result<JsonAnswer<AuditPage>, Problem> {
    page(&state, (&operator).into(), query).await
}

async fn page(state: &AppState, realm: Realm<'_>, query: Month) -> Result<JsonAnswer<AuditPage>, Problem> {
    let month = match query.month {
        Some(month) => checked(month)?,
        None => state.clock.now().strftime("%Y-%m").to_string(),
    };
    let (entries, next) = state.store.audit_log(realm, &month, query.after.as_deref(), PAGE).await?;
    Ok(JsonAnswer(AuditPage { entries: entries.into_iter().map(AuditView::from).collect(), next }))
}

fn checked(month: String) -> Result<String, Error> {
    let first = format!("{month}-01T00:00:00Z").parse::<Timestamp>();
    if month.len() == 7 && first.is_ok() {
        Ok(month)
    } else {
        Err(Error::malformed("audit-month", format!("{month:?} is not a month."))
            .at("month")
            .next("Write it like 2026-11."))
    }
}
