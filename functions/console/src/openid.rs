//! Signing in by an organization's own provider.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use shared::domain::openid::OpenidProvider;
use shared::error::{Error, Kind, Result};
use shared::http::{Query, status};
use shared::id::TenantId;
use shared::service::openid_sign_in::{Returned, begin_openid, finish_openid, openid_way};
use shared::state::AppState;

use crate::cookie::{self, AWAY};
use crate::layout;
use crate::refusal::{self, Refusal};
use crate::sign_in::{Next, form, own_page, welcome};

/// What a provider sends people back with.
#[derive(Default, serde::Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    iss: String,
}

/// The ways in. A tenant without a provider, and one that does not exist, have the mailed code.
pub(crate) async fn show(
    Path(named): Path<String>,
    State(state): State<AppState>,
    Query(Next { next, .. }): Query<Next>,
) -> Result<Response, Refusal> {
    let provider = match named.parse::<TenantId>() {
        Ok(tenant) => openid_way(&state, &tenant).await?,
        Err(_) => None,
    };
    let content = html! { (ways(&named, provider.as_ref(), &next)) };
    Ok(layout::answer(StatusCode::OK, layout::alone("Sign in", &content)))
}

/// Sends the browser to the provider. It goes there from a page of its own, because a form may lead nowhere but here, and
/// a redirect counts as where the form leads.
pub(crate) async fn begin(
    Path(named): Path<String>,
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Refusal> {
    let (fields, origin) = form(&state, request).await?;
    let tenant: TenantId = named.parse().map_err(|_| Error::not_found("page"))?;
    let next = fields.text("next");
    let (browser, url) = match begin_openid(&state, &tenant, own_page(&next), origin).await {
        Ok(begun) => begun,
        Err(error) => return refused(error, &tenant),
    };
    let content = html! {
        h1 { "On to your organization" }
        p { a href=(url) { "Go on" } " if nothing happens." }
    };
    let mut response = layout::answer(StatusCode::OK, layout::passing("Sign in", &url, &content));
    cookie::set(&state, response.headers_mut(), AWAY, &browser)?;
    Ok(response)
}

/// Takes what the provider says, and begins the session.
pub(crate) async fn finish(
    Path(named): Path<String>,
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response, Refusal> {
    let tenant: TenantId = named.parse().map_err(|_| Error::not_found("page"))?;
    let Answer { state: sent_along, code, error, iss } = answer;
    let returned = Returned { state: sent_along, code, error, iss };
    let browser = cookie::read(&state, &headers, AWAY);
    let mut response = match finish_openid(&state, &tenant, browser.as_ref(), &returned).await {
        Ok((session, next)) => welcome(&state, &session, &next)?,
        Err(error) => return refused(error, &tenant),
    };
    cookie::clear(&state, response.headers_mut(), AWAY)?;
    Ok(response)
}

/// Why nobody is signed in, and the way back.
fn refused(error: Error, tenant: &TenantId) -> Result<Response, Refusal> {
    if matches!(error.kind(), Kind::NotFound | Kind::RateLimited { .. } | Kind::Internal) {
        return Err(error.into());
    }
    tracing::warn!(code = error.code(), error = %error.chain(), %tenant, "a sign-in by a provider was refused");
    let content = html! {
        h1 { "You are not signed in" }
        (layout::trouble(&error))
        p { a href=(format!("/console/{tenant}/sign-in")) { "Back to the sign-in page" } }
    };
    Ok(layout::answer(status(error.kind()), layout::alone("You are not signed in", &content)))
}

fn ways(tenant: &str, provider: Option<&OpenidProvider>, next: &str) -> Markup {
    let mailed = refusal::sign_in("/console/sign-in", Some(next).filter(|next| !next.is_empty()));
    let mailed = format!("{mailed}{}mail=1", if mailed.contains('?') { '&' } else { '?' });
    let Some(provider) = provider else {
        return html! {
            h1 { "Sign in" }
            p { "Members of this organization sign in with a code that comes by mail." }
            p { a role="button" href=(mailed) { "Send me a code" } }
        };
    };
    let name = provider.name();
    html! {
        h1 { "Sign in" }
        p { "Your organization signs in with " strong { (name) } "." }
        form method="post" action=(format!("/console/{tenant}/sign-in")) {
            input type="hidden" name="next" value=(next);
            button autofocus { "Sign in with " (name) }
        }
        @if !provider.required {
            p.quiet { a href=(mailed) { "Have a code mailed instead" } }
        }
    }
}
