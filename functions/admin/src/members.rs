//! Who may sign in to the console.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::member::{Member, member_address};
use shared::http::{AdminScope, Json, OperatorCaller, Problem, ProblemDetails, ViewerScope};
use shared::scope::Role;
use shared::service::manage_members::{remove_member, set_member, set_operator};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberRole {
    /// `admin`, `help-desk` or `viewer`.
    role: Role,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct MemberView {
    /// The address that signs in, in lower case.
    #[schema(example = "jo@school.example")]
    address: String,
    role: Role,
    #[schema(value_type = String, format = DateTime)]
    added_at: Timestamp,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self { address: member.address.to_string(), role: member.role, added_at: member.added_at }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct MemberList {
    members: Vec<MemberView>,
}

impl From<Vec<Member>> for MemberList {
    fn from(members: Vec<Member>) -> Self {
        Self { members: members.into_iter().map(MemberView::from).collect() }
    }
}

/// Who may sign in for the tenant.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/members", tag = "tenant", params(("tenant" = String, Path)),
    responses((status = 200, body = MemberList))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<MemberList>, Problem> {
    Ok(JsonAnswer(state.store.console_members((&scope).into()).await?.into()))
}

/// Let somebody sign in for the tenant, or give them another role. Who is new is told by mail.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/members/{address}", tag = "tenant",
    params(("tenant" = String, Path), ("address" = String, Path)), request_body = MemberRole,
    responses(
        (status = 200, body = MemberView), (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json")
    )
)]
pub(crate) async fn set(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, address)): Path<(String, String)>,
    Json(body): Json<MemberRole>,
) -> Result<JsonAnswer<MemberView>, Problem> {
    Ok(JsonAnswer(set_member(&state, &scope, member_address(&address)?, body.role).await?.into()))
}

/// Take a membership away. It counts at the person's next page.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/members/{address}", tag = "tenant",
    params(("tenant" = String, Path), ("address" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn remove(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, address)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    remove_member(&state, (&scope).into(), &member_address(&address)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who may sign in as this server's operator.
#[utoipa::path(get, path = "/v1/members", tag = "operator", responses((status = 200, body = MemberList)))]
pub(crate) async fn list_operators(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
) -> Result<JsonAnswer<MemberList>, Problem> {
    Ok(JsonAnswer(state.store.console_members((&operator).into()).await?.into()))
}

/// Let somebody sign in as this server's operator. Who is new is told by mail.
#[utoipa::path(
    put, path = "/v1/members/{address}", tag = "operator", params(("address" = String, Path)),
    responses(
        (status = 200, body = MemberView), (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json")
    )
)]
pub(crate) async fn set_operators(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Path(address): Path<String>,
) -> Result<JsonAnswer<MemberView>, Problem> {
    Ok(JsonAnswer(set_operator(&state, &operator, member_address(&address)?).await?.into()))
}

/// Take an operator's membership away. It counts at the person's next page.
#[utoipa::path(
    delete, path = "/v1/members/{address}", tag = "operator", params(("address" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn remove_operators(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Path(address): Path<String>,
) -> Result<StatusCode, Problem> {
    remove_member(&state, (&operator).into(), &member_address(&address)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
