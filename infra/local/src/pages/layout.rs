//! What all pages have in common: one style sheet, one head line, no script, nothing from other hosts.

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");
/// What a page may load: its own style, and forms that come back here.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
const PAGES: [(&str, &str); 5] = [
    ("/", "Start"),
    ("/_local/portal", "Portal"),
    ("/_local/devices", "Devices"),
    ("/_local/mails", "Mails"),
    ("/_local/clock", "Clock"),
];

/// A whole page. `path` is its own place in the head line.
pub(crate) fn page(title: &str, path: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Pomarium" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    strong { "Pomarium" }
                    @for (place, name) in PAGES {
                        a href=(place) aria-current=[(place == path).then_some("page")] { (name) }
                    }
                }
                main { (content) }
            }
        }
    }
}

/// A page as an answer.
pub(crate) fn answer(page: Markup) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page.into_string())).into_response()
}

/// A number of things.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
