//! Tenants.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::contact::EmailAddress;
use shared::domain::tenant::Tenant;
use shared::error::Error;
use shared::http::{AdminScope, Json, OperatorCaller, Problem, ProblemDetails, Query, ViewerScope};
use shared::service::create_tenant::create_tenant;
use shared::service::update_tenant::{TenantChange, update_tenant};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::page::Page;

/// Tenants on one page unless asked otherwise.
const PAGE: i32 = 50;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenant {
    #[schema(example = "Green School")]
    name: String,
    /// Who is mailed before anything expires.
    contacts: Vec<EmailAddress>,
    /// Whether they are. Opted in unless set to false.
    #[serde(default = "yes")]
    expiry_mails: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedTenant {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    contacts: Option<Vec<EmailAddress>>,
    #[serde(default)]
    expiry_mails: Option<bool>,
    /// How many seconds a command waits unless it says otherwise, 60 to 31536000; 0 is for ever.
    #[serde(default)]
    command_expires_in: Option<u64>,
    /// Whether a second administrator must approve an EraseDevice. Only the operator can take it back.
    #[serde(default)]
    erase_needs_approval: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TenantView {
    id: String,
    name: String,
    contacts: Vec<EmailAddress>,
    expiry_mails: bool,
    /// Seconds; 0 is for ever.
    command_expires_in: u64,
    erase_needs_approval: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id.to_string(),
            name: tenant.name,
            contacts: tenant.contacts,
            expiry_mails: tenant.expiry_mails,
            command_expires_in: tenant.command_expires_in,
            erase_needs_approval: tenant.erase_needs_approval,
            created_at: tenant.created_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedTenant {
    tenant: TenantView,
    /// The tenant's first admin token. It is shown this once.
    token: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TenantPage {
    tenants: Vec<TenantView>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Create a tenant. The answer holds its first admin token, shown once.
#[utoipa::path(
    post, path = "/v1/tenants", tag = "operator", request_body = NewTenant,
    responses((status = 201, body = CreatedTenant),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn create(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Json(body): Json<NewTenant>,
) -> Result<(StatusCode, JsonAnswer<CreatedTenant>), Problem> {
    let (tenant, token) =
        create_tenant(&state, &operator, &body.name, body.contacts, body.expiry_mails).await?;
    let created = CreatedTenant { tenant: tenant.into(), token: token.expose().clone() };
    Ok((StatusCode::CREATED, JsonAnswer(created)))
}

/// All tenants, a page at a time.
#[utoipa::path(get, path = "/v1/tenants", tag = "operator", params(Page), responses((status = 200, body = TenantPage)))]
pub(crate) async fn list(
    _: OperatorCaller,
    State(state): State<AppState>,
    Query(page): Query<Page>,
) -> Result<JsonAnswer<TenantPage>, Problem> {
    let after = page.after.map(|text| text.parse()).transpose().map_err(|cause: Error| {
        Error::malformed("page-mark", "This is not the mark of a page.")
            .at("after")
            .next("Pass the \"next\" of the page before, unchanged, or leave it out.")
            .because(cause)
    })?;
    let found = state.store.tenants(after.as_ref(), PAGE).await?;
    let full = found.len() == usize::try_from(PAGE).unwrap_or_default();
    let next = found.last().filter(|_| full).map(|tenant| tenant.id.to_string());
    Ok(JsonAnswer(TenantPage { tenants: found.into_iter().map(TenantView::from).collect(), next }))
}

/// One tenant.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 200, body = TenantView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<TenantView>, Problem> {
    Ok(JsonAnswer(state.store.tenant(&scope).await?.into()))
}

/// Change name, contacts, the opt-in to expiry mails, how long commands wait, whether erasing wants a second approval.
#[utoipa::path(
    patch, path = "/v1/tenants/{tenant}", tag = "tenant", params(("tenant" = String, Path)), request_body = ChangedTenant,
    responses((status = 200, body = TenantView), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn change(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<ChangedTenant>,
) -> Result<JsonAnswer<TenantView>, Problem> {
    let change = TenantChange {
        name: body.name,
        contacts: body.contacts,
        expiry_mails: body.expiry_mails,
        command_expires_in: body.command_expires_in,
        erase_needs_approval: body.erase_needs_approval,
    };
    Ok(JsonAnswer(update_tenant(&state, &scope, change).await?.into()))
}
