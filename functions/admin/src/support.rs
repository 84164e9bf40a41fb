//! Whether the operator's support may look into the tenant's console.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::tenant::Tenant;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::scope::Role;
use shared::service::support::{NewSupportAccess, allow_support, end_support};
use shared::state::AppState;
use shared::time::{Timestamp, from_unix};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSupport {
    /// For how many hours from now (1 to 168).
    #[schema(example = 24)]
    hours: u32,
    /// `viewer` or `admin`.
    level: Role,
    /// What for, in up to 500 characters. Support reads it.
    #[serde(default)]
    note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AllowedSupport {
    /// `viewer` or `admin`.
    level: Role,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// Who allowed it, as the audit log names them.
    allowed_by: String,
    note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AskedSupport {
    /// Who asked, as the audit log names them.
    by: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    reason: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SupportView {
    /// What support may at this moment; null while it may not look in.
    allowed: Option<AllowedSupport>,
    /// The operator's latest question, answered or not.
    asked: Option<AskedSupport>,
}

impl SupportView {
    fn of(tenant: Tenant, now: Timestamp) -> Self {
        let open = tenant.support.filter(|access| access.is_open(now));
        Self {
            allowed: open.map(|access| AllowedSupport {
                level: access.level,
                from: access.from,
                until: access.until,
                allowed_by: access.allowed_by,
                note: access.note,
            }),
            asked: tenant.support_asked.map(|asked| AskedSupport {
                by: asked.by,
                at: from_unix(asked.asked_at),
                reason: asked.reason,
            }),
        }
    }
}

/// Whether the operator's support may look into the tenant's console.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/settings/support-access", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 200, body = SupportView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<SupportView>, Problem> {
    let tenant = state.store.tenant(&scope).await?;
    Ok(JsonAnswer(SupportView::of(tenant, state.clock.now())))
}

/// Let the operator's support look into the tenant's console for a while, in place of what was allowed before. An operator's token
/// cannot do this.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/settings/support-access", tag = "tenant", params(("tenant" = String, Path)),
    request_body = NewSupport,
    responses((status = 200, body = SupportView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn allow(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewSupport>,
) -> Result<JsonAnswer<SupportView>, Problem> {
    let note = body.note.unwrap_or_default();
    allow_support(&state, &scope, NewSupportAccess { level: body.level, hours: body.hours, note }).await?;
    let tenant = state.store.tenant(&scope).await?;
    Ok(JsonAnswer(SupportView::of(tenant, state.clock.now())))
}

/// End it at once. Support sees nothing from its next page on.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/settings/support-access", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 204), (status = 403, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn end(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
) -> Result<StatusCode, Problem> {
    end_support(&state, &scope).await?;
    Ok(StatusCode::NO_CONTENT)
}
