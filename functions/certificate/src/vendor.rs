//! The operator's MDM vendor certificate.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::http::{Json, OperatorCaller, Problem, ProblemDetails};
use shared::pki::vendor::VendorCertificate;
use shared::secret::Secret;
use shared::service::install_vendor_certificate::{
    VendorFiles, install_vendor_certificate, vendor_certificate,
};
use shared::state::AppState;
use shared::time::{Timestamp, days_until};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVendorCertificate {
    /// The MDM vendor certificate, in PEM.
    certificate: String,
    /// Its private key, in PEM.
    key: String,
    /// The key's password, if it has one.
    #[serde(default)]
    password: Option<String>,
    /// Intermediate and root, in PEM; Apple's own are known.
    #[serde(default)]
    chain: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct VendorView {
    /// When it ends: from then on no tenant's request can be signed.
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    days_left: i64,
}

impl VendorView {
    fn new(vendor: &VendorCertificate, now: Timestamp) -> Self {
        Self { not_after: vendor.not_after(), days_left: days_until(now, vendor.not_after()) }
    }
}

/// Install the MDM vendor certificate, in place of an earlier one.
#[utoipa::path(
    put, path = "/v1/vendor-certificate", tag = "operator", request_body = NewVendorCertificate,
    responses((status = 200, body = VendorView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn install(
    _: OperatorCaller,
    State(state): State<AppState>,
    Json(body): Json<NewVendorCertificate>,
) -> Result<JsonAnswer<VendorView>, Problem> {
    let NewVendorCertificate { certificate, key, password, chain } = body;
    let files = VendorFiles { certificate, key, chain };
    let vendor = install_vendor_certificate(&state, files, password.map(Secret::new).as_ref()).await?;
    Ok(JsonAnswer(VendorView::new(&vendor, state.clock.now())))
}

/// The installed MDM vendor certificate.
#[utoipa::path(
    get, path = "/v1/vendor-certificate", tag = "operator",
    responses((status = 200, body = VendorView), (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    _: OperatorCaller,
    State(state): State<AppState>,
) -> Result<JsonAnswer<VendorView>, Problem> {
    Ok(JsonAnswer(VendorView::new(&vendor_certificate(&state).await?, state.clock.now())))
}
