//! The tenant's logs: who changed what, and what became of devices.

use axum::response::Response;
use maud::html;
use shared::domain::seal::Log;
use shared::error::{Error, Result};
use shared::service::retention::shown_from;

use super::place;
use crate::layout::{self, Part};
use crate::logs::{self, Asked, Line, PAGE, Page};
use crate::look::Look;
use crate::refusal::Refusal;

/// Who changed what.
pub(crate) async fn audit(look: Look) -> Result<Response, Refusal> {
    answer(
        &look,
        Log::Audit,
        "audit-log",
        "Audit log",
        "Who changed what, when and from where. Nobody can change it.",
    )
    .await
}

/// What became of devices.
pub(crate) async fn devices(look: Look) -> Result<Response, Refusal> {
    let what = "What became of devices: enrolled, silent, back again, and what they were refused.";
    answer(&look, Log::Events, "device-log", "Device log", what).await
}

/// The audit log as a file.
pub(crate) async fn audit_file(look: Look) -> Result<Response, Refusal> {
    Ok(logs::export(&look.state, (&look.scope).into(), Log::Audit, &Asked::read(&look.query)).await?)
}

/// The surveillance log as a file.
pub(crate) async fn devices_file(look: Look) -> Result<Response, Refusal> {
    Ok(logs::export(&look.state, (&look.scope).into(), Log::Events, &Asked::read(&look.query)).await?)
}

async fn answer(look: &Look, log: Log, name: &str, title: &str, what: &str) -> Result<Response, Refusal> {
    let asked = Asked::read(&look.query);
    let (page, error) = match read(look, log, &asked).await {
        Ok(page) => (page, None),
        Err(error) => (Page { lines: Vec::new(), next: None }, Some(error)),
    };
    let now = look.state.clock.now();
    let content = html! {
        header { h1 { (title) } p { (what) } }
        (logs::page(&place(look, name), log, &asked, &page, now))
    };
    Ok(layout::page_with(look, Part::Settings, title, error.as_ref(), &content))
}

async fn read(look: &Look, log: Log, asked: &Asked) -> Result<Page, Error> {
    let (store, scope) = (&look.state.store, &look.scope);
    let filter = asked.filter()?.not_before(shown_from(&look.state, scope, log).await?);
    let (month, after) = (asked.month(look.state.clock.now())?, asked.get("after"));
    Ok(match log {
        Log::Audit => {
            let (found, next) = store.audit_log(scope.into(), &month, &filter, after, PAGE).await?;
            Page { lines: found.into_iter().map(Line::from).collect(), next }
        }
        Log::Events => {
            let (found, next) = store.events(scope, &month, &filter, after, PAGE).await?;
            Page { lines: found.into_iter().map(Line::from).collect(), next }
        }
    })
}
