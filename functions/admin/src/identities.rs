//! The identities that devices sign with: seen, renewed, revoked.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use shared::domain::enrollment::Enrollment;
use shared::domain::enrollment_settings::DeviceAuthentication;
use shared::domain::renewal::RenewalState;
use shared::error::Error;
use shared::http::{AdminScope, Problem, ProblemDetails};
use shared::id::EnrollmentId;
use shared::service::renew_identity::want_renewal;
use shared::service::revoke_identity;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

use crate::enrollments::EnrollmentView;

/// The identity of a device.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentityView {
    /// SHA-256 of the certificate.
    fingerprint: String,
    /// SHA-256 of its authority's certificate.
    authority: String,
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    /// How the device proves that it has it: by signatures, or in TLS.
    device_authentication: DeviceAuthentication,
    /// Whether it was revoked: the device is not heard before it enrolls anew.
    revoked: bool,
    /// Where its renewal stands; null where there is nothing to renew.
    renewal: Option<RenewalView>,
}

/// The renewal of an identity.
#[derive(Serialize, ToSchema)]
pub(crate) struct RenewalView {
    state: RenewalState,
    /// How often the device was asked.
    attempts: u32,
    /// When it was asked last.
    #[schema(value_type = Option<String>, format = DateTime)]
    asked_at: Option<Timestamp>,
    /// By which command: an InstallProfile of the enrollment profile.
    command_uuid: Option<String>,
    /// When it said that it failed.
    #[schema(value_type = Option<String>, format = DateTime)]
    failed_at: Option<Timestamp>,
    /// From when on the hourly sweep asks it, again if it must.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
}

impl IdentityView {
    /// The identity of an enrollment, if it has one of its own.
    pub(crate) fn of(enrollment: &Enrollment, now: Timestamp) -> Option<Self> {
        let identity = enrollment.identity.as_ref()?;
        let known = enrollment.renewal.clone().unwrap_or_default();
        let renewal = enrollment.renewal_state(now).map(|state| RenewalView {
            state,
            attempts: known.attempt,
            asked_at: known.asked_at,
            command_uuid: known.command.map(|uuid| uuid.to_string()),
            failed_at: enrollment.renewal_failed_at,
            next_at: enrollment.renewal_at(),
        });
        Some(Self {
            fingerprint: identity.fingerprint.to_string(),
            authority: identity.authority.to_string(),
            not_after: identity.not_after,
            device_authentication: enrollment.device_authentication(),
            revoked: enrollment.revoked.contains(&identity.fingerprint),
            renewal,
        })
    }
}

/// Have a device renew its identity now, whenever that ends: its enrollment profile is queued for it once more. Every device is asked
/// by itself 60 to 30 days before the end, over mutual TLS in the middle of its life, and again until it has renewed.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/renew-identity", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path)),
    responses((status = 202, body = EnrollmentView),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "Not enrolled, or not renewable", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn renew(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
) -> Result<(StatusCode, JsonAnswer<EnrollmentView>), Problem> {
    let id: EnrollmentId = enrollment.parse().map_err(|error: Error| error.at("enrollment"))?;
    let wanted = want_renewal(&state, &scope, &id).await?;
    Ok((StatusCode::ACCEPTED, JsonAnswer(EnrollmentView::of(wanted, state.clock.now()))))
}

/// Refuse a device's identity, because its key may be in other hands: whoever signs with it gets 400 and is reported in the
/// surveillance log once a day. The device keeps its profile and stays in the lists, its access is locked, and it is heard again only
/// when it has enrolled anew through a link. It is not told, so that nothing on it changes.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/revoke-identity", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path)),
    responses((status = 200, body = EnrollmentView),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn revoke(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
) -> Result<JsonAnswer<EnrollmentView>, Problem> {
    let id: EnrollmentId = enrollment.parse().map_err(|error: Error| error.at("enrollment"))?;
    let revoked = revoke_identity::revoke_identity(&state, &scope, &id).await?;
    Ok(JsonAnswer(EnrollmentView::of(revoked, state.clock.now())))
}
