//! The pages of whoever runs this server.

mod audit_log;
mod dead_letters;
mod health;
mod operators;
mod signing_certificate;
mod tenant;
mod tenants;
mod vendor_certificates;

use axum::routing::{get, post};
use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;

/// Their addresses.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .route("/console/operator", get(tenants::show).post(tenants::create))
        .route("/console/operator/operators", get(operators::show).post(operators::set))
        .route("/console/operator/operators/remove", post(operators::remove))
        .route("/console/operator/tenants/{tenant}", get(tenant::show))
        .route("/console/operator/tenants/{tenant}/sign-in/remove", post(tenant::remove_provider))
        .route("/console/operator/tenants/{tenant}/ask", post(tenant::ask))
        .route(
            "/console/operator/vendor-certificates",
            get(vendor_certificates::show).post(vendor_certificates::install),
        )
        .route("/console/operator/vendor-certificates/activate", post(vendor_certificates::activate))
        .route("/console/operator/vendor-certificates/delete", post(vendor_certificates::delete))
        .route(
            "/console/operator/signing-certificate",
            get(signing_certificate::show).post(signing_certificate::install),
        )
        .route("/console/operator/signing-certificate/remove", post(signing_certificate::remove))
        .route("/console/operator/health", get(health::show))
        .route("/console/operator/health/snooze", post(health::snooze))
        .route("/console/operator/dead-letters", get(dead_letters::show))
        .route("/console/operator/dead-letters/send-back", post(dead_letters::send_back))
        .route("/console/operator/dead-letters/discard", post(dead_letters::discard))
        .route("/console/operator/audit-log", get(audit_log::show))
        .route("/console/operator/audit-log/export", get(audit_log::file))
}
