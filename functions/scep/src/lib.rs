//! SCEP (RFC 8894): issues and renews device identities. The only function that may use a tenant's authority key.

pub mod query;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use shared::error::{Error, Result};
use shared::http::{
    Problem, ProblemDetails, ProfileOptions, Query, SCEP_BODY, device_failure, path_part, profile_file,
};
use shared::id::TenantId;
use shared::pki::scep::CAPABILITIES;
use shared::service::carried_profile::carried_profile;
use shared::service::issue_identity::{ca_certificate, issue_identity};
use shared::state::{AppState, State as Everything};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(scep)).routes(routes!(profile))
}

/// The enrollment profile that brings its identity along, for tenants that chose so: a link leads here.
///
/// Each download makes a new key and certificate. The first device that enrolls with one of them uses the link.
#[utoipa::path(
    get, path = "/scep/{tenant}/profile/{token}", tag = "device",
    params(("tenant" = String, Path), ("token" = String, Path), ProfileOptions),
    responses(
        (status = 200, description = "A .mobileconfig", content_type = "application/x-apple-aspen-config"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn profile(
    State(state): State<AppState>,
    mut parts: Parts,
    Query(options): Query<ProfileOptions>,
) -> Result<Response, Problem> {
    let tenant = path_part(&mut parts, "tenant").await?.parse()?;
    let token = path_part(&mut parts, "token").await?;
    let unsigned = options.unsigned();
    Ok(profile_file(carried_profile(&state, tenant, &token, unsigned).await?))
}

/// GetCACaps, GetCACert and PKIOperation, by the query's `operation`.
#[utoipa::path(
    method(get, post), path = "/scep/{tenant}", tag = "device",
    params(("tenant" = String, Path), ("operation" = String, Query), ("message" = Option<String>, Query)),
    responses((status = 200), (status = 400), (status = 503))
)]
async fn scep(State(state): State<AppState>, request: Request) -> Response {
    answer(&state, request).await.unwrap_or_else(|error| device_failure(&error))
}

async fn answer(state: &Everything, request: Request) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let tenant: TenantId = path_part(&mut parts, "tenant").await?.parse()?;
    let query = parts.uri.query().unwrap_or_default();
    match query::parameter(query, "operation").as_deref() {
        Some("GetCACaps") => Ok(typed("text/plain", CAPABILITIES.into())),
        Some("GetCACert") => {
            let named = query::parameter(query, "message");
            let certificate = ca_certificate(state, tenant, named.as_deref()).await?;
            Ok(typed("application/x-x509-ca-cert", certificate))
        }
        Some("PKIOperation") => {
            let message = message(query, &parts.method, body).await?;
            Ok(typed("application/x-pki-message", issue_identity(state, tenant, &message).await?))
        }
        Some(_) | None => Err(Error::malformed("scep-operation", "The query names no operation of SCEP.")),
    }
}

/// The message: a POST's body, or a GET's `message`. Some clients repeat it in the query of a POST; there it is ignored.
async fn message(query: &str, method: &Method, body: Body) -> Result<Vec<u8>> {
    if method == Method::POST {
        return to_bytes(body, SCEP_BODY).await.map(Vec::from).map_err(|cause| {
            Error::malformed("scep-body", "The message is too large or was cut off.").because(cause)
        });
    }
    query::message(query)
        .ok_or_else(|| Error::malformed("scep-body", "The query holds no message in base64."))
}

fn typed(content_type: &'static str, body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}
