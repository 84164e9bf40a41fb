//! The organization's settings, one page each.

pub(crate) mod groups;
pub(crate) mod logs;
pub(crate) mod members;
pub(crate) mod organization;
pub(crate) mod refresh;
pub(crate) mod retention;
pub(crate) mod signing_certificate;
pub(crate) mod tokens;

use std::str::FromStr;

use axum::response::Response;
use maud::html;
use shared::error::{Error, Result};

use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::Look;

/// The pages: path, name, what for.
const PAGES: [(&str, &str, &str); 9] = [
    ("organization", "Organization", "Its name, who is told of what ends, and how long commands wait."),
    ("members", "Members", "Who may sign in here, and as what."),
    ("tokens", "API tokens", "For programs that work with this server."),
    ("signing-certificate", "Signing certificate", "By which devices show your profiles as verified."),
    ("groups", "Groups", "Devices that are dealt with together."),
    ("refresh", "Inventory", "What devices are asked again by themselves, and how often."),
    ("retention", "Retention", "For how long logs and finished commands are kept."),
    ("audit-log", "Audit log", "Who changed what, when and from where."),
    ("device-log", "Device log", "What became of devices."),
];

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

/// A number from a form.
///
/// # Errors
/// Malformed `typed-number`, naming the field.
fn number<T: FromStr>(fields: &Fields, name: &'static str) -> Result<T> {
    let typed = fields.text(name);
    typed.parse().map_err(|_| {
        Error::malformed("typed-number", format!("{typed:?} is not a number."))
            .at(name)
            .next("Type a whole number.")
    })
}

/// Where the settings' pages stand under the tenant's own.
fn place(look: &Look, page: &str) -> String {
    look.path(&format!("settings/{page}"))
}
