//! Access to the tenant's own services.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::access::AccessReason;
use shared::error::Error;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, Query, ViewerScope};
use shared::id::EnrollmentId;
use shared::service::access::{access, let_unenrolled_in};
use shared::state::AppState;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Device {
    /// Its UDID, or the identifier of a User Enrollment.
    udid: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AccessView {
    /// Whether the device may use the tenant's services.
    allow: bool,
    /// Why, or why not.
    reason: AccessReason,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessSettings {
    /// Whether devices may in that are not enrolled. It opens nothing to one that is removed, inactive or locked.
    allow_unenrolled_devices: bool,
}

/// May this device use the tenant's services?
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/access", tag = "access", params(("tenant" = String, Path), Device),
    responses((status = 200, body = AccessView), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn ask(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(device): Query<Device>,
) -> Result<JsonAnswer<AccessView>, Problem> {
    let id: EnrollmentId = device.udid.parse().map_err(|error: Error| error.at("udid"))?;
    let reason = access(&state, &scope, &id).await?;
    Ok(JsonAnswer(AccessView { allow: reason.allows(), reason }))
}

/// Whether devices may in that are not enrolled.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/access/settings", tag = "access", params(("tenant" = String, Path)),
    responses((status = 200, body = AccessSettings))
)]
pub(crate) async fn settings(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<AccessSettings>, Problem> {
    let allow_unenrolled_devices = state.store.lets_unenrolled_in(&scope).await?;
    Ok(JsonAnswer(AccessSettings { allow_unenrolled_devices }))
}

/// Let devices in that are not enrolled, or not any more. It takes effect within half a minute.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/access/settings", tag = "access", params(("tenant" = String, Path)),
    request_body = AccessSettings,
    responses((status = 200, body = AccessSettings),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn change(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<AccessSettings>,
) -> Result<JsonAnswer<AccessSettings>, Problem> {
    let_unenrolled_in(&state, &scope, body.allow_unenrolled_devices).await?;
    Ok(JsonAnswer(body))
}
