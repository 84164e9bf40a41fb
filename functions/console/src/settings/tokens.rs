//! API tokens: for programs, shown once.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::token::{ApiToken, Owner};
use shared::error::{Error, Result};
use shared::secret::Secret;
use shared::service::create_token::{create_token, delete_token};
use shared::time::Timestamp;

use super::place;
use crate::first::{role_name, typed_role};
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;
use crate::typed::needed;

const TITLE: &str = "API tokens";

/// What was typed into the form.
#[derive(Default)]
struct Typed {
    name: String,
    days: String,
    role: String,
}

/// The list, and the form for another one.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, None, &Typed { days: "365".to_owned(), ..Typed::default() }).await
}

/// Makes a token, and shows it this once.
pub(crate) async fn create(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let typed = Typed { name: fields.text("name"), days: fields.text("days"), role: fields.text("role") };
    let role = typed_role(&typed.role);
    let made = async {
        let days = if typed.days.is_empty() { None } else { Some(needed(&fields, "days")?) };
        create_token(&look.state, &look.scope, &typed.name, role, days).await
    };
    match made.await {
        Ok((token, text)) => Ok(layout::page(&look, Part::Settings, TITLE, &made_page(&look, &token, &text))),
        Err(error) => answer(&look, Some(&error), &typed).await,
    }
}

/// Deletes a token.
pub(crate) async fn delete(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let deleted = async { delete_token(&look.state, &look.scope, &fields.text("token").parse()?).await };
    match deleted.await {
        Ok(()) => Ok(layout::done(&place(&look, "tokens"), "token-deleted")),
        Err(error) => answer(&look, Some(&error), &Typed::default()).await,
    }
}

async fn answer(look: &Look, error: Option<&Error>, typed: &Typed) -> Result<Response, Refusal> {
    let tokens = look.state.store.tokens(&Owner::Tenant(look.tenant.id.clone())).await?;
    let content = html! {
        header { h1 { (TITLE) } p { "With a token, a program does what you could do here: give it to nobody else." } }
        @if tokens.is_empty() { div.empty { p { "There is no token. Make one for each program that is to work with this server." } } }
        @else { (list(look, &tokens)) }
        @if look.may_own() { (form(look, typed)) }
    };
    Ok(layout::page_with(look, Part::Settings, TITLE, error, &content))
}

fn list(look: &Look, tokens: &[ApiToken]) -> Markup {
    let now = look.state.clock.now();
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "Name" } th { "Role" } th { "Made" } th { "Ends" } @if look.may_own() { th { "" } } } }
            tbody {
                @for token in tokens {
                    tr {
                        td { (token.name) br; code { (token.id) } }
                        td { (role_name(token.role)) }
                        td { (layout::moment(token.created_at)) }
                        td { (end(token, now)) }
                        @if look.may_own() { td { (deletion(look, token)) } }
                    }
                }
            }
        } }
    }
}

fn end(token: &ApiToken, now: Timestamp) -> Markup {
    html! {
        @match token.expires_at {
            None => "Never",
            Some(end) => { @if token.is_expired(now) { span.badge.bad { "Ended" } " " } (layout::moment(end)) }
        }
    }
}

fn deletion(look: &Look, token: &ApiToken) -> Markup {
    html! {
        details {
            summary { "Delete" }
            p { "The program that uses it is turned away within half a minute." }
            form method="post" action=(place(look, "tokens/delete")) {
                (layout::token(&look.visitor))
                input type="hidden" name="token" value=(token.id);
                button.danger aria-label={ "Delete " (token.name) } { "Delete for good" }
            }
        }
    }
}

fn form(look: &Look, typed: &Typed) -> Markup {
    html! {
        h2 { "Make a token" }
        form.plain method="post" {
            (layout::token(&look.visitor))
            label { "What it is for" input name="name" value=(typed.name) required maxlength="100"; }
            label { "Role"
                select name="role" {
                    option value="viewer" { "Viewer: sees everything except secrets" }
                    option value="help-desk" selected[typed.role == "help-desk"] { "Help desk: sees the same, and does the daily work on one device at a time" }
                    option value="admin" selected[typed.role == "admin"] { "Administrator: may do everything" }
                }
            }
            label { "For how many days it works"
                input name="days" inputmode="numeric" value=(typed.days);
                small { "You are mailed before it ends. Left empty, it works until it is deleted." }
            }
            button type="submit" { "Make" }
        }
    }
}

fn made_page(look: &Look, token: &ApiToken, text: &Secret<String>) -> Markup {
    html! {
        h1 { "The token " (token.name) }
        p { "Copy it now: it is shown only this once. The program sends it as the header " code { "Authorization: Bearer …" } "." }
        pre { code { (text.expose()) } }
        p { a href=(place(look, "tokens")) { "Back to the tokens" } }
    }
}
