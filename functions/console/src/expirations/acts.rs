//! What is done about expirations: mails put off, contacts asked, an address for the calendar.

use axum::response::Response;
use shared::error::{Error, Result};
use shared::scope::Realm;
use shared::service::calendar_feed::create_calendar_feed;
use shared::service::confirm_contact::ask_contacts;
use shared::service::snooze_expiration::snooze_expiration;
use shared::state::AppState;
use shared::time::{DAY, SignedDuration};

use super::{Snoozing, TITLE, answer, people};
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

/// Puts the mails about one credential off.
pub(crate) async fn snooze(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let typed = Snoozing::read(&fields);
    match put_off(&look.state, (&look.scope).into(), &typed).await {
        Ok(()) => Ok(done(&look, "put-off")),
        Err(error) => answer(&look, Some(&error), &typed).await,
    }
}

/// The same for a tenant, or for the operator.
pub(crate) async fn put_off(state: &AppState, realm: Realm<'_>, typed: &Snoozing) -> Result<()> {
    let days = typed.days.parse::<u8>().map_err(|_| {
        Error::malformed("snooze-until", "Mails can be put off for up to 14 days from now.").at("until")
    })?;
    let until = state.clock.now() + SignedDuration::from_secs(i64::from(days) * DAY);
    snooze_expiration(state, realm, &typed.credential, until, &typed.by).await.map(drop)
}

/// Asks the contacts again to confirm their addresses.
pub(crate) async fn ask(SharedAct(Act { look, .. }): SharedAct) -> Result<Response, Refusal> {
    match ask_contacts(&look.state, &look.scope, &look.tenant, true).await {
        Ok(0) => Ok(done(&look, "asked-before")),
        Ok(_) => Ok(done(&look, "asked")),
        Err(error) => answer(&look, Some(&error), &Snoozing::default()).await,
    }
}

/// Makes an address of the calendar, and shows it this once.
pub(crate) async fn calendar(Act { look, .. }: Act) -> Result<Response, Refusal> {
    let address = create_calendar_feed(&look.state, &look.scope).await?;
    Ok(layout::page(&look, Part::Expirations, TITLE, &people::address(&look, address.expose())))
}

fn done(look: &Look, said: &str) -> Response {
    layout::done(&look.path("expirations"), said)
}
