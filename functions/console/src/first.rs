//! Where everybody comes in: the organizations that somebody is a member of, and where they are signed in.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use shared::domain::rights::Right;
use shared::domain::token::Owner;
use shared::scope::Role;

use crate::layout;
use crate::look::Signed;
use crate::refusal::Refusal;

/// The one organization, or a choice.
pub(crate) async fn show(signed: Signed) -> Result<Response, Refusal> {
    if let [only] = signed.visitor.memberships() {
        return Ok(Redirect::to(&layout::home_of(&only.owner)).into_response());
    }
    let mut choices = Vec::new();
    for membership in signed.visitor.memberships() {
        let name = match &membership.owner {
            Owner::Operator => "This server".to_owned(),
            Owner::Tenant(tenant) => {
                let scope = signed.visitor.may(tenant.clone(), Right::Look)?;
                signed.state.store.tenant(&scope).await?.name
            }
        };
        choices.push((name, layout::home_of(&membership.owner), role_name(membership.role)));
    }
    Ok(layout::answer(StatusCode::OK, layout::alone("Organizations", &choice(&choices))))
}

fn choice(choices: &[(String, String, &str)]) -> Markup {
    html! {
        h1 { "Where do you want to go?" }
        ul {
            @for (name, place, role) in choices {
                li { a href=(place) { (name) } " " span.quiet { (role) } }
            }
        }
    }
}

/// How a role is called.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Admin => "administrator",
        Role::HelpDesk => "help desk",
        Role::Viewer => "viewer",
    }
}

/// The role that a form names: the least of all where it names none.
pub(crate) fn typed_role(typed: &str) -> Role {
    match typed {
        "admin" => Role::Admin,
        "help-desk" => Role::HelpDesk,
        _ => Role::Viewer,
    }
}

/// Since when this browser is signed in, and how to end it everywhere.
pub(crate) async fn sessions(signed: Signed) -> Result<Response, Refusal> {
    let visitor = &signed.visitor;
    let content = html! {
        h1 { "Signed in as " (visitor.address()) }
        p { "In this browser since " (layout::moment(visitor.since())) ". You are signed out after two hours without a page, and after
            twelve hours in any case." }
        form method="post" action="/console/sign-out-everywhere" {
            (layout::token(visitor))
            button.secondary { "Sign out everywhere" }
        }
        p.quiet { "Use it if you left a browser signed in elsewhere. Every browser has to sign in again." }
        p { a href="/console" { "Back" } }
    };
    Ok(layout::answer(StatusCode::OK, layout::alone("Signed in", &content)))
}
