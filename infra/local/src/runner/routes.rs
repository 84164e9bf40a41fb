//! Every function's routes in one router.

use shared::state::AppState;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
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
    document.info.license = None;
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    document.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(bearer));
    for (path, item) in &mut document.paths.paths {
        if !path.starts_with("/v1/") || path == PUBLIC_ROUTE {
            continue;
        }
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>("token", [])]);
        }
    }
    document
}
