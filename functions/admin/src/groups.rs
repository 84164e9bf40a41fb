//! Static groups of enrollments.

use std::collections::BTreeSet;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::enrollment::{Enrollment, EnrollmentState};
use shared::domain::group::Group;
use shared::error::{Error, Result};
use shared::http::{AdminScope, Json, Problem, ProblemDetails, Query, ViewerScope};
use shared::id::{EnrollmentId, GroupId};
use shared::service::change_members::{change_members as change, group};
use shared::service::create_group::create_group;
use shared::service::delete_group::delete_group;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::page::Page;

/// Groups, or members, on one page.
const PAGE: i32 = 100;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGroup {
    /// 1 to 64 characters, on one line. It cannot be changed later.
    name: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct GroupView {
    /// Made of the name.
    id: String,
    name: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        Self { id: group.id.to_string(), name: group.name, created_at: group.created_at }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct GroupPage {
    groups: Vec<GroupView>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct GroupMemberView {
    #[schema(value_type = String)]
    enrollment: EnrollmentId,
    state: EnrollmentState,
    device_name: Option<String>,
    serial_number: Option<String>,
}

impl From<Enrollment> for GroupMemberView {
    fn from(enrollment: Enrollment) -> Self {
        Self {
            enrollment: enrollment.id,
            state: enrollment.state,
            device_name: enrollment.facts.device_name,
            serial_number: enrollment.facts.serial_number,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct MemberPage {
    members: Vec<GroupMemberView>,
    /// Pass it as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Who joins and who leaves: 500 enrollments at most, together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberChanges {
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    add: BTreeSet<EnrollmentId>,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    remove: BTreeSet<EnrollmentId>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedMembers {
    /// How many joined; those in the group before are not counted.
    added: usize,
    /// How many left; those not in the group are not counted.
    removed: usize,
}

fn named(group: &str) -> Result<GroupId> {
    group.parse().map_err(|error: Error| error.at("group"))
}

/// Make a group.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/groups", tag = "devices", params(("tenant" = String, Path)),
    request_body = NewGroup,
    responses((status = 201, body = GroupView),
        (status = 409, description = "There is one of this name", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn create(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<NewGroup>,
) -> Result<(StatusCode, JsonAnswer<GroupView>), Problem> {
    let made = create_group(&state, &scope, &body.name).await?;
    Ok((StatusCode::CREATED, JsonAnswer(made.into())))
}

/// The tenant's groups, a page at a time, in no particular order.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/groups", tag = "devices", params(("tenant" = String, Path), Page),
    responses((status = 200, body = GroupPage))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(page): Query<Page>,
) -> Result<JsonAnswer<GroupPage>, Problem> {
    let (mut groups, next) = state.store.groups(&scope, page.after.as_deref(), PAGE).await?;
    groups.retain(|group| group.deleted_at.is_none());
    Ok(JsonAnswer(GroupPage { groups: groups.into_iter().map(GroupView::from).collect(), next }))
}

/// One of the tenant's groups.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/groups/{group}", tag = "devices",
    params(("tenant" = String, Path), ("group" = String, Path)),
    responses((status = 200, body = GroupView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, name)): Path<(String, String)>,
) -> Result<JsonAnswer<GroupView>, Problem> {
    Ok(JsonAnswer(group(&state, &scope, &named(&name)?).await?.into()))
}

/// Delete a group. Its devices stay as they are. After an interruption, repeat it.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/groups/{group}", tag = "devices",
    params(("tenant" = String, Path), ("group" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn delete(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, group)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    delete_group(&state, &scope, &named(&group)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A group's members, also those whose enrollment ended, a page at a time.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/groups/{group}/members", tag = "devices",
    params(("tenant" = String, Path), ("group" = String, Path), Page),
    responses((status = 200, body = MemberPage), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn members(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, name)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<JsonAnswer<MemberPage>, Problem> {
    let group = group(&state, &scope, &named(&name)?).await?;
    let (ids, next) = state.store.members(&scope, &group.id, page.after.as_deref(), PAGE).await?;
    let mut members = state.store.enrollments(&scope, &ids).await?;
    members.sort_by(|left, right| left.id.cmp(&right.id));
    Ok(JsonAnswer(MemberPage { members: members.into_iter().map(GroupMemberView::from).collect(), next }))
}

/// Let enrollments join and leave a group. All are checked before anything changes; the same call may be repeated.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/groups/{group}/members", tag = "devices",
    params(("tenant" = String, Path), ("group" = String, Path)), request_body = MemberChanges,
    responses((status = 200, body = ChangedMembers),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "The group, or an enrollment, is unknown", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "An enrollment is in as many groups as it may", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn change_members(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, group)): Path<(String, String)>,
    Json(body): Json<MemberChanges>,
) -> Result<JsonAnswer<ChangedMembers>, Problem> {
    let changed = change(&state, &scope, &named(&group)?, &body.add, &body.remove).await?;
    Ok(JsonAnswer(ChangedMembers { added: changed.added, removed: changed.removed }))
}
