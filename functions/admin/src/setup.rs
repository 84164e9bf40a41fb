//! The operator's check that devices can reach and trust this server.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Serialize;
use shared::http::{OperatorCaller, Problem};
use shared::service::check_setup::check_setup;
use shared::state::AppState;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(crate) struct SetupView {
    /// The address that is written into every enrolled device.
    base_url: String,
    /// Whether devices can reach and trust it.
    ok: bool,
    /// What is wrong and what to do, in words.
    troubles: Vec<String>,
}

/// Open a TLS connection to this server's own address, as a device would, and say what is wrong.
#[utoipa::path(get, path = "/v1/setup-check", tag = "operator", responses((status = 200, body = SetupView)))]
pub(crate) async fn check(
    _: OperatorCaller,
    State(state): State<AppState>,
) -> Result<JsonAnswer<SetupView>, Problem> {
    let troubles = check_setup(&state).await?;
    let base_url = state.config.base_url.clone();
    Ok(JsonAnswer(SetupView { base_url, ok: troubles.is_empty(), troubles }))
}
