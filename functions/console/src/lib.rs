//! The console: pages for a tenant's people and for the operator, over the services that the API uses. Everything works
//! without JavaScript. Two pages need no session: the confirmation of a contact's address, and the expiry calendar's feed.

mod assets;
mod calendar;
mod chart;
mod commands;
mod confirm;
mod cookie;
mod devices;
mod enrollment;
mod expirations;
mod fields;
mod first;
mod home;
mod known;
mod layout;
mod logs;
mod look;
mod next_steps;
mod openid;
mod operator;
mod push_certificate;
mod refusal;
mod said;
mod settings;
mod sign_in;
mod signer;
mod silence;
mod told;
mod typed;

use axum::routing::{any, get, post};
use shared::error::Error;
use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes. Pages for people stand in no description of the API.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(confirm::show, confirm::confirm))
        .routes(routes!(calendar::show))
        .route("/console/assets/{name}", get(assets::show))
        .route("/console", get(first::show))
        .route("/console/sign-in", get(sign_in::show).post(sign_in::ask))
        .route("/console/sign-in/code", post(sign_in::enter))
        .route("/console/sign-out", post(sign_in::leave))
        .route("/console/sign-out-everywhere", post(sign_in::leave_everywhere))
        .route("/console/sessions", get(first::sessions))
        .route("/console/{tenant}/{*page}", any(missing))
        .route("/console/{tenant}", get(home::show))
        .route("/console/{tenant}/sign-in", get(openid::show).post(openid::begin))
        .route("/console/{tenant}/sign-in/openid", get(openid::finish))
        .route("/console/{tenant}/expirations", get(expirations::show))
        .route("/console/{tenant}/expirations/snooze", post(expirations::acts::snooze))
        .route("/console/{tenant}/expirations/ask", post(expirations::acts::ask))
        .route("/console/{tenant}/expirations/calendar", post(expirations::acts::calendar))
        .route("/console/{tenant}/enrollment", get(enrollment::show))
        .route("/console/{tenant}/enrollment/authority", post(enrollment::authority::make))
        .route("/console/{tenant}/enrollment/authority/trust", post(enrollment::authority::trust))
        .route("/console/{tenant}/enrollment/authority/retire", post(enrollment::authority::retire))
        .route("/console/{tenant}/enrollment/links", post(enrollment::links::make))
        .route("/console/{tenant}/enrollment/links/{link}", get(enrollment::link::show))
        .route("/console/{tenant}/enrollment/links/{link}/revoke", post(enrollment::link::revoke))
        .route(
            "/console/{tenant}/enrollment/settings",
            get(enrollment::settings::show).post(enrollment::settings::change),
        )
        .route("/console/{tenant}/enrollment/invitations", post(enrollment::invitations::send))
        .route("/console/{tenant}/enrollment/invitations/list", post(enrollment::invitations::send_list))
        .route("/console/{tenant}/silence", get(silence::show).post(silence::rule::change))
        .route("/console/{tenant}/silence/preview", post(silence::rule::preview))
        .route("/console/{tenant}/silence/confirm", post(silence::confirm))
        .route("/console/{tenant}/silence/unlock", post(silence::devices::unlock))
        .route("/console/{tenant}/silence/access", post(silence::access::change))
        .route("/console/{tenant}/push-certificate", get(push_certificate::show))
        .route("/console/{tenant}/push-certificate/request", post(push_certificate::request::make))
        .route("/console/{tenant}/push-certificate/request/file", get(push_certificate::request::download))
        .route("/console/{tenant}/push-certificate/request/cancel", post(push_certificate::request::cancel))
        .route("/console/{tenant}/push-certificate/staged", post(push_certificate::upload::take))
        .route("/console/{tenant}/push-certificate/staged/discard", post(push_certificate::upload::discard))
        .route("/console/{tenant}/push-certificate/activate", post(push_certificate::review::activate))
        .route("/console/{tenant}/push-certificate/rollback", post(push_certificate::details::roll_back))
        .route("/console/{tenant}/push-certificate/export", post(push_certificate::details::export))
        .route("/console/{tenant}/push-certificate/delete", post(push_certificate::details::delete))
        .route("/console/{tenant}/push-certificate/ownership", post(push_certificate::details::record))
        .merge(operator::routes())
        .merge(settings::routes())
        .route("/console/{tenant}/commands", get(commands::show))
        .route("/console/{tenant}/commands/new", get(commands::new::show).post(commands::new::take))
        .route("/console/{tenant}/commands/{command}", get(commands::one::show))
        .route("/console/{tenant}/commands/{command}/progress", get(commands::one::progress))
        .route("/console/{tenant}/commands/{command}/targets", get(commands::one::targets))
        .route("/console/{tenant}/commands/{command}/{what}", post(commands::one::act))
        .route("/console/{tenant}/devices", get(devices::list::show))
        .route("/console/{tenant}/devices/{device}", get(devices::page::show))
        .route("/console/{tenant}/devices/{device}/queue", get(devices::queue::show))
        .route("/console/{tenant}/devices/{device}/inventory/{section}", get(devices::inventory::show))
        .route("/console/{tenant}/devices/{device}/send/{what}", post(devices::orders::send))
        .route("/console/{tenant}/devices/{device}/do/{what}", post(devices::orders::act))
        .route("/console/{tenant}/devices/{device}/clear", post(devices::queue::clear))
        .route("/console/{tenant}/devices/{device}/commands/{command}", get(devices::queue::command))
        .route("/console/{tenant}/devices/{device}/commands/{command}/cancel", post(devices::queue::cancel))
        .route("/console/{tenant}/devices/{device}/commands/{command}/retry", post(devices::queue::retry))
        .route("/console/{tenant}/devices/{device}/commands/{command}/pin", post(devices::queue::pin))
}

/// People see a page, not a document for programs, when they mistype an address.
async fn missing() -> refusal::Refusal {
    Error::not_found("page").into()
}
