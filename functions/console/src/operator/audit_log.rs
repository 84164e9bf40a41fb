//! Who changed what of the whole server.

use axum::response::Response;
use maud::html;
use shared::domain::seal::Log;
use shared::error::Result;

use crate::layout;
use crate::logs::{self, Asked, Line, PAGE, Page};
use crate::look::OperatorLook;
use crate::refusal::Refusal;

const PLACE: &str = "/console/operator/audit-log";
const TITLE: &str = "Audit log";

/// The log.
pub(crate) async fn show(look: OperatorLook) -> Result<Response, Refusal> {
    let asked = Asked::read(&look.signed.query);
    let (page, error) = match read(&look, &asked).await {
        Ok(page) => (page, None),
        Err(error) => (Page { lines: Vec::new(), next: None }, Some(error)),
    };
    let now = look.signed.state.clock.now();
    let content = html! {
        header { h1 { (TITLE) } p { "Who changed what of the whole server. What tenants change stands in their own." } }
        (logs::page(PLACE, Log::Audit, &asked, &page, now))
    };
    Ok(layout::operators_with(&look, PLACE, TITLE, error.as_ref(), &content))
}

/// The log as a file.
pub(crate) async fn file(look: OperatorLook) -> Result<Response, Refusal> {
    let asked = Asked::read(&look.signed.query);
    Ok(logs::export(&look.signed.state, (&look.operator).into(), Log::Audit, &asked).await?)
}

async fn read(look: &OperatorLook, asked: &Asked) -> Result<Page> {
    let state = &look.signed.state;
    let (month, filter) = (asked.month(state.clock.now())?, asked.filter()?);
    let (found, next) =
        state.store.audit_log((&look.operator).into(), &month, &filter, asked.get("after"), PAGE).await?;
    Ok(Page { lines: found.into_iter().map(Line::from).collect(), next })
}
