//! Every function's routes in one router.

use shared::state::AppState;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

/// The one route of the API that needs no token: it describes all others.
pub const PUBLIC_ROUTE: &str = "/v1/openapi.json";

/// The functions that answer HTTP, with their routes, in the order of the workspace.
pub fn functions() -> [(&'static str, OpenApiRouter<AppState>); 7] {
    [
        ("checkin", checkin::router()),
        ("command", command::router()),
        ("enroll", enroll::router()),
        ("scep", scep::router()),
        ("certificate", certificate::router()),
        ("admin", admin::router()),
        ("console", console::router()),
    ]
}

/// The routes of all functions.
pub fn function_routes() -> OpenApiRouter<AppState> {
    functions().into_iter().fold(OpenApiRouter::new(), |all, (_, routes)| all.merge(routes))
}

/// The description of all routes, as docs/openapi.json holds it and `/v1/openapi.json` serves it.
pub fn openapi() -> OpenApi {
    let mut document = function_routes().get_openapi().clone();
    document.info.title = "Pomarium".to_owned();
    document.info.description = Some(
        "A multi-tenant MDM server for Apple devices. Refusals are problem+json, see docs/ERRORS.md."
            .to_owned(),
    );
    // What a library knows about itself does not belong here.
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.contact = None;
    document.info.license = None;
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    document.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(bearer));
    for (path, item) in &mut document.paths.paths {
        if !path.starts_with("/v1/") || path == PUBLIC_ROUTE {
            continue;
        }
        // Whether they change something.
        let operations = [
            (&mut item.get, false),
            (&mut item.put, true),
            (&mut item.post, true),
            (&mut item.delete, true),
            (&mut item.patch, true),
        ];
        for (operation, changes) in operations {
            let Some(operation) = operation else { continue };
            operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>("token", [])]);
            refusal(operation, 401, "No good token came along");
            refusal(operation, 403, "The caller may not do this");
            refusal(operation, 503, "Something did not answer; Retry-After says when to come back");
            let takes_parameters = operation.parameters.as_ref().is_some_and(|all| !all.is_empty());
            if takes_parameters || operation.request_body.is_some() {
                refusal(operation, 400, "What was sent does not fit");
            }
            if path.contains('{') {
                refusal(operation, 404, "There is no such thing, or it is another tenant's");
            }
            let too_many = if changes {
                "The token changed too much"
            } else {
                "Too many bad tokens came from this address"
            };
            refusal(operation, 429, &format!("{too_many}; Retry-After says for how long to wait"));
            if operation.request_body.is_some() {
                refusal(operation, 413, "The body is over 1 MB");
            }
        }
    }
    document
}

/// What calls answer for reasons that are not their own.
fn refusal(operation: &mut Operation, status: u16, why: &str) {
    let schema = Ref::from_schema_name("ProblemDetails");
    let body = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new().description(why).content("application/problem+json", body).build();
    operation.responses.responses.entry(status.to_string()).or_insert(response.into());
}
