//! The surveillance log: what became of devices.

use std::collections::BTreeMap;

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::domain::event::{Event, EventKind};
use shared::domain::log::LogFilter;
use shared::domain::seal::Log;
use shared::http::{Problem, ProblemDetails, Query, ViewerScope};
use shared::service::retention::shown_from;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

use crate::log::{LogQuery, PAGE};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// The month, `YYYY-MM` in UTC; the present one unless given.
    #[serde(default)]
    month: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    after: Option<String>,
    /// Only what this actor did, such as `token:<id>`.
    #[serde(default)]
    actor: Option<String>,
    /// Only this action.
    #[serde(default)]
    action: Option<String>,
    /// Not before this time, within the month.
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this time, within the month.
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Only what became of this device, or of this channel on it.
    #[serde(default)]
    enrollment: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct EventView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `device:<fingerprint>`, `token:<id>` or `system:<why>`.
    actor: String,
    action: EventKind,
    /// The device, or one user's channel on it; null where the event is about all devices.
    enrollment: Option<String>,
    /// Identifiers, fingerprints; never a secret.
    facts: BTreeMap<String, String>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            at: event.at,
            actor: event.actor,
            action: event.kind,
            enrollment: event.enrollment.map(|id| id.to_string()),
            facts: event.facts,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// The latest first.
    events: Vec<EventView>,
    /// Pass it as `after` for the next page; null on the last. With a filter a page may be short, or empty.
    next: Option<String>,
}

/// What became of devices, a month at a time, the latest first.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/events", tag = "devices", params(("tenant" = String, Path), EventQuery),
    responses((status = 200, body = EventPage), (status = 400, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn list(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
    Query(query): Query<EventQuery>,
) -> Result<JsonAnswer<EventPage>, Problem> {
    let EventQuery { month, after, actor, action, from, until, enrollment } = query;
    let query = LogQuery { month, after, actor, action, from, until };
    let filter = LogFilter { enrollment, ..query.filter() };
    let filter = filter.not_before(shown_from(&state, &scope, Log::Events).await?);
    let month = query.month(&state)?;
    let (events, next) = state.store.events(&scope, &month, &filter, query.after.as_deref(), PAGE).await?;
    Ok(JsonAnswer(EventPage { events: events.into_iter().map(EventView::from).collect(), next }))
}
