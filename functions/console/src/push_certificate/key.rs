//! A private key that is handed out, this once.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::html;
use shared::secret::Secret;

use crate::layout::{self, Part};
use crate::look::Look;

/// The page with the key: it is not kept, so the page itself holds the file.
pub(super) fn show(look: &Look, key: &Secret<String>) -> Response {
    let file = format!("data:application/x-pem-file;base64,{}", STANDARD.encode(key.expose()));
    let content = html! {
        h1 { "Save the private key now" }
        p { "It is behind your password, and is kept nowhere else. Without it, Apple's certificate is of no use." }
        p { a role="button" href=(file) download="CustomerCSR.key" { "Download CustomerCSR.key" } }
        details { summary { "Or copy it" } pre { code { (key.expose()) } } }
        p { a href=(look.path("push-certificate")) { "I have saved it: go on to Apple's portal" } }
    };
    layout::page(look, Part::PushCertificate, "Private key", &content)
}
