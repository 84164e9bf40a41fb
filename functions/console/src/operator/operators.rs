//! Who may sign in as operator.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::member::{Member, member_address};
use shared::error::{Error, Result};
use shared::service::manage_members::{remove_member, set_operator};

use crate::layout;
use crate::look::{OperatorAct, OperatorLook};
use crate::refusal::Refusal;

const PLACE: &str = "/console/operator/operators";

/// The list, and the form for another one.
pub(crate) async fn show(look: OperatorLook) -> Result<Response, Refusal> {
    answer(&look, None, "").await
}

/// Lets somebody sign in as operator.
pub(crate) async fn set(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let typed = fields.text("address");
    let set = async { set_operator(&look.signed.state, &look.operator, member_address(&typed)?).await };
    match set.await {
        Ok(_) => Ok(layout::done(PLACE, "member-set")),
        Err(error) => answer(&look, Some(&error), &typed).await,
    }
}

/// Takes the right away.
pub(crate) async fn remove(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let removed = async {
        let address = member_address(&fields.text("address"))?;
        remove_member(&look.signed.state, (&look.operator).into(), &address).await
    };
    match removed.await {
        Ok(()) => Ok(layout::done(PLACE, "member-removed")),
        Err(error) => answer(&look, Some(&error), "").await,
    }
}

async fn answer(look: &OperatorLook, error: Option<&Error>, typed: &str) -> Result<Response, Refusal> {
    let operators = look.signed.state.store.console_members((&look.operator).into()).await?;
    Ok(layout::operators_with(look, PLACE, "Operators", error, &page(look, &operators, typed)))
}

fn page(look: &OperatorLook, operators: &[Member], typed: &str) -> Markup {
    let visitor = &look.signed.visitor;
    html! {
        header { h1 { "Operators" } p { "They run this server: they create tenants and install the vendor certificate." } }
        div.scroll tabindex="0" { table {
            thead { tr { th { "Address" } th { "Since" } th { "" } } }
            tbody {
                @for operator in operators {
                    tr {
                        td { (operator.address) }
                        td { (layout::moment(operator.added_at)) }
                        td {
                            @if operator.address != *visitor.address() {
                                form method="post" action={ (PLACE) "/remove" } {
                                    (layout::token(visitor))
                                    input type="hidden" name="address" value=(operator.address);
                                    button.secondary.outline aria-label={ "Remove " (operator.address) } { "Remove" }
                                }
                            }
                        }
                    }
                }
            }
        } }
        h2 { "Add an operator" }
        form.plain method="post" action=(PLACE) {
            (layout::token(visitor))
            label { "E-mail address" input type="email" name="address" value=(typed) required; }
            button type="submit" { "Add" }
        }
    }
}
