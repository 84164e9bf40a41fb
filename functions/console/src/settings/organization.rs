//! The organization: name, contacts, mails, how long commands wait, and who approves that devices are erased.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::contact::EmailAddress;
use shared::domain::tenant::Tenant;
use shared::error::{Error, Result};
use shared::service::update_tenant::{TenantChange, update_tenant};

use super::place;
use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::needed;

const TITLE: &str = "Organization";

/// What the form shows.
struct Form {
    name: String,
    contacts: String,
    expiry_mails: bool,
    hours: String,
    approval: bool,
}

impl Form {
    fn of(tenant: &Tenant) -> Self {
        let contacts: Vec<&str> = tenant.contacts.iter().map(EmailAddress::as_str).collect();
        Self {
            name: tenant.name.clone(),
            contacts: contacts.join("\n"),
            expiry_mails: tenant.expiry_mails,
            hours: hours(tenant).to_string(),
            approval: tenant.erase_needs_approval,
        }
    }

    fn read(fields: &Fields) -> Self {
        Self {
            name: fields.text("name"),
            contacts: fields.text("contacts"),
            expiry_mails: fields.ticked("expiry_mails"),
            hours: fields.text("hours"),
            approval: fields.ticked("approval"),
        }
    }
}

/// How long commands wait, as people say it: what is no whole hour is rounded up.
fn hours(tenant: &Tenant) -> u64 {
    tenant.command_expires_in.div_ceil(3_600)
}

/// The page.
pub(crate) async fn show(look: Look) -> Response {
    answer(&look, None, &Form::of(&look.tenant))
}

/// Changes what the form says.
pub(crate) async fn change(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let changed = async { update_tenant(&look.state, &look.scope, wanted(&look, &fields)?).await };
    match changed.await {
        Ok(_) => Ok(layout::done(&place(&look, "organization"), "saved")),
        Err(error) => Ok(answer(&look, Some(&error), &Form::read(&fields))),
    }
}

fn wanted(look: &Look, fields: &Fields) -> Result<TenantChange> {
    let form = Form::read(fields);
    let contacts = form.contacts.split_whitespace().map(str::parse).collect::<Result<Vec<EmailAddress>>>();
    let contacts = contacts.map_err(|error| error.at("contacts"))?;
    let waits: u64 = needed(fields, "hours")?;
    // A number that was left alone changes nothing, also where it was rounded.
    let waits = Some(waits).filter(|waits| *waits != hours(&look.tenant));
    Ok(TenantChange {
        name: Some(form.name),
        contacts: Some(contacts).filter(|contacts| *contacts != look.tenant.contacts),
        expiry_mails: Some(form.expiry_mails),
        command_expires_in: waits.map(|hours| hours.saturating_mul(3_600)),
        // Nobody takes the second approval back here.
        erase_needs_approval: form.approval.then_some(true),
    })
}

fn answer(look: &Look, error: Option<&Error>, form: &Form) -> Response {
    let content = html! {
        header { h1 { (TITLE) } }
        @if look.may_change() { (edit(look, form)) } @else { (facts(&look.tenant)) }
        p.quiet { "Its identifier, which stands in every device: " code { (look.tenant.id) } }
    };
    layout::page_with(look, Part::Settings, TITLE, error, &content)
}

fn facts(tenant: &Tenant) -> Markup {
    html! {
        dl.facts {
            dt { "Name" } dd { (tenant.name) }
            dt { "Contacts" } dd { @for contact in &tenant.contacts { div { (contact) } } }
            dt { "Mails before anything ends" } dd { @if tenant.expiry_mails { "Yes" } @else { "No" } }
            dt { "Commands wait" } dd { @if tenant.command_expires_in == 0 { "For ever" } @else { (hours(tenant)) " hours" } }
            dt { "Erasing needs a second administrator" } dd { @if tenant.erase_needs_approval { "Yes" } @else { "No" } }
        }
    }
}

fn edit(look: &Look, form: &Form) -> Markup {
    html! {
        form.plain method="post" {
            (layout::token(&look.visitor))
            label { "Name" input name="name" value=(form.name) required maxlength="100"; }
            label { "Contacts"
                textarea name="contacts" rows="4" required { (form.contacts) }
                small { "One address a line. They are told before anything ends. Who is new is asked by mail to confirm." }
            }
            label { input type="checkbox" name="expiry_mails" checked[form.expiry_mails]; "Mail them before anything ends" }
            label { "How many hours a command waits for its device"
                input name="hours" inputmode="numeric" value=(form.hours) required;
                small { "0: for ever. Whoever sends a command may say otherwise." }
            }
            @if look.tenant.erase_needs_approval {
                p { "A second administrator must approve that a device is erased. Only the operator of the server takes that back." }
            } @else {
                label { input type="checkbox" name="approval" checked[form.approval]; "A second administrator must approve that a device is erased" }
                small { "Only the operator of the server can take this back." }
            }
            button type="submit" { "Save" }
        }
    }
}
