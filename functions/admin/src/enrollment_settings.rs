//! What a tenant's enrollment profiles ask of devices.

use std::collections::BTreeSet;

use super::external_scep::{ExternalScepBody, ExternalScepView};
use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::enrollment_settings::{
    AccessRight, DeviceAuthentication, EnrollmentMethod, EnrollmentSettings, IdentitySource, MutualTlsState,
    RemovalRule,
};
use shared::error::Result;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::id::Fingerprint;
use shared::scope::Scope;
use shared::secret::Secret;
use shared::service::enrollment_settings::{
    NewSettings, Removal, change_enrollment_settings, mutual_tls_state,
};
use shared::state::AppState;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What the MDM payload asks for; all rights unless you say otherwise.
    #[serde(default = "every_right")]
    #[schema(value_type = Vec<AccessRight>)]
    access_rights: BTreeSet<AccessRight>,
    /// When a person may remove the profile.
    #[serde(default)]
    removal: RemovalBody,
    /// The authority of this server's TLS certificate, in PEM, where devices do not trust it by themselves.
    trusted_authority: Option<String>,
    /// Whether Macs speak to this server only over a certificate of that authority.
    #[serde(default)]
    pinned: bool,
    /// Whether each user of a Mac or a shared iPad has a channel of their own. It cannot change once devices are enrolled.
    #[serde(default = "yes")]
    per_user_connections: bool,
    /// Whether a Mac deposits its bootstrap token.
    #[serde(default = "yes")]
    bootstrap_token: bool,
    /// Where devices get the identity that they sign with.
    #[serde(default)]
    identity: IdentitySource,
    /// The SCEP server of your own, with `external-scep`.
    external_scep: Option<ExternalScepBody>,
    /// How devices get their profiles.
    #[serde(default)]
    method: EnrollmentMethod,
    /// How devices that enroll from now on prove that their messages are their own. `mutual-tls` needs a host of the server's for it,
    /// and makes their identities' ends final.
    #[serde(default)]
    device_authentication: DeviceAuthentication,
}

fn every_right() -> BTreeSet<AccessRight> {
    AccessRight::ALL.into()
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// Always.
    #[default]
    Always,
    /// With a password.
    WithPassword,
    /// Never, which devices refuse.
    Never,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemovalBody {
    rule: Rule,
    /// With `with-password`; left out: the one that is kept already.
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsView {
    #[schema(value_type = Vec<AccessRight>)]
    access_rights: BTreeSet<AccessRight>,
    /// The same as Apple adds it up: 8191 for all.
    access_rights_number: u16,
    removal: Rule,
    /// SHA-256 of the authority's certificate.
    trusted_authority: Option<String>,
    pinned: bool,
    per_user_connections: bool,
    bootstrap_token: bool,
    identity: IdentitySource,
    external_scep: Option<ExternalScepView>,
    method: EnrollmentMethod,
    device_authentication: DeviceAuthentication,
    /// How far mutual TLS has come; null where it is not wanted. While it is `pending`, for some minutes, devices enroll with
    /// signatures, and keep to that.
    mutual_tls_state: Option<MutualTlsState>,
}

impl SettingsView {
    async fn of(state: &AppState, scope: &Scope, settings: EnrollmentSettings) -> Result<Self> {
        Ok(Self {
            mutual_tls_state: mutual_tls_state(state, scope, &settings).await?,
            device_authentication: settings.device_authentication,
            access_rights_number: AccessRight::bits(&settings.access_rights),
            access_rights: settings.access_rights,
            removal: match settings.removal {
                RemovalRule::Always => Rule::Always,
                RemovalRule::WithPassword(_) => Rule::WithPassword,
            },
            trusted_authority: settings.trusted_authority.map(|der| Fingerprint::of(&der).to_string()),
            pinned: settings.pinned,
            per_user_connections: settings.per_user_connections,
            bootstrap_token: settings.bootstrap_token,
            identity: settings.identity,
            external_scep: settings.external_scep.map(ExternalScepView::from),
            method: settings.method,
        })
    }
}

/// What enrollment profiles ask of devices.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollment-settings", tag = "enrollment", params(("tenant" = String, Path)),
    responses((status = 200, body = SettingsView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<SettingsView>, Problem> {
    let settings = state.store.enrollment_settings(&scope).await?;
    Ok(JsonAnswer(SettingsView::of(&state, &scope, settings).await?))
}

/// Change what enrollment profiles ask of devices, from the next profile on. What is left out goes back to its usual value.
///
/// Once devices are enrolled, rights can only be taken away, and users' channels stay as they are. Topic and URLs are no
/// setting: an installed profile keeps them for ever.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/enrollment-settings", tag = "enrollment", params(("tenant" = String, Path)),
    request_body = Settings,
    responses((status = 200, body = SettingsView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "Installed profiles could not be updated to this, or there is no host for mutual TLS", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn change(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<Settings>,
) -> Result<JsonAnswer<SettingsView>, Problem> {
    let new = NewSettings {
        access_rights: body.access_rights,
        removal: match body.removal.rule {
            Rule::Always => Removal::Always,
            Rule::WithPassword => Removal::WithPassword(body.removal.password.map(Secret::new)),
            Rule::Never => Removal::Never,
        },
        trusted_authority: body.trusted_authority,
        pinned: body.pinned,
        per_user_connections: body.per_user_connections,
        bootstrap_token: body.bootstrap_token,
        identity: body.identity,
        external_scep: body.external_scep.map(ExternalScepBody::into_new),
        method: body.method,
        device_authentication: body.device_authentication,
    };
    let settings = change_enrollment_settings(&state, &scope, new).await?;
    Ok(JsonAnswer(SettingsView::of(&state, &scope, settings).await?))
}
