//! The active certificate: seen, made, and undone.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::ownership::needs_confirmation;
use shared::domain::push_certificates::Source;
use shared::domain::push_verdict::LiveCheck;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::id::Fingerprint;
use shared::pki::export::chosen_password;
use shared::service::activate_push_certificate::{
    Activated, Confirmation, OverrideReason, activate_push_certificate, roll_back_push_certificate,
};
use shared::state::AppState;
use utoipa::ToSchema;

use crate::view::InstalledView;

#[derive(Serialize, ToSchema)]
pub(crate) struct PushCertificateView {
    /// The certificate that new enrollments get.
    active: Option<InstalledView>,
    /// Others that were active; each still reaches the devices on its own topic.
    former: Vec<InstalledView>,
    /// A request waits for Apple's certificate.
    request_pending: bool,
    /// An uploaded certificate waits for review.
    staged: bool,
    /// The end is near and nobody has said lately who can renew: confirm or correct the ownership record.
    needs_confirmation: bool,
    /// What to do next.
    next_step: &'static str,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activation {
    /// The fingerprint of the certificate you reviewed: if another was uploaded meanwhile, nothing is activated.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    fingerprint: Option<Fingerprint>,
    /// For a Replacement: the number of devices that must enroll again, as the review says.
    #[serde(default)]
    confirm_orphaned: Option<u64>,
    /// Opt in to, or out of, a daily mail to the tenant's contacts from 30 days before it expires.
    #[serde(default)]
    expiry_mails: Option<bool>,
    /// Keeps certificate and key for export behind this password, of at least 12 characters. It is stored nowhere.
    #[serde(default)]
    password: Option<String>,
    /// The same password again.
    #[serde(default)]
    password_again: Option<String>,
    /// Why to activate although the check with Apple's push service fails: kept in the audit log.
    #[serde(default)]
    override_check: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollBack {
    /// The fingerprint of the certificate to go back to: repeating the call then changes nothing. Without it, going back
    /// twice goes forth again.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    fingerprint: Option<Fingerprint>,
    /// Where a Replacement is undone: the number of devices that have enrolled since and must enroll again.
    #[serde(default)]
    confirm_orphaned: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ActivatedView {
    /// What the activation was.
    source: Source,
    active: InstalledView,
    /// What Apple's push service said about it, just before.
    check: LiveCheck,
}

/// The tenant's push certificates and what to do next.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/push-certificate", tag = "push certificate",
    params(("tenant" = String, Path)), responses((status = 200, body = PushCertificateView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<PushCertificateView>, Problem> {
    let now = state.clock.now();
    let all = state.store.push_certificates(&scope).await?;
    let active = all.active();
    let is_active = |fingerprint| active.is_some_and(|active| active.certificate.fingerprint == fingerprint);
    let former = all.installed.iter().filter(|installed| !is_active(installed.certificate.fingerprint));
    let record = state.store.ownership(&scope).await?;
    let asked =
        active.is_some_and(|active| needs_confirmation(record.as_ref(), active.certificate.not_after, now));
    let next_step = if all.staged.is_some() {
        "Review the uploaded certificate and activate it."
    } else if all.request.is_some() {
        "Take the request to Apple's portal and upload the certificate it returns."
    } else if active.is_none() {
        "Make a request."
    } else {
        "Nothing. Make a new request before the certificate ends."
    };
    Ok(JsonAnswer(PushCertificateView {
        active: active.map(|active| InstalledView::new(active, now)),
        former: former.map(|installed| InstalledView::new(installed, now)).collect(),
        request_pending: all.request.is_some(),
        staged: all.staged.is_some(),
        needs_confirmation: asked,
        next_step,
    }))
}

/// Make the staged certificate the active one, at once, if Apple's push service accepts it.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/activate", tag = "push certificate",
    params(("tenant" = String, Path)), request_body = Activation,
    responses(
        (status = 200, body = ActivatedView),
        (status = 409, description = "Nothing staged, a Replacement not confirmed, Apple's push service does not accept it, or somebody \
                else was faster",
            body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn activate(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<Activation>,
) -> Result<JsonAnswer<ActivatedView>, Problem> {
    let again = body.password_again.unwrap_or_default();
    let export_password = body.password.map(|password| chosen_password(password, &again)).transpose()?;
    let confirmation = Confirmation {
        fingerprint: body.fingerprint,
        orphans: body.confirm_orphaned,
        expiry_mails: body.expiry_mails,
        export_password,
        override_check: body.override_check.as_deref().map(OverrideReason::parse).transpose()?,
    };
    let Activated { installed, source, check } =
        activate_push_certificate(&state, &scope, &confirmation).await?;
    Ok(JsonAnswer(ActivatedView { source, active: InstalledView::new(&installed, state.clock.now()), check }))
}

/// Go back to the certificate that was active before.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/push-certificate/rollback", tag = "push certificate",
    params(("tenant" = String, Path)), request_body = RollBack,
    responses((status = 200, body = InstalledView), (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn roll_back(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<RollBack>,
) -> Result<JsonAnswer<InstalledView>, Problem> {
    let installed =
        roll_back_push_certificate(&state, &scope, body.fingerprint, body.confirm_orphaned).await?;
    Ok(JsonAnswer(InstalledView::new(&installed, state.clock.now())))
}
