//! Whether the operator's support may look in: off unless somebody here allows it.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::rights::Right;
use shared::domain::support::{SupportAccess, person};
use shared::error::{Error, Result};
use shared::scope::Role;
use shared::service::support::{NewSupportAccess, allow_support, end_support};
use shared::time::from_unix;

use super::place;
use crate::fields::Fields;
use crate::first::role_name;
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;
use crate::typed::needed;

/// Its path among the settings.
pub(super) const PAGE: &str = "support-access";
const TITLE: &str = "Support access";

/// The page.
pub(crate) async fn show(look: Look) -> Response {
    answer(&look, None, &Fields::default())
}

/// Lets support in.
pub(crate) async fn allow(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let allowed = async {
        let level = if fields.text("level") == "admin" { Role::Admin } else { Role::Viewer };
        let new = NewSupportAccess { level, hours: needed(&fields, "hours")?, note: fields.text("note") };
        allow_support(&look.state, &look.scope, new).await
    };
    match allowed.await {
        Ok(_) => Ok(layout::done(&place(&look, PAGE), "support-allowed")),
        Err(error) => Ok(answer(&look, Some(&error), &fields)),
    }
}

/// Ends it.
pub(crate) async fn end(Act { look, .. }: Act) -> Result<Response, Refusal> {
    end_support(&look.state, &look.scope).await?;
    Ok(layout::done(&place(&look, PAGE), "support-ended"))
}

fn answer(look: &Look, error: Option<&Error>, typed: &Fields) -> Response {
    let open = look.tenant.open_support(look.state.clock.now());
    let content = html! {
        header {
            h1 { (TITLE) }
            p { "Whoever runs this server sees nothing of your devices here, unless you allow it. The audit log names all that they do as "
                code { "support:" } " and their address." }
        }
        @match open { Some(access) => (allowed(look, access)), None => p.big { "Nobody may look in" } }
        @if let Some(asked) = look.tenant.support_asked.as_ref().filter(|_| open.is_none()) {
            div.note {
                p { strong { (person(&asked.by)) " asked for access" } ", " (layout::moment(from_unix(asked.asked_at))) ":" }
                p { (asked.reason) }
            }
        }
        @if look.check(Right::Own).is_ok() { (form(look, open.is_some(), typed)) }
        @else { p.quiet { "An administrator of " (look.tenant.name) " decides that." } }
    };
    layout::page_with(look, Part::Settings, TITLE, error, &content)
}

fn allowed(look: &Look, access: &SupportAccess) -> Markup {
    html! {
        p.big.warn { "Support may look in" }
        dl.facts {
            dt { "Until" } dd { (layout::moment(access.until)) }
            dt { "As" } dd { (role_name(access.level)) }
            dt { "Allowed by" } dd { (person(&access.allowed_by)) ", " (layout::moment(access.from)) }
            @if let Some(note) = &access.note { dt { "Note" } dd { (note) } }
        }
        @if look.may_own() {
            form method="post" action=(place(look, "support-access/end")) {
                (layout::token(&look.visitor))
                button.danger { "End it now" }
            }
        }
    }
}

fn form(look: &Look, open: bool, typed: &Fields) -> Markup {
    let admin = typed.text("level") == "admin";
    let hours =
        Some(typed.text("hours")).filter(|hours| !hours.is_empty()).unwrap_or_else(|| "24".to_owned());
    html! {
        h2 { @if open { "Allow something else instead" } @else { "Allow it for a while" } }
        form.plain method="post" action=(place(look, PAGE)) {
            (layout::token(&look.visitor))
            label { "For how many hours"
                input name="hours" inputmode="numeric" value=(hours) required;
                small { "1 to 168, which is a week. It ends by itself." }
            }
            label { "Support may"
                select name="level" {
                    option value="viewer" selected[!admin] { "Look at everything except secrets" }
                    option value="admin" selected[admin] { "Also change things" }
                }
                small { "Never: members, tokens, webhooks, keys, PINs, how long logs are kept, this setting." }
            }
            label { "Note" input name="note" value=(typed.text("note")) maxlength="500"; small { "What for. Support reads it." } }
            button type="submit" { "Allow" }
        }
    }
}
