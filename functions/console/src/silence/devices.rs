//! Devices that are inactive, or whose access is locked.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::enrollment::EnrollmentState;
use shared::domain::glimpse::Glimpse;
use shared::error::{Error, Result};
use shared::id::EnrollmentId;
use shared::service::unlock_access::unlock_access;

use super::{answer, done};
use crate::known::{self, MOST};
use crate::layout;
use crate::look::{Act, HelpAct, Look};
use crate::refusal::Refusal;
use crate::typed::Typed;

/// Lets a device back to the services.
pub(crate) async fn unlock(HelpAct(Act { look, fields }): HelpAct) -> Result<Response, Refusal> {
    let unlocked = async {
        let id: EnrollmentId =
            fields.text("enrollment").parse().map_err(|_| Error::not_found("enrollment"))?;
        unlock_access(&look.state, &look.scope, &id).await
    };
    match unlocked.await {
        Ok(_) => Ok(done(&look, "unlocked")),
        Err(error) => answer(&look, &Typed::into("unlock", fields, error), None).await,
    }
}

/// Whether the tenant's services refuse it because it was silent.
pub(crate) fn is_out(device: &Glimpse) -> bool {
    device.state == EnrollmentState::Inactive || device.locked_at.is_some()
}

pub(super) async fn page(look: &Look) -> Result<Markup> {
    let after = look.query.get("after").map(String::as_str);
    let known = known::devices(look, after).await?;
    let out: Vec<_> = known.devices.iter().filter(|device| is_out(device)).collect();
    Ok(html! {
        section {
            h2 { "Inactive and locked devices" }
            @if out.is_empty() {
                p.empty { "None. When a device becomes inactive, it stands here, and you can let it back." }
            } @else { (table(look, &out)) }
            @if let Some(next) = &known.next {
                p { "These are those among " (MOST) " devices. " a href=(look.path(&format!("silence?after={next}"))) { "Look at the next ones" } }
            }
        }
    })
}

fn table(look: &Look, devices: &[&Glimpse]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "Device" } th { "Last seen" } th { "State" } th { "Access" } } }
                tbody {
                    @for device in devices {
                        tr {
                            td { (device.name().unwrap_or("Without a name")) br; small { code { (device.id) } } }
                            td { (layout::moment(device.last_seen)) }
                            td { (state(device)) }
                            td { (access(look, device)) }
                        }
                    }
                }
            }
        }
    }
}

fn state(device: &Glimpse) -> Markup {
    match device.state {
        EnrollmentState::Inactive => html! { span.badge.warn { "Inactive" } },
        EnrollmentState::Authenticated | EnrollmentState::Enrolled => html! { span.badge.good { "Back" } },
        EnrollmentState::Unenrolling | EnrollmentState::Removed => html! { span.badge { "Gone" } },
    }
}

fn access(look: &Look, device: &Glimpse) -> Markup {
    html! {
        @match device.locked_at {
            None => "Open",
            Some(since) => {
                "Locked since " (layout::moment(since)) " "
                @if look.may_help() {
                    form method="post" action=(look.path("silence/unlock")) {
                        (layout::token(&look.visitor))
                        input type="hidden" name="enrollment" value=(device.id);
                        button.secondary aria-label={ "Unlock " (device.id) } { "Unlock" }
                    }
                }
            }
        }
    }
}
