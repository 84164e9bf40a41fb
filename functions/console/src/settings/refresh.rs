//! What devices are asked again by themselves.

use std::collections::BTreeMap;

use axum::response::Response;
use maud::html;
use shared::error::{Error, Result};
use shared::protocol::inventory::Section;
use shared::service::refresh::change_refresh;

use super::place;
use crate::devices::words::section_name;
use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::needed;

const TITLE: &str = "Inventory";

/// The present rule.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    let rule = look.state.store.refresh_rule(&look.scope).await?;
    Ok(answer(&look, None, |section| {
        rule.questions.get(&section).map(|every| every.hours.to_string()).unwrap_or_default()
    }))
}

/// Replaces it.
pub(crate) async fn change(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let changed = async { change_refresh(&look.state, &look.scope, &hours(&fields)?).await };
    match changed.await {
        Ok(_) => Ok(layout::done(&place(&look, "refresh"), "refresh-changed")),
        Err(error) => Ok(answer(&look, Some(&error), |section| fields.text(section.query()))),
    }
}

fn hours(fields: &Fields) -> Result<BTreeMap<String, u32>> {
    let asked = Section::ALL.into_iter().map(Section::query).filter(|query| !fields.text(query).is_empty());
    asked.map(|query| Ok((query.to_owned(), needed(fields, query)?))).collect()
}

fn answer(look: &Look, error: Option<&Error>, typed: impl Fn(Section) -> String) -> Response {
    let content = html! {
        header { h1 { (TITLE) } p { "Every so many hours, devices are asked again by themselves. What is left empty is asked only when somebody asks." } }
        @if look.may_change() {
            form.plain method="post" {
                (layout::token(&look.visitor))
                @for section in Section::ALL {
                    label { (section_name(section)) ", every so many hours"
                        input name=(section.query()) inputmode="numeric" value=(typed(section)); }
                }
                small { "1 to 720 hours. It takes effect within the hour; the first questions are spread over a day." }
                button type="submit" { "Save" }
            }
        } @else {
            dl.facts {
                @for section in Section::ALL {
                    dt { (section_name(section)) }
                    dd { @let hours = typed(section); @if hours.is_empty() { "Only when somebody asks" } @else { "Every " (hours) " hours" } }
                }
            }
        }
    };
    layout::page_with(look, Part::Settings, TITLE, error, &content)
}
