//! Who may sign in, and as what.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::member::{Member, member_address};
use shared::error::{Error, Result};
use shared::service::manage_members::{remove_member, set_member};

use crate::first::{role_name, typed_role};
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;

/// The list, and the form for another one.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, None, "").await
}

/// Lets somebody sign in, or gives them another role.
pub(crate) async fn set(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let address = fields.text("address");
    let role = typed_role(&fields.text("role"));
    let set = async {
        let address = member_address(&address)?;
        set_member(&look.state, &look.scope, address, role).await
    };
    match set.await {
        Ok(_) => Ok(layout::done(&look.path("settings/members"), "member-set")),
        Err(error) => answer(&look, Some(&error), &address).await,
    }
}

/// Takes a membership away.
pub(crate) async fn remove(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let removed = async {
        let address = member_address(&fields.text("address"))?;
        remove_member(&look.state, (&look.scope).into(), &address).await
    };
    match removed.await {
        Ok(()) => Ok(layout::done(&look.path("settings/members"), "member-removed")),
        Err(error) => answer(&look, Some(&error), "").await,
    }
}

async fn answer(look: &Look, error: Option<&Error>, typed: &str) -> Result<Response, Refusal> {
    let members = look.state.store.console_members((&look.scope).into()).await?;
    Ok(layout::page_with(look, Part::Settings, "Members", error, &page(look, &members, typed)))
}

fn page(look: &Look, members: &[Member], typed: &str) -> Markup {
    html! {
        header {
            h1 { "Members" }
            p { "Administrators may do everything for " (look.tenant.name) ". Viewers see everything except secrets, and change nothing. The help desk sees the same, and does the daily work on one device at a time: lock, lost mode, clear the passcode, restart, shut down, ask again, unlock." }
        }
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "Address" } th { "Role" } th { "Since" } @if look.may_own() { th { "" } } } }
                tbody {
                    @for member in members {
                        tr {
                            td { (member.address) }
                            td { (role_name(member.role)) }
                            td { (layout::moment(member.added_at)) }
                            @if look.may_own() { td { (removal(look, member)) } }
                        }
                    }
                }
            }
        }
        @if look.may_own() {
            h2 { "Add somebody, or change a role" }
            form.plain method="post" {
                (layout::token(&look.visitor))
                label { "E-mail address" input type="email" name="address" value=(typed) required; }
                label { "Role"
                    select name="role" {
                        option value="viewer" { "Viewer" }
                        option value="help-desk" { "Help desk" }
                        option value="admin" { "Administrator" }
                    }
                }
                button type="submit" { "Save" }
            }
        }
    }
}

fn removal(look: &Look, member: &Member) -> Markup {
    html! {
        @if member.address != *look.visitor.address() {
            form method="post" action=(look.path("settings/members/remove")) {
                (layout::token(&look.visitor))
                input type="hidden" name="address" value=(member.address);
                button.secondary.outline aria-label={ "Remove " (member.address) } { "Remove" }
            }
        }
    }
}
