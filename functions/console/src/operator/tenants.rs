//! The tenants: their list, and a new one.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::contact::EmailAddress;
use shared::domain::member::member_address;
use shared::domain::tenant::Tenant;
use shared::error::{Error, Result};
use shared::service::create_tenant::create_tenant;
use shared::service::manage_members::set_first_administrator;

use crate::layout;
use crate::look::{OperatorAct, OperatorLook};
use crate::refusal::Refusal;

/// Tenants on one page.
const PAGE: i32 = 100;
const PLACE: &str = "/console/operator";

/// What was typed into the form.
#[derive(Default)]
struct Typed {
    name: String,
    administrator: String,
}

/// The list.
pub(crate) async fn show(look: OperatorLook) -> Result<Response, Refusal> {
    answer(&look, None, &Typed::default()).await
}

/// Takes on a customer, with its first administrator, who is told by mail.
pub(crate) async fn create(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let typed = Typed { name: fields.text("name"), administrator: fields.text("administrator") };
    match created(&look, &typed).await {
        Ok(tenant) => Ok(layout::operators(&look, PLACE, "Created", &told(&tenant, &typed.administrator))),
        Err(error) => answer(&look, Some(&error), &typed).await,
    }
}

async fn created(look: &OperatorLook, typed: &Typed) -> Result<Tenant> {
    let state = &look.signed.state;
    let address: EmailAddress = member_address(&typed.administrator)?;
    let contacts = vec![address.clone()];
    let (tenant, _) = create_tenant(state, &look.operator, &typed.name, contacts, true).await?;
    set_first_administrator(state, &look.operator, &tenant, address).await?;
    Ok(tenant)
}

async fn answer(look: &OperatorLook, error: Option<&Error>, typed: &Typed) -> Result<Response, Refusal> {
    let after = look.signed.query.get("after").map(|text| text.parse()).transpose()?;
    let tenants = look.signed.state.store.tenants(after.as_ref(), PAGE).await?;
    Ok(layout::operators_with(look, PLACE, "Tenants", error, &page(look, &tenants, typed)))
}

fn page(look: &OperatorLook, tenants: &[Tenant], typed: &Typed) -> Markup {
    let full = i32::try_from(tenants.len()).is_ok_and(|number| number == PAGE);
    html! {
        header { h1 { "Tenants" } p { "Each is a customer with devices, push certificate and members of its own." } }
        @if tenants.is_empty() {
            div.empty { p { "There is no tenant yet. Create the first one below." } }
        } @else {
            div.scroll tabindex="0" { table {
                thead { tr { th { "Name" } th { "Identifier" } th { "Since" } } }
                tbody {
                    @for tenant in tenants {
                        tr {
                            td { a href={ (PLACE) "/tenants/" (tenant.id) } { (tenant.name) } }
                            td { code { (tenant.id) } }
                            td { (layout::moment(tenant.created_at)) }
                        }
                    }
                }
            } }
            @if let Some(last) = tenants.last().filter(|_| full) {
                p { a href={ (PLACE) "?after=" (last.id) } { "More" } }
            }
        }
        h2 { "New tenant" }
        form.plain method="post" action=(PLACE) {
            (layout::token(&look.signed.visitor))
            label { "Name of the organization" input name="name" value=(typed.name) required maxlength="100"; }
            label { "E-mail address of its first administrator"
                input type="email" name="administrator" value=(typed.administrator) required;
                small { "They sign in with it, and hear of what expires." }
            }
            button type="submit" { "Create" }
        }
    }
}

fn told(tenant: &Tenant, administrator: &str) -> Markup {
    html! {
        h1 { (tenant.name) " is ready" }
        p { (administrator) " was told by mail where to sign in. There, the console shows the first steps." }
        p { a href=(PLACE) { "All tenants" } }
    }
}
