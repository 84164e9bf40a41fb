//! Enrollment links: what a person opens on the device that is to be managed.

mod page;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::error::{Error, Kind};
use shared::http::{
    PHASE_BODY, Problem, ProblemDetails, ProfileOptions, Query, device_failure, path_part, profile_file,
};
use shared::service::create_enrollment_link::issuing_authority;
use shared::service::enrollment_profile::{Opened, enrollment_profile, open_link};
use shared::service::over_the_air::answer_device;
use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(open)).routes(routes!(profile)).routes(routes!(device))
}

/// What stands behind a link: a page with two steps for a person's browser, the profile itself for everyone else.
///
/// Opening a link does not use it up, issuing the device's identity does.
#[utoipa::path(
    get, path = "/enroll/{tenant}/{token}", tag = "device",
    params(("tenant" = String, Path), ("token" = String, Path), ProfileOptions),
    responses(
        (status = 200, description = "A page where `Accept` asks for HTML, otherwise a .mobileconfig",
            content((&'static [u8] = "application/x-apple-aspen-config"), (String = "text/html"))),
        (status = 303, description = "Where the profile is made, if it brings the device's identity along"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The link was used, revoked, or has ended, or there is no usable push certificate",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The tenant's own SCEP server gives no challenge now; the link stays good",
            body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn open(
    State(state): State<AppState>,
    mut parts: Parts,
    Query(options): Query<ProfileOptions>,
) -> Result<Response, Problem> {
    let tenant = path_part(&mut parts, "tenant").await?;
    let token = path_part(&mut parts, "token").await?;
    if !wants_page(&parts.headers) {
        return served(&state, &tenant, &token, &options).await;
    }
    let user_agent = text(&parts.headers, &header::USER_AGENT);
    match invitation(&state, &tenant, &token).await {
        Ok((organization, name)) => {
            // Relative to the link itself, so that it holds whatever stands before the server.
            let profile = format!("{token}/profile");
            let page = page::invitation(&organization, name.as_deref(), &profile, user_agent);
            Ok(page::answer(StatusCode::OK, &page))
        }
        Err(error) => refusal(error),
    }
}

/// The enrollment profile behind a link, whoever asks: for the page's button, and for Apple Configurator.
#[utoipa::path(
    get, path = "/enroll/{tenant}/{token}/profile", tag = "device",
    params(("tenant" = String, Path), ("token" = String, Path), ProfileOptions),
    responses(
        (status = 200, description = "A .mobileconfig", content_type = "application/x-apple-aspen-config"),
        (status = 303, description = "Where the profile is made, if it brings the device's identity along"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The tenant's own SCEP server gives no challenge now; the link stays good",
            body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn profile(
    State(state): State<AppState>,
    mut parts: Parts,
    Query(options): Query<ProfileOptions>,
) -> Result<Response, Problem> {
    let tenant = path_part(&mut parts, "tenant").await?;
    let token = path_part(&mut parts, "token").await?;
    match served(&state, &tenant, &token, &options).await {
        Err(Problem(error)) if wants_page(&parts.headers) => refusal(error),
        other => other,
    }
}

/// The second and the third phase of an enrollment in phases: a device tells who it is, signed first with the certificate
/// it has from Apple and then with the identity that it got for that.
#[utoipa::path(
    post, path = "/enroll/{tenant}/device", tag = "device", params(("tenant" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/pkcs7-signature"),
    responses(
        (status = 200, description = "A .mobileconfig", content_type = "application/x-apple-aspen-config"),
        (status = 400), (status = 503)
    )
)]
async fn device(State(state): State<AppState>, request: Request) -> Response {
    answer_phase(&state, request).await.unwrap_or_else(|error| device_failure(&error))
}

async fn answer_phase(state: &AppState, request: Request) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    let tenant = path_part(&mut parts, "tenant").await?.parse()?;
    let message = to_bytes(body, PHASE_BODY).await.map_err(|cause| {
        Error::malformed("over-the-air-message", "The message is too large or was cut off.").because(cause)
    })?;
    answer_device(state, tenant, &message).await.map(profile_file)
}

/// Whether a person's browser asks. Devices, programs and the previews of messengers say `*/*` or nothing.
fn wants_page(headers: &HeaderMap) -> bool {
    text(headers, &header::ACCEPT).contains("text/html")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn served(
    state: &AppState,
    tenant: &str,
    token: &str,
    options: &ProfileOptions,
) -> Result<Response, Problem> {
    let unsigned = options.unsigned();
    match enrollment_profile(state, tenant.parse()?, token, unsigned).await? {
        Opened::Profile(profile) => {
            let mut response = profile_file(profile);
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
            Ok(response)
        }
        Opened::At(address) => {
            let address = if unsigned { format!("{address}?unsigned=1") } else { address };
            let headers = [(header::LOCATION, address.as_str()), (header::CACHE_CONTROL, "no-store")];
            Ok((StatusCode::SEE_OTHER, headers).into_response())
        }
    }
}

/// What the page says: who manages the device, and whom the link is for.
async fn invitation(state: &AppState, tenant: &str, token: &str) -> Result<(String, Option<String>), Error> {
    let (scope, link, _) = open_link(state, tenant.parse()?, token).await?;
    let organization = issuing_authority(state, &scope).await?.organization;
    Ok((organization, link.terms.holder.name))
}

/// A refusal in words for people. What is not theirs to know goes the way of all errors.
fn refusal(error: Error) -> Result<Response, Problem> {
    let (status, message) = match error.kind() {
        Kind::NotFound => (StatusCode::NOT_FOUND, "It was not copied whole, or is too old.".to_owned()),
        Kind::Conflict => (StatusCode::CONFLICT, error.to_string()),
        Kind::Unavailable => {
            let page = page::not_now(&error.to_string(), error.next_step());
            return Ok(page::answer(StatusCode::SERVICE_UNAVAILABLE, &page));
        }
        Kind::Malformed
        | Kind::TooLarge
        | Kind::WrongMethod
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::RateLimited { .. }
        | Kind::Internal => return Err(error.into()),
    };
    Ok(page::answer(status, &page::refusal(&message, "Ask your administrator for a new link.")))
}
