//! The JSON API for operators and tenants: tenants, tokens, authorities, enrollment links, enrollments, commands,
//! the expiry calendar.

mod access;
mod audit;
mod authorities;
mod command_jobs;
mod commands;
mod dead_letters;
mod enrollment_settings;
mod enrollments;
mod events;
mod expirations;
mod external_scep;
mod groups;
mod identities;
mod inactivity;
mod inventory;
mod invitations;
mod link_view;
mod links;
mod log;
mod log_export;
mod members;
mod openapi;
mod page;
mod qr;
mod queue;
mod refresh;
mod retention;
mod setup;
mod sign_in;
mod support;
mod targets;
mod tenants;
mod tokens;
mod webhook_calls;
mod webhooks;
mod withdrawal;

use shared::state::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The function's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(tenants::create, tenants::list))
        .routes(routes!(tenants::show, tenants::change))
        .routes(routes!(tokens::create, tokens::list))
        .routes(routes!(tokens::delete))
        .routes(routes!(members::list))
        .routes(routes!(members::set, members::remove))
        .routes(routes!(members::list_operators))
        .routes(routes!(members::set_operators, members::remove_operators))
        .routes(routes!(sign_in::show, sign_in::change, sign_in::remove))
        .routes(routes!(support::show, support::allow, support::end))
        .routes(routes!(audit::list))
        .routes(routes!(audit::list_operators))
        .routes(routes!(events::list))
        .routes(routes!(retention::show, retention::change))
        .routes(routes!(log_export::audit))
        .routes(routes!(log_export::events))
        .routes(routes!(log_export::operators))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::show, webhooks::change, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::replay))
        .routes(routes!(webhook_calls::test))
        .routes(routes!(webhook_calls::attempts))
        .routes(routes!(webhook_calls::dead_letters))
        .routes(routes!(webhook_calls::redeliver))
        .routes(routes!(authorities::create, authorities::list))
        .routes(routes!(authorities::trust))
        .routes(routes!(authorities::retire))
        .routes(routes!(links::create, links::list))
        .routes(routes!(links::show, links::revoke))
        .routes(routes!(invitations::send))
        .routes(routes!(enrollment_settings::show, enrollment_settings::change))
        .routes(routes!(enrollments::list))
        .routes(routes!(enrollments::show))
        .routes(routes!(enrollments::retire))
        .routes(routes!(enrollments::unenroll))
        .routes(routes!(identities::renew))
        .routes(routes!(identities::revoke))
        .routes(routes!(inactivity::unlock))
        .routes(routes!(inactivity::show, inactivity::change))
        .routes(routes!(inactivity::preview))
        .routes(routes!(inactivity::confirm))
        .routes(routes!(access::ask))
        .routes(routes!(access::settings, access::change))
        .routes(routes!(groups::create, groups::list))
        .routes(routes!(groups::show, groups::delete))
        .routes(routes!(groups::members, groups::change_members))
        .routes(routes!(commands::send))
        .routes(routes!(commands::preview))
        .routes(routes!(command_jobs::list))
        .routes(routes!(command_jobs::show, command_jobs::stop))
        .routes(routes!(command_jobs::targets))
        .routes(routes!(commands::show, withdrawal::cancel))
        .routes(routes!(withdrawal::approve))
        .routes(routes!(withdrawal::cancel_on_target))
        .routes(routes!(withdrawal::retry))
        .routes(routes!(withdrawal::pin))
        .routes(routes!(queue::list, queue::clear))
        .routes(routes!(refresh::show, refresh::change))
        .routes(routes!(inventory::list))
        .routes(routes!(inventory::show))
        .routes(routes!(setup::check))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::send_back))
        .routes(routes!(dead_letters::discard))
        .routes(routes!(expirations::list))
        .routes(routes!(expirations::list_operators))
        .routes(routes!(expirations::snooze))
        .routes(routes!(expirations::snooze_operators))
        .routes(routes!(expirations::create_calendar))
        .routes(routes!(expirations::ask))
        .routes(routes!(openapi::document))
}
