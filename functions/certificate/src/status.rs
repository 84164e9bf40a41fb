//! Whether Apple's push service works with the active certificate.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Serialize;
use shared::domain::apns_status::{ApnsError, ApnsStatus};
use shared::http::{Problem, ViewerScope};
use shared::service::apns_status::apns_status;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(crate) enum Connection {
    /// Apple takes pushes of this certificate.
    Connected,
    /// Apple refuses the certificate, or does not answer.
    Disconnected,
    /// Nothing was sent yet.
    Unknown,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StatusView {
    connection: Connection,
    /// The same in words.
    meaning: String,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// When Apple last accepted certificate and topic, to within five minutes.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success: Option<Timestamp>,
    /// What last went wrong, if anything ever did.
    last_error: Option<ApnsError>,
}

impl From<Option<ApnsStatus>> for StatusView {
    fn from(status: Option<ApnsStatus>) -> Self {
        let (connection, meaning) = match &status {
            None => (
                Connection::Unknown,
                "Nothing was sent with an active push certificate yet. It is tried within a day of its activation."
                    .to_owned(),
            ),
            Some(status) if status.connected => {
                (Connection::Connected, "Apple accepts pushes with this tenant's push certificate.".to_owned())
            }
            Some(status) => {
                let error = status.last_error.as_ref().map(|error| error.meaning.clone());
                (Connection::Disconnected, error.unwrap_or_default())
            }
        };
        Self {
            connection,
            meaning,
            since: status.as_ref().map(|status| status.since),
            last_success: status.as_ref().and_then(|status| status.last_success),
            last_error: status.and_then(|status| status.last_error),
        }
    }
}

/// Whether Apple's push service works with the active certificate, from real pushes and a daily probe.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/push-certificate/status", tag = "push certificate",
    params(("tenant" = String, Path)), responses((status = 200, body = StatusView))
)]
pub(crate) async fn show(
    ViewerScope(scope): ViewerScope,
    State(state): State<AppState>,
) -> Result<JsonAnswer<StatusView>, Problem> {
    Ok(JsonAnswer(apns_status(&state, &scope).await?.into()))
}
