//! What a device told of itself, each part with its time.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use shared::domain::enrollment::Enrollment;
use shared::error::{Error, Result};
use shared::protocol::inventory::Section;
use shared::service::show_inventory::{ShownSection, show_inventory};

use super::words::section_name;
use super::{find, name, place};
use crate::layout::{self, Part, moment};
use crate::look::Look;
use crate::refusal::Refusal;
use crate::told::{list, told};

/// Rows of a list on the device's page.
const ROWS: usize = 10;

/// All sections, long ones by their first rows.
pub(super) async fn page(look: &Look, device: &Enrollment) -> Result<Markup> {
    let sections = show_inventory(&look.state, &look.scope, &device.id, None).await?;
    Ok(html! {
        section {
            h2 { "Inventory" }
            @for shown in &sections {
                details open[shown.section == Section::Device] {
                    summary { (section_name(shown.section)) " " (when(shown)) }
                    (short(look, device, shown))
                }
            }
            @if sections.len() == 1 { p.quiet { "Ask the device for its apps, profiles, certificates and security to see them here." } }
        }
    })
}

fn when(shown: &ShownSection) -> Markup {
    html! { span.quiet { @match shown.at { Some(at) => { "told " (moment(at)) }, None => "as it enrolled" } } }
}

fn short(look: &Look, device: &Enrollment, shown: &ShownSection) -> Markup {
    let whole = place(look, &device.id, &format!("inventory/{}", shown.section.name()));
    html! {
        @match &shown.content {
            Some(Value::Array(values)) if values.len() > ROWS => {
                (list(values, ROWS))
                p { a href=(whole) { "All " (values.len()) } }
            },
            Some(content) => (told(content)),
            None => p { a href=(whole) { "Open it: it is long" } },
        }
    }
}

/// One section as a whole.
pub(crate) async fn show(
    Path((_, id, section)): Path<(String, String, String)>,
    look: Look,
) -> Result<Response, Refusal> {
    let device = find(&look, &id).await?;
    let unknown = || Error::not_found("section of the inventory");
    let wanted = Section::ALL.into_iter().find(|known| known.name() == section).ok_or_else(unknown)?;
    let shown = show_inventory(&look.state, &look.scope, &device.id, Some(wanted)).await?;
    let shown = shown.into_iter().next().ok_or_else(unknown)?;
    let content = html! {
        header { h1 { (section_name(wanted)) } p { "Of " a href=(place(&look, &device.id, "")) { (name(&device)) } ", " (when(&shown)) } }
        @match &shown.content {
            Some(content) => (told(content)),
            None => p { "It is not kept any more. Ask the device again." },
        }
    };
    Ok(layout::page(&look, Part::Devices, section_name(wanted), &content))
}
