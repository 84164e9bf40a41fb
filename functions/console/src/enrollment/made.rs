//! A link that was just made: its address is shown this once.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use shared::domain::link::EnrollmentLink;
use shared::error::{Error, Result};
use shared::secret::Secret;
use shared::time::from_unix;

use super::links::{used, whom};
use crate::layout::{self, Part};
use crate::look::Look;

/// The page with the address, as text and for a camera.
pub(super) fn show(look: &Look, link: &EnrollmentLink, url: &Secret<String>) -> Result<Response> {
    let url = url.expose();
    let content = html! {
        header {
            h1 { "The link is ready" }
            p { "For: " (whom(link)) ". It ends " (layout::moment(from_unix(link.expires_at))) "; used " (used(link)) "." }
        }
        p.note.warn { "This address is shown only now. Whoever has it can enroll a device." }
        section {
            h2 { "On an iPhone or iPad" }
            p { "Point its camera at this code, and follow the two steps." }
            p { (code(url)?) }
            h2 { "Or open the address" }
            label { "Address to copy" input readonly value=(url); }
            p { a href=(url) target="_blank" rel="noopener" { "Open it here" } ", if you are at the device." }
            @if let Some(devices) = simulator(look) {
                p { "This server runs for trying out: " a href=(devices) target="_blank" { "enroll a simulated device" } " with the address." }
            }
        }
        section {
            h2 { "With Apple Configurator" }
            p { "Download the profile, and add it to the prepared devices. Each download is for one device." }
            p { a role="button" class="secondary" href={ (url) "/profile" } download { "Download the profile" } }
        }
        p { a href=(look.path(&format!("enrollment/links/{}", link.id))) { "Who used it, and how to revoke it" } " · "
            a href=(look.path("enrollment")) { "All links" } }
    };
    Ok(layout::page(look, Part::Enrollment, "New link", &content))
}

/// The address for a camera.
fn code(url: &str) -> Result<Markup> {
    // A quarter of it may be hidden or dirty: such codes hang on walls.
    let code = QrCode::with_error_correction_level(url, EcLevel::M).map_err(Error::internal)?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(256, 256).quiet_zone(true).build();
    let source = format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg));
    Ok(html! { img src=(source) width="256" height="256" alt="The address as a QR code"; })
}

/// Where devices are simulated, on a server that has such a page beside its portal.
fn simulator(look: &Look) -> Option<String> {
    let local = look.state.config.portal_url.strip_suffix("/_local/portal")?;
    Some(format!("{local}/_local/devices"))
}
