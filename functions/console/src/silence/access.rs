//! The tenant's services, and devices that are not enrolled.

use axum::response::Response;
use maud::{Markup, html};
use shared::error::Result;
use shared::service::access::let_unenrolled_in;

use super::done;
use crate::layout;
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

/// Turns the switch.
pub(crate) async fn change(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let_unenrolled_in(&look.state, &look.scope, fields.text("unenrolled") == "in").await?;
    Ok(done(&look, "saved"))
}

pub(super) async fn page(look: &Look) -> Result<Markup> {
    let lets_in = look.state.store.lets_unenrolled_in(&look.scope).await?;
    Ok(html! {
        section {
            h2 { "Devices that are not enrolled" }
            p {
                "Your services ask here whether a device may in. One that is not enrolled is "
                strong { @if lets_in { "let in" } @else { "refused" } } "."
            }
            @if look.may_change() {
                form.plain method="post" action=(look.path("silence/access")) {
                    (layout::token(&look.visitor))
                    input type="hidden" name="unenrolled" value=(if lets_in { "out" } else { "in" });
                    button.secondary type="submit" { @if lets_in { "Refuse them" } @else { "Let them in" } }
                    small { "It takes effect within half a minute. It opens nothing to a device that is removed, inactive or locked." }
                }
            }
        }
    })
}
