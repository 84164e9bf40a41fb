//! How a function's router is served: with one log line a request, here as on Lambda.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use lambda_http::request::RequestContext;
use utoipa_axum::router::OpenApiRouter;

use super::Problem;
use super::headers::guarded;
use super::path::path_part;
use crate::error::{Error, Kind};
use crate::id::{EnrollmentId, TenantId};
use crate::state::{AppState, State};
use crate::telemetry;

/// A function's routes as a service: what Lambda runs, the local runner listens with, and the tests call.
pub fn app(routes: OpenApiRouter<AppState>, state: AppState) -> Router {
    let (router, _) = routes.split_for_parts();
    router
        .fallback(async || Problem(Error::not_found("page")))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(state.clone(), guarded))
        .with_state(state)
        .layer(from_fn(logged))
}

/// Runs a function on Lambda until the environment ends.
///
/// # Errors
/// When a setting is missing, or the runtime's API is not there.
pub async fn serve(routes: OpenApiRouter<AppState>) -> Result<(), lambda_http::Error> {
    telemetry::start(&std::env::var("LOG").unwrap_or_default());
    let state = State::from_environment().await?;
    lambda_http::run(app(routes, state)).await
}

/// Axum adds `Allow`, which names the methods that there are.
async fn wrong_method(method: Method) -> Problem {
    let message = format!("There is no {method} at this address. The header Allow names what there is.");
    Problem(Error::new(Kind::WrongMethod, "method-not-allowed", message))
}

/// Which enrollment a request was about; an answer bears it for the log.
#[derive(Clone, Debug)]
pub(super) struct About(pub(super) EnrollmentId);

/// One line a request: what was asked by its route, not by its path, whose parts may be secrets; and which tenant and enrollment it
/// names, whether or not it was let in. `request_id` is its name in API Gateway's log.
async fn logged(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let route = parts.extensions.get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let tenant = path_part(&mut parts, "tenant").await.ok().and_then(|part| part.parse::<TenantId>().ok());
    let id = match parts.extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        Some(_) | None => None,
    };
    let method = parts.method.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    let enrollment = response.extensions().get::<About>().map(|About(enrollment)| enrollment);
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        %method, route, status = response.status().as_u16(), took_ms, request_id = id,
        tenant = tenant.map(tracing::field::display), enrollment = enrollment.map(tracing::field::display), "request"
    );
    response
}
