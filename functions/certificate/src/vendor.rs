//! The operator's MDM vendor certificates.

use axum::Json as JsonAnswer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::vendor_certificates::VendorRecord;
use shared::error::{Error, Result as Checked};
use shared::http::{Json, OperatorCaller, Problem, ProblemDetails};
use shared::pki::push_request::Digest;
use shared::secret::Secret;
use shared::service::install_vendor_certificate::{VendorFiles, install_vendor_certificate};
use shared::service::stage_push_certificate::file_bytes;
use shared::service::vendor_certificate::{
    activate_vendor_certificate, delete_vendor_certificate, vendor_certificates,
};
use shared::state::AppState;
use shared::time::{Timestamp, days_until};
use utoipa::ToSchema;

/// Either `certificate` and `key`, or `pfx`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVendorCertificate {
    /// The MDM vendor certificate: PEM text, or base64 of DER.
    #[serde(default)]
    certificate: Option<String>,
    /// Its private key: PEM text, or base64 of DER.
    #[serde(default)]
    key: Option<String>,
    /// Intermediate and root, in PEM; Apple's own are known.
    #[serde(default)]
    chain: String,
    /// Base64 of a PKCS#12 file with all of it.
    #[serde(default)]
    pfx: Option<String>,
    /// The password of key or PKCS#12 file, if it has one.
    #[serde(default)]
    password: Option<String>,
    /// The digest of its signatures: `sha256`, unless Apple's portal still wants `sha1` of this certificate.
    #[serde(default)]
    digest: Digest,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct VendorView {
    /// SHA-256 of the certificate, in hex: its name in the paths.
    fingerprint: String,
    /// Its common name.
    name: String,
    /// When it ends: from then on it signs no tenant's request.
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    days_left: i64,
    /// Whether it is the one that signs.
    active: bool,
    digest: Digest,
    #[schema(value_type = String, format = DateTime)]
    installed_at: Timestamp,
}

impl VendorView {
    fn new(record: &VendorRecord, active: bool, now: Timestamp) -> Self {
        Self {
            fingerprint: record.fingerprint.to_string(),
            name: record.name.clone(),
            not_after: record.not_after,
            days_left: days_until(now, record.not_after),
            active,
            digest: record.digest,
            installed_at: record.installed_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct VendorList {
    vendor_certificates: Vec<VendorView>,
}

/// Install an MDM vendor certificate. The first one signs from now on, a later one once it is activated.
#[utoipa::path(
    post, path = "/v1/vendor-certificates", tag = "operator", request_body = NewVendorCertificate,
    responses((status = 201, body = VendorView),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn install(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Json(body): Json<NewVendorCertificate>,
) -> Result<(StatusCode, JsonAnswer<VendorView>), Problem> {
    let (password, digest) = (body.password.clone().map(Secret::new), body.digest);
    let record =
        install_vendor_certificate(&state, &operator, &files(body)?, password.as_ref(), digest).await?;
    let active = vendor_certificates(&state).await?.is_active(&record.fingerprint);
    Ok((StatusCode::CREATED, JsonAnswer(VendorView::new(&record, active, state.clock.now()))))
}

fn files(body: NewVendorCertificate) -> Checked<VendorFiles> {
    match (body.certificate, body.key, body.pfx) {
        (Some(certificate), Some(key), None) => Ok(VendorFiles::Apart {
            certificate: file_bytes(certificate),
            key: file_bytes(key),
            chain: file_bytes(body.chain),
        }),
        (None, None, Some(pfx)) => Ok(VendorFiles::Pfx(file_bytes(pfx))),
        (Some(_), _, Some(_)) | (_, Some(_), Some(_)) | (_, None, None) | (None, _, None) => {
            let message = "A vendor certificate comes with its key, or both in one PKCS#12 file.";
            Err(Error::malformed("vendor-certificate-files", message)
                .at("certificate")
                .next("Give \"certificate\" and \"key\", or \"pfx\" alone."))
        }
    }
}

/// The installed MDM vendor certificates.
#[utoipa::path(
    get, path = "/v1/vendor-certificates", tag = "operator", responses((status = 200, body = VendorList))
)]
pub(crate) async fn list(
    _: OperatorCaller,
    State(state): State<AppState>,
) -> Result<JsonAnswer<VendorList>, Problem> {
    let now = state.clock.now();
    let all = vendor_certificates(&state).await?;
    let views =
        all.installed.iter().map(|record| VendorView::new(record, all.is_active(&record.fingerprint), now));
    Ok(JsonAnswer(VendorList { vendor_certificates: views.collect() }))
}

/// Let an installed MDM vendor certificate sign from now on.
#[utoipa::path(
    post, path = "/v1/vendor-certificates/{fingerprint}/activate", tag = "operator",
    params(("fingerprint" = String, Path)),
    responses((status = 200, body = VendorView),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn activate(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Path(fingerprint): Path<String>,
) -> Result<JsonAnswer<VendorView>, Problem> {
    let record = activate_vendor_certificate(&state, &operator, &fingerprint.parse()?).await?;
    Ok(JsonAnswer(VendorView::new(&record, true, state.clock.now())))
}

/// Delete an MDM vendor certificate that does not sign, and its key.
#[utoipa::path(
    delete, path = "/v1/vendor-certificates/{fingerprint}", tag = "operator",
    params(("fingerprint" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn delete(
    OperatorCaller(operator): OperatorCaller,
    State(state): State<AppState>,
    Path(fingerprint): Path<String>,
) -> Result<StatusCode, Problem> {
    delete_vendor_certificate(&state, &operator, &fingerprint.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
