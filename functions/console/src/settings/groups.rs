//! Groups of devices: made here, filled by enrollment links and on their own pages.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::group::Group;
use shared::error::{Error, Result};
use shared::id::GroupId;
use shared::service::create_group::create_group;
use shared::service::delete_group::delete_group;

use super::place;
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

const TITLE: &str = "Groups";
/// Groups on one page.
const PAGE: i32 = 100;

/// The list, and the form for another one.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, None, "").await
}

/// Makes a group.
pub(crate) async fn create(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let name = fields.text("name");
    match create_group(&look.state, &look.scope, &name).await {
        Ok(_) => Ok(layout::done(&place(&look, "groups"), "group-made")),
        Err(error) => answer(&look, Some(&error), &name).await,
    }
}

/// Deletes a group whose name was typed.
pub(crate) async fn delete(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let deleted = async {
        let id: GroupId = fields.text("group").parse()?;
        let found = look.state.store.group(&look.scope, &id).await?;
        let group = found.ok_or_else(|| Error::not_found("group"))?;
        if fields.text("confirm") != group.name {
            let message = format!("To delete the group {}, type its name.", group.name);
            return Err(Error::conflict("name-not-typed", message).at("confirm"));
        }
        delete_group(&look.state, &look.scope, &id).await
    };
    match deleted.await {
        Ok(()) => Ok(layout::done(&place(&look, "groups"), "group-deleted")),
        Err(error) => answer(&look, Some(&error), "").await,
    }
}

async fn answer(look: &Look, error: Option<&Error>, typed: &str) -> Result<Response, Refusal> {
    let after = look.query.get("after").map(String::as_str);
    let (mut groups, next) = look.state.store.groups(&look.scope, after, PAGE).await?;
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    let content = html! {
        header { h1 { (TITLE) } p { "Devices join a group by the link they enroll with, or on the group's page. Commands can be sent to a whole group." } }
        @if groups.is_empty() { div.empty { p { "There is no group yet. An enrollment link that names one makes it, too." } } }
        @else { (list(look, &groups)) }
        @if let Some(next) = next { p { a href={ (place(look, "groups")) "?after=" (next) } { "More" } } }
        @if look.may_change() {
            h2 { "Make a group" }
            form.plain method="post" action=(place(look, "groups")) {
                (layout::token(&look.visitor))
                label { "Name" input name="name" value=(typed) required maxlength="64"; }
                button type="submit" { "Make" }
            }
        }
    };
    Ok(layout::page_with(look, Part::Settings, TITLE, error, &content))
}

fn list(look: &Look, groups: &[Group]) -> Markup {
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "Name" } th { "Made" } @if look.may_change() { th { "" } } } }
            tbody {
                @for group in groups {
                    tr {
                        td { @if group.deleted_at.is_some() { (group.name) } @else { a href=(place(look, &format!("groups/{}", group.id))) { (group.name) } } @if group.deleted_at.is_some() { " " span.badge.warn { "Being deleted" } } }
                        td { (layout::moment(group.created_at)) }
                        @if look.may_change() { td { (deletion(look, group)) } }
                    }
                }
            }
        } }
    }
}

fn deletion(look: &Look, group: &Group) -> Markup {
    html! {
        details {
            summary { "Delete" }
            p { "Its devices stay enrolled; they are in no group of this name any more." }
            form method="post" action=(place(look, "groups/delete")) {
                (layout::token(&look.visitor))
                input type="hidden" name="group" value=(group.id);
                label { "Type its name" input name="confirm" autocomplete="off" required; }
                button.danger aria-label={ "Delete " (group.name) } { "Delete" }
            }
        }
    }
}
