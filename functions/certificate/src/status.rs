//! Whether Apple's push service works with the active certificate.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Serialize;
use shared::domain::apns_status::ApnsError;
use shared::domain::delivery::{Delivery, Share};
use shared::http::{Problem, ViewerScope};
use shared::service::apns_status::{PushStatus, apns_status};
use shared::state::AppState;
use shared::time::{Timestamp, from_unix};
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
    /// Whether pushes that Apple accepts wake devices; null before the first look.
    delivery: Option<DeliveryView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// Whether far fewer devices come back than before the last activation.
    alert: bool,
    /// What was found, and the likely cause, in words.
    meaning: String,
    /// What to do first, if anything.
    next_step: Option<&'static str>,
    /// Since when the alert stands.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Of the devices pushed in the last two days and since the activation.
    present: Share,
    /// What was usual before the activation.
    baseline: Option<Share>,
    /// When this was found.
    #[schema(value_type = String, format = DateTime)]
    looked_at: Timestamp,
}

impl DeliveryView {
    fn new(delivery: &Delivery, active_since: Timestamp) -> Self {
        Self {
            alert: delivery.alert.is_some(),
            meaning: delivery.meaning(active_since),
            next_step: delivery.next_step(),
            since: delivery.alert.map(|alert| alert.since),
            present: delivery.present,
            baseline: delivery.baseline,
            looked_at: from_unix(delivery.noted),
        }
    }
}

impl From<PushStatus> for StatusView {
    fn from(status: PushStatus) -> Self {
        let PushStatus { connection: status, delivery, .. } = status;
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
            delivery: delivery.map(|(delivery, active_since)| DeliveryView::new(&delivery, active_since)),
        }
    }
}

/// Whether Apple's push service works with the active certificate, from real pushes and a daily probe, and whether devices
/// come back after pushes.
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
