//! What devices are asked again by themselves.

use std::collections::BTreeMap;

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::refresh::RefreshRule;
use shared::http::{AdminScope, Json, Problem, ProblemDetails, ViewerScope};
use shared::service::refresh::change_refresh;
use shared::state::AppState;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshBody {
    /// Hours between two questions (1 to 720), by query: `DeviceInformation`, `SecurityInfo`, `InstalledApplicationList`,
    /// `ProfileList`, `CertificateList`, `ProvisioningProfileList`, `Restrictions`. Empty: nothing is asked.
    #[schema(example = json!({"DeviceInformation": 24, "InstalledApplicationList": 168}))]
    queries: BTreeMap<String, u32>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RefreshView {
    /// Hours between two questions, by query.
    queries: BTreeMap<String, u32>,
}

impl From<RefreshRule> for RefreshView {
    fn from(rule: RefreshRule) -> Self {
        let questions = rule.questions.into_iter();
        Self {
            queries: questions.map(|(section, every)| (section.query().to_owned(), every.hours)).collect(),
        }
    }
}

/// What devices are asked again by themselves, and how often.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/refresh", tag = "devices", params(("tenant" = String, Path)),
    responses((status = 200, body = RefreshView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<RefreshView>, Problem> {
    Ok(JsonAnswer(state.store.refresh_rule(&scope).await?.into()))
}

/// Replace what devices are asked again by themselves. It takes effect with the next hourly sweep; the first questions are
/// spread over a day.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/refresh", tag = "devices", params(("tenant" = String, Path)),
    request_body = RefreshBody,
    responses((status = 200, body = RefreshView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else changed it", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn change(
    AdminScope(scope): AdminScope,
    State(state): State<AppState>,
    Json(body): Json<RefreshBody>,
) -> Result<JsonAnswer<RefreshView>, Problem> {
    Ok(JsonAnswer(change_refresh(&state, &scope, &body.queries).await?.into()))
}
