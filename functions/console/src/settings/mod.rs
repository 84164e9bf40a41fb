//! The organization's settings, one page each.

mod group;
mod groups;
mod logs;
mod members;
mod organization;
mod refresh;
mod retention;
mod sign_in;
mod signing_certificate;
mod support;
mod tokens;
mod webhooks;

use axum::response::Response;
use axum::routing::{get, post};
use maud::html;
use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;

use crate::layout::{self, Part};
use crate::look::Look;

/// The pages: path, name, what for.
const PAGES: [(&str, &str, &str); 12] = [
    ("organization", "Organization", "Its name, who is told of what ends, and how long commands wait."),
    ("members", "Members", "Who may sign in here, and as what."),
    ("sign-in", "Sign-in", "By your own identity provider, or with mailed codes."),
    ("tokens", "API tokens", "For programs that work with this server."),
    (support::PAGE, "Support access", "Whether whoever runs this server may look in here, and until when."),
    ("signing-certificate", "Signing certificate", "By which devices show your profiles as verified."),
    ("webhooks", "Webhooks", "Your own systems are told of what becomes of devices."),
    ("groups", "Groups", "Devices that are dealt with together."),
    ("refresh", "Inventory", "What devices are asked again by themselves, and how often."),
    ("retention", "Retention", "For how long logs and finished commands are kept."),
    ("audit-log", "Audit log", "Who changed what, when and from where."),
    ("device-log", "Device log", "What became of devices."),
];

/// Their addresses.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .route("/console/{tenant}/settings/members", get(members::show).post(members::set))
        .route("/console/{tenant}/settings", get(show))
        .route("/console/{tenant}/settings/organization", get(organization::show).post(organization::change))
        .route("/console/{tenant}/settings/sign-in", get(sign_in::show).post(sign_in::change))
        .route("/console/{tenant}/settings/sign-in/remove", post(sign_in::remove))
        .route("/console/{tenant}/settings/support-access", get(support::show).post(support::allow))
        .route("/console/{tenant}/settings/support-access/end", post(support::end))
        .route("/console/{tenant}/settings/tokens", get(tokens::show).post(tokens::create))
        .route("/console/{tenant}/settings/tokens/delete", post(tokens::delete))
        .route(
            "/console/{tenant}/settings/signing-certificate",
            get(signing_certificate::show).post(signing_certificate::install),
        )
        .route("/console/{tenant}/settings/signing-certificate/remove", post(signing_certificate::remove))
        .route("/console/{tenant}/settings/groups", get(groups::show).post(groups::create))
        .route("/console/{tenant}/settings/groups/delete", post(groups::delete))
        .route("/console/{tenant}/settings/groups/{group}", get(group::show))
        .route("/console/{tenant}/settings/groups/{group}/add", post(group::add))
        .route("/console/{tenant}/settings/groups/{group}/remove", post(group::remove))
        .route("/console/{tenant}/settings/refresh", get(refresh::show).post(refresh::change))
        .route("/console/{tenant}/settings/retention", get(retention::show).post(retention::change))
        .route("/console/{tenant}/settings/audit-log", get(logs::audit))
        .route("/console/{tenant}/settings/audit-log/export", get(logs::audit_file))
        .route("/console/{tenant}/settings/device-log", get(logs::devices))
        .route("/console/{tenant}/settings/device-log/export", get(logs::devices_file))
        .route("/console/{tenant}/settings/members/remove", post(members::remove))
        .route("/console/{tenant}/settings/webhooks", get(webhooks::show).post(webhooks::create))
        .route(
            "/console/{tenant}/settings/webhooks/{webhook}",
            get(webhooks::one::show).post(webhooks::acts::change),
        )
        .route("/console/{tenant}/settings/webhooks/{webhook}/switch", post(webhooks::acts::switch))
        .route("/console/{tenant}/settings/webhooks/{webhook}/test", post(webhooks::acts::test))
        .route("/console/{tenant}/settings/webhooks/{webhook}/redeliver", post(webhooks::acts::redeliver))
        .route("/console/{tenant}/settings/webhooks/{webhook}/replay", post(webhooks::acts::replay))
        .route("/console/{tenant}/settings/webhooks/{webhook}/secret", post(webhooks::acts::secret))
        .route("/console/{tenant}/settings/webhooks/{webhook}/delete", post(webhooks::acts::delete))
}

/// All settings.
pub(crate) async fn show(look: Look) -> Response {
    let content = html! {
        header { h1 { "Settings" } }
        ul.cards {
            @for (path, name, what) in PAGES {
                li { article { h2 { a href=(look.path(&format!("settings/{path}"))) { (name) } } p.quiet { (what) } } }
            }
        }
    };
    layout::page(&look, Part::Settings, "Settings", &content)
}

/// Where the settings' pages stand under the tenant's own.
fn place(look: &Look, page: &str) -> String {
    look.path(&format!("settings/{page}"))
}
