//! Signing in with a code that is mailed, and signing out.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use shared::error::{Error, Kind, Result};
use shared::http::{Query, origin};
use shared::secret::Secret;
use shared::service::authenticate_visitor::{sign_out, sign_out_everywhere};
use shared::service::openid_sign_in::openid_way;
use shared::service::sign_in::{ask_code, enter_code};
use shared::state::{AppState, State as Server};

use crate::cookie::{self, ASKED, SESSION};
use crate::fields::Fields;
use crate::layout;
use crate::look::{SignedAct, from_here};
use crate::refusal::{self, Refusal, own_door, tenant_of};

/// Where to go afterwards.
#[derive(Default, serde::Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    pub(crate) next: String,
    /// Whether a code is wanted although the page's organization has another way.
    #[serde(default)]
    mail: String,
}

/// Asks for the address; who wants a page of an organization with a provider is shown that way first.
pub(crate) async fn show(
    State(state): State<AppState>,
    Query(Next { next, mail }): Query<Next>,
) -> Result<Response, Refusal> {
    if mail.is_empty()
        && let Some(tenant) = tenant_of(&next)
        && openid_way(&state, &tenant).await?.is_some()
    {
        return Ok(Redirect::to(&refusal::sign_in(&own_door(&tenant), Some(&next))).into_response());
    }
    Ok(answer(None, &address_form("", &next)))
}

/// Mails the code, and asks for it.
pub(crate) async fn ask(State(state): State<AppState>, request: Request) -> Result<Response, Refusal> {
    let (fields, origin) = form(&state, request).await?;
    let (address, next) = (fields.text("address"), fields.text("next"));
    match ask_code(&state, &address, origin).await {
        Ok(browser) => {
            let mut response = answer(None, &code_form(&address, &next));
            cookie::set(&state, response.headers_mut(), ASKED, &browser)?;
            Ok(response)
        }
        Err(error) if error.kind() == Kind::Malformed => {
            Ok(answer(Some(&error), &address_form(&address, &next)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Begins the session.
pub(crate) async fn enter(
    State(state): State<AppState>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let (fields, origin) = form(&state, request).await?;
    let next = fields.text("next");
    let browser = cookie::read(&state, &headers, ASKED).unwrap_or_else(|| Secret::new(String::new()));
    match enter_code(&state, &browser, &fields.text("code"), origin).await {
        Ok(session) => Ok(welcome(&state, &session, &next)?),
        Err(error) if error.kind() == Kind::Unauthenticated => {
            Ok(answer(Some(&error), &code_form(&fields.text("address"), &next)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends the session.
pub(crate) async fn leave(SignedAct { signed }: SignedAct) -> Result<Response, Refusal> {
    sign_out(&signed.state, &signed.visitor).await?;
    Ok(farewell(&signed.state)?)
}

/// Ends all sessions of whoever asks.
pub(crate) async fn leave_everywhere(SignedAct { signed }: SignedAct) -> Result<Response, Refusal> {
    sign_out_everywhere(&signed.state, &signed.visitor).await?;
    Ok(farewell(&signed.state)?)
}

/// A session begins: its secret goes into the browser, and the page is shown that was asked for.
pub(crate) fn welcome(state: &Server, session: &Secret<String>, next: &str) -> Result<Response> {
    let mut response = Redirect::to(own_page(next)).into_response();
    cookie::set(state, response.headers_mut(), SESSION, session)?;
    cookie::clear(state, response.headers_mut(), ASKED)?;
    Ok(response)
}

fn farewell(state: &Server) -> Result<Response> {
    let mut response = Redirect::to("/console/sign-in").into_response();
    cookie::clear(state, response.headers_mut(), SESSION)?;
    Ok(response)
}

/// A page of the console and nothing else: a link must not send people elsewhere after they signed in.
pub(crate) fn own_page(next: &str) -> &str {
    let own = next.starts_with("/console/") && !next.contains(['\\', '\n', '\r']) && !next.contains("//");
    if own { next } else { "/console" }
}

/// A form of somebody who is not signed in, and where it comes from.
pub(crate) async fn form(state: &AppState, request: Request) -> Result<(Fields, Option<IpAddr>)> {
    from_here(request.headers(), &state.config.base_url)?;
    let (parts, body) = request.into_parts();
    let origin = origin(&parts);
    Ok((Fields::read(Request::from_parts(parts, body), state).await?, origin))
}

fn answer(error: Option<&Error>, content: &Markup) -> Response {
    let (status, content) = layout::with(error, None, content);
    layout::answer(status, layout::alone("Sign in", &content))
}

fn address_form(address: &str, next: &str) -> Markup {
    html! {
        h1 { "Sign in" }
        p.quiet { "Apple device management of your organization." }
        form method="post" action="/console/sign-in" {
            input type="hidden" name="next" value=(next);
            label { "E-mail address"
                input type="email" name="address" value=(address) autocomplete="username" required autofocus;
            }
            button { "Send me a code" }
        }
        p.quiet { "There is no password: a code comes by mail each time." }
    }
}

fn code_form(address: &str, next: &str) -> Markup {
    html! {
        h1 { "Enter the code" }
        p { "If " strong { (address) } " may sign in, a mail with a code of eight digits is on its way there. It works for ten minutes,
            in this browser." }
        form method="post" action="/console/sign-in/code" {
            input type="hidden" name="next" value=(next);
            input type="hidden" name="address" value=(address);
            label { "Code from the mail"
                input name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]*" required autofocus;
            }
            button { "Sign in" }
        }
        form method="post" action="/console/sign-in" {
            input type="hidden" name="next" value=(next);
            input type="hidden" name="address" value=(address);
            button.secondary.outline { "Send another code" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(own_page("/console/abc/devices?after=1"), "/console/abc/devices?after=1");
        for foreign in
            ["", "https://evil.example", "//evil.example", "/console//evil", "/v1/tenants", "/console/\\evil"]
        {
            assert_eq!(own_page(foreign), "/console", "{foreign}");
        }
    }
}
