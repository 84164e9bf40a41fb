//! Whether devices can reach and trust this server, and what ends for all tenants.

use axum::response::Response;
use maud::{Markup, html};
use shared::error::{Error, Result};
use shared::service::check_setup::check_setup;
use shared::service::list_expirations::operator_expirations;

use crate::expirations::acts::put_off;
use crate::expirations::{Snoozing, expirations};
use crate::layout;
use crate::look::{OperatorAct, OperatorLook};
use crate::refusal::Refusal;

const PLACE: &str = "/console/operator/health";
const TITLE: &str = "System health";

/// The page. The server is looked at from outside when somebody asks for it.
pub(crate) async fn show(look: OperatorLook) -> Result<Response, Refusal> {
    answer(&look, None, &Snoozing::default()).await
}

/// Puts the mails about one credential off.
pub(crate) async fn snooze(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let typed = Snoozing::read(&fields);
    match put_off(&look.signed.state, (&look.operator).into(), &typed).await {
        Ok(()) => Ok(layout::done(PLACE, "put-off")),
        Err(error) => answer(&look, Some(&error), &typed).await,
    }
}

async fn answer(look: &OperatorLook, error: Option<&Error>, typed: &Snoozing) -> Result<Response, Refusal> {
    let state = &look.signed.state;
    let (ending, unread) = operator_expirations(state, &look.operator).await?;
    let heard = state.store.heard_at().await?;
    let troubles = match look.signed.query.get("check") {
        Some(_) => Some(check_setup(state).await?),
        None => None,
    };
    let form = (&look.signed.visitor, "/console/operator/health/snooze");
    let content = html! {
        header { h1 { (TITLE) } }
        h2 { "Devices" }
        p { @match heard {
            Some(at) => { "A device of any tenant was heard " (layout::moment(at)) ". While none is heard, no device becomes inactive: the server may be the reason." }
            None => "No device was heard yet."
        } }
        h2 { "The server's address" }
        p { "Devices come to " code { (state.config.base_url) } "." }
        @if let Some(troubles) = &troubles { (checked(troubles)) }
        p { a role="button" class="secondary" href={ (PLACE) "?check=1" } { "Check it as a device would" } }
        h2 { "What ends" }
        @if let Some(trouble) = &unread { (layout::trouble(trouble)) }
        (expirations(&ending, state.clock.now(), Some(form), typed))
        h2 { "Who is told" }
        @if state.config.operator_mail.is_empty() {
            p.note.warn { "Nobody: the installation names no address in OperatorMail." }
        } @else {
            ul { @for address in &state.config.operator_mail { li { (address) } } }
            p.quiet { "These addresses stand in the installation's parameter OperatorMail." }
        }
    };
    Ok(layout::operators_with(look, PLACE, TITLE, error, &content))
}

fn checked(troubles: &[String]) -> Markup {
    html! {
        @if troubles.is_empty() { div.note.good role="status" { p { "Devices can reach and trust it." } } }
        @else { div.note.bad role="alert" { @for trouble in troubles { p { (trouble) } } } }
    }
}
