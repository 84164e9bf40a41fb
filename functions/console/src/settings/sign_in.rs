//! By which provider members sign in.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::openid::OpenidProvider;
use shared::error::{Error, Result};
use shared::secret::Secret;
use shared::service::openid_settings::{
    NewOpenidProvider, change_openid_provider, redirect_uri, remove_openid_provider,
};

use super::place;
use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;

const TITLE: &str = "Sign-in";
const PAGE: &str = "sign-in";

/// What the form shows. A secret is never shown again.
#[derive(Default)]
struct Form {
    issuer: String,
    client_id: String,
    public_client: bool,
    required: bool,
}

impl Form {
    fn of(provider: Option<&OpenidProvider>) -> Self {
        provider.map_or_else(Self::default, |provider| Self {
            issuer: provider.issuer.clone(),
            client_id: provider.client_id.clone(),
            public_client: provider.secret.is_none(),
            required: provider.required,
        })
    }

    fn read(fields: &Fields) -> Self {
        Self {
            issuer: fields.text("issuer"),
            client_id: fields.text("client_id"),
            public_client: fields.ticked("public_client"),
            required: fields.ticked("required"),
        }
    }
}

/// The present provider, and the form.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    let provider = look.state.store.openid_provider(&look.scope).await?;
    Ok(answer(&look, provider.as_ref(), None, &Form::of(provider.as_ref())))
}

/// Takes what the form says.
pub(crate) async fn change(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let form = Form::read(&fields);
    let secret = Some(fields.text("client_secret")).filter(|secret| !secret.is_empty());
    let new = NewOpenidProvider {
        issuer: form.issuer.clone(),
        client_id: form.client_id.clone(),
        client_secret: secret.map(Secret::new),
        public_client: form.public_client,
        required: form.required,
    };
    match change_openid_provider(&look.state, &look.scope, new, look.visitor.came_by()).await {
        Ok(_) => Ok(layout::done(&place(&look, PAGE), "provider-saved")),
        Err(error) => {
            let provider = look.state.store.openid_provider(&look.scope).await?;
            Ok(answer(&look, provider.as_ref(), Some(&error), &form))
        }
    }
}

/// Gives the provider up.
pub(crate) async fn remove(Act { look, .. }: Act) -> Result<Response, Refusal> {
    match remove_openid_provider(&look.state, &look.scope).await {
        Ok(()) => Ok(layout::done(&place(&look, PAGE), "provider-removed")),
        Err(error) => Ok(answer(&look, None, Some(&error), &Form::default())),
    }
}

fn answer(look: &Look, provider: Option<&OpenidProvider>, error: Option<&Error>, form: &Form) -> Response {
    let content = html! {
        header {
            h1 { (TITLE) }
            p { "Members can sign in by your own identity provider, such as Google Workspace, Microsoft Entra ID, Okta or Keycloak:
                anything that speaks OpenID Connect." }
        }
        (present(look, provider))
        @if look.may_own() {
            h2 { @if provider.is_some() { "Change it" } @else { "Set it up" } }
            (edit(look, provider, form))
        }
        @if look.may_own() && provider.is_some() {
            h2 { "Give it up" }
            form.plain method="post" action=(place(look, "sign-in/remove")) {
                (layout::token(&look.visitor))
                p { "Everybody signs in with a code that comes by mail then, and whoever came by the provider has to sign in again." }
                button.secondary type="submit" { "Use mailed codes alone" }
            }
        }
    };
    layout::page_with(look, Part::Settings, TITLE, error, &content)
}

fn present(look: &Look, provider: Option<&OpenidProvider>) -> Markup {
    let Some(provider) = provider else {
        return html! { p { "At present everybody signs in with a code that comes by mail." } };
    };
    let door = format!("{}{}", look.state.config.base_url, look.path("sign-in"));
    html! {
        dl.facts {
            dt { "Provider" } dd { (provider.issuer) }
            dt { "Client ID" } dd { code { (provider.client_id) } }
            dt { "Mailed codes" } dd { @if provider.required { "Do not open this organization" } @else { "Open this organization, too" } }
            dt { "Since" } dd { (layout::moment(provider.changed_at)) }
            dt { "Members sign in at" } dd { a href=(door) { (door) } }
            dt { "You signed in by" } dd { (look.visitor.came_by().unwrap_or("a mailed code")) }
        }
    }
}

fn edit(look: &Look, provider: Option<&OpenidProvider>, form: &Form) -> Markup {
    html! {
        ol {
            li { "Register this server at your provider as a web application, with this redirect URI: "
                code { (redirect_uri(&look.state, &look.tenant.id)) } }
            li { "Type here what the provider shows. It is tried before it is saved." }
            li { "Sign out, and sign in by it. People come in by the e-mail address with which they are members: the provider makes nobody a member." }
        }
        form.plain method="post" {
            (layout::token(&look.visitor))
            label { "Issuer"
                input type="url" name="issuer" value=(form.issuer) required autocomplete="off";
                small { "Such as https://accounts.google.com, exactly as the provider writes it." }
            }
            label { "Client ID" input name="client_id" value=(form.client_id) required autocomplete="off"; }
            label { "Client secret"
                input type="password" name="client_secret" autocomplete="off";
                @if provider.is_some_and(|provider| provider.secret.is_some()) {
                    small { "Leave it empty to keep the present one." }
                }
            }
            label { input type="checkbox" name="public_client" checked[form.public_client]; "The provider gave no secret (a public client)" }
            label { input type="checkbox" name="required" checked[form.required]; "Mailed codes no longer open this organization" }
            small { "Only who signed in by the provider can switch this on. API tokens and enrolled devices are not concerned." }
            button type="submit" { "Try and save" }
        }
    }
}
