//! The deletion of all push certificates.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::http::{AdminScope, Json, Problem, ProblemDetails};
use shared::service::delete_push_certificates::{DeletionConfirmed, delete_push_certificates};
use shared::state::AppState;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deletion {
    /// The tenant's name.
    #[serde(default)]
    confirm: String,
    /// How many devices must enroll again, as the refusal without it says.
    #[serde(default)]
    confirm_orphaned: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedView {
    /// How many devices must enroll again.
    orphaned_enrollments: u64,
}

/// Delete all push certificates, the request and the upload, and destroy their keys for good. Called without a body it says
/// what it wants typed, and deletes nothing.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/push-certificate", tag = "push certificate",
    params(("tenant" = String, Path)), request_body = Deletion,
    responses(
        (status = 200, body = DeletedView),
        (status = 409, description = "Nothing to delete, or not confirmed", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<Deletion>,
) -> Result<JsonAnswer<DeletedView>, Problem> {
    let confirmed = DeletionConfirmed { name: body.confirm, orphans: body.confirm_orphaned };
    let orphaned_enrollments = delete_push_certificates(&state, &scope, &confirmed).await?;
    Ok(JsonAnswer(DeletedView { orphaned_enrollments }))
}
