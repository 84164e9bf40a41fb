//! What devices told of themselves.

use std::collections::BTreeMap;

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::error::Error;
use shared::http::{Problem, ProblemDetails, ViewerScope};
use shared::id::EnrollmentId;
use shared::protocol::inventory::Section;
use shared::service::show_inventory::{ShownSection, show_inventory};
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(crate) struct SectionView {
    /// When the device last told it; null for what it said when it enrolled.
    #[schema(value_type = Option<String>, format = DateTime)]
    told_at: Option<Timestamp>,
    /// What it told, decoded. Null where it is over 64 KB: read that section by name. Null there, too, once the result is
    /// gone, after 90 days.
    #[schema(value_type = Option<Object>)]
    content: Option<serde_json::Value>,
}

impl From<ShownSection> for SectionView {
    fn from(shown: ShownSection) -> Self {
        Self { told_at: shown.at, content: shown.content }
    }
}

fn id(text: &str) -> Result<EnrollmentId, Error> {
    text.parse().map_err(|error: Error| error.at("enrollment"))
}

/// What is known of a device, by section, each with its time: `device`, `apps`, `profiles`, `certificates`, `security`,
/// `provisioning-profiles`, `restrictions`. Answers to the queries of the same name keep it.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/inventory", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path)),
    responses((status = 200, body = BTreeMap<String, SectionView>), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, enrollment)): Path<(String, String)>,
) -> Result<JsonAnswer<BTreeMap<&'static str, SectionView>>, Problem> {
    let shown = show_inventory(&state, &scope, &id(&enrollment)?, None).await?;
    Ok(JsonAnswer(shown.into_iter().map(|shown| (shown.section.name(), shown.into())).collect()))
}

/// One section, however large.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/enrollments/{enrollment}/inventory/{section}", tag = "devices",
    params(("tenant" = String, Path), ("enrollment" = String, Path), ("section" = String, Path)),
    responses((status = 200, body = SectionView), (status = 404, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Path((_, enrollment, section)): Path<(String, String, String)>,
) -> Result<JsonAnswer<SectionView>, Problem> {
    let unknown = || Error::not_found("section of the inventory");
    let wanted = Section::ALL.into_iter().find(|known| known.name() == section).ok_or_else(unknown)?;
    let shown = show_inventory(&state, &scope, &id(&enrollment)?, Some(wanted)).await?;
    Ok(JsonAnswer(shown.into_iter().next().ok_or_else(unknown)?.into()))
}
