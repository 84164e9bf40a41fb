//! One group: who is in it, who joins, who leaves.

use std::collections::BTreeSet;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::domain::enrollment::Enrollment;
use shared::domain::group::Group;
use shared::error::{Error, Result};
use shared::id::{EnrollmentId, GroupId};
use shared::service::change_members::{change_members, group};
use shared::service::find_devices::{find_devices, names_in};

use crate::devices::words::badges;
use crate::devices::{name, place};
use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

/// Members on one page.
const PAGE: i32 = 100;

/// The page.
pub(crate) async fn show(Path((_, id)): Path<(String, String)>, look: Look) -> Result<Response, Refusal> {
    let group = find(&look, &id).await?;
    answer(&look, &group, None, "").await
}

/// Lets devices join.
pub(crate) async fn add(
    Path((_, id)): Path<(String, String)>,
    SharedAct(Act { look, fields }): SharedAct,
) -> Result<Response, Refusal> {
    let group = find(&look, &id).await?;
    let typed = pasted(&fields);
    let joined = async {
        let devices = find_devices(&look.state, &look.scope, &names_in(&typed)?).await?;
        change_members(&look.state, &look.scope, &group.id, &devices, &BTreeSet::new()).await
    };
    match joined.await {
        Ok(_) => Ok(layout::done(&here(&look, &group), "members-added")),
        Err(error) => answer(&look, &group, Some(&error), &typed).await,
    }
}

/// Lets the chosen ones leave.
pub(crate) async fn remove(
    Path((_, id)): Path<(String, String)>,
    SharedAct(Act { look, fields }): SharedAct,
) -> Result<Response, Refusal> {
    let group = find(&look, &id).await?;
    let left = async {
        let chosen = fields.texts().filter(|(name, _)| *name == "device");
        let devices: BTreeSet<EnrollmentId> = chosen.map(|(_, id)| id.parse()).collect::<Result<_>>()?;
        if devices.is_empty() {
            return Err(Error::malformed("devices-chosen", "No device was chosen.")
                .at("device")
                .next("Tick the devices that are to leave the group."));
        }
        change_members(&look.state, &look.scope, &group.id, &BTreeSet::new(), &devices).await
    };
    match left.await {
        Ok(_) => Ok(layout::done(&here(&look, &group), "members-left")),
        Err(error) => answer(&look, &group, Some(&error), "").await,
    }
}

async fn find(look: &Look, id: &str) -> Result<Group> {
    let id: GroupId = id.parse().map_err(|_| Error::not_found("group"))?;
    group(&look.state, &look.scope, &id).await
}

/// What was typed, or else the file that was chosen.
fn pasted(fields: &Fields) -> String {
    let typed = fields.text("devices");
    if typed.is_empty() { String::from_utf8_lossy(fields.file("list")).into_owned() } else { typed }
}

fn here(look: &Look, group: &Group) -> String {
    super::place(look, &format!("groups/{}", group.id))
}

async fn answer(look: &Look, group: &Group, error: Option<&Error>, typed: &str) -> Result<Response, Refusal> {
    let after = look.query.get("after").map(String::as_str);
    let (state, scope) = (&look.state, &look.scope);
    let (ids, next) = state.store.members(scope, &group.id, after, PAGE).await?;
    let mut members = state.store.enrollments(scope, &ids).await?;
    members.sort_by(|left, right| left.id.cmp(&right.id));
    let content = html! {
        header { h1 { (group.name) } p { a href=(super::place(look, "groups")) { "All groups" } } }
        @if members.is_empty() && after.is_none() {
            div.empty { p { "No device is in this group yet. Devices join by an enrollment link that names it, or are added here." } }
        } @else { (list(look, group, &members)) }
        @if let Some(next) = next { p { a href={ (here(look, group)) "?after=" (next) } rel="next" { "More" } } }
        @if look.may_change() { (addition(look, group, typed)) }
    };
    Ok(layout::page_with(look, Part::Settings, &group.name, error, &content))
}

fn list(look: &Look, group: &Group, members: &[Enrollment]) -> Markup {
    let table = html! {
        div.scroll tabindex="0" { table {
            thead { tr { @if look.may_change() { th { "Leaves" } } th { "Name" } th { "State" } th { "Serial number" } th { "Identifier" } } }
            tbody {
                @for device in members {
                    tr {
                        @if look.may_change() {
                            td { input type="checkbox" name="device" value=(device.id) aria-label={ (name(device)) " leaves" }; }
                        }
                        td { a href=(place(look, &device.id, "")) { (name(device)) } }
                        td { (badges(device)) }
                        td { (device.facts.serial_number.as_deref().unwrap_or("—")) }
                        td { code { (device.id) } }
                    }
                }
            }
        } }
    };
    html! {
        @if look.may_change() && !members.is_empty() {
            form method="post" action={ (here(look, group)) "/remove" } {
                (layout::token(&look.visitor))
                (table)
                button.secondary type="submit" { "Take the chosen ones out" }
            }
        } @else { (table) }
    }
}

fn addition(look: &Look, group: &Group, typed: &str) -> Markup {
    html! {
        h2 { "Add devices" }
        form.plain method="post" action={ (here(look, group)) "/add" } enctype="multipart/form-data" {
            (layout::token(&look.visitor))
            label { "Serial numbers, UDIDs or identifiers"
                textarea name="devices" rows="6" spellcheck="false" { (typed) }
                small { "One on each line, or lines of a table: the column whose heading says serial number or UDID, else the first. 500 at once." } }
            label { "Or a CSV file" input type="file" name="list" accept=".csv,text/csv,text/plain"; }
            button type="submit" { "Add" }
        }
    }
}
