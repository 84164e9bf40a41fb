//! The certificate by which devices show the organization's profiles as verified.

use axum::response::Response;
use maud::html;
use shared::error::{Error, Result};
use shared::scope::Realm;
use shared::service::profile_signer::{install_profile_signer, remove_profile_signer};

use super::place;
use crate::layout::{self, Part};
use crate::look::{Act, Look};
use crate::refusal::Refusal;
use crate::signer;

const TITLE: &str = "Signing certificate";
const PAGE: &str = "signing-certificate";

/// What signs, and the forms.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, None).await
}

/// Installs one, in place of an earlier one.
pub(crate) async fn install(Act { look, fields }: Act) -> Result<Response, Refusal> {
    match install_profile_signer(&look.state, Realm::Tenant(&look.scope), &signer::files(&fields)).await {
        Ok(_) => Ok(layout::done(&place(&look, PAGE), "signer-installed")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

/// Gives the organization's own one up.
pub(crate) async fn remove(Act { look, .. }: Act) -> Result<Response, Refusal> {
    match remove_profile_signer(&look.state, Realm::Tenant(&look.scope)).await {
        Ok(()) => Ok(layout::done(&place(&look, PAGE), "signer-removed")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

async fn answer(look: &Look, error: Option<&Error>) -> Result<Response, Refusal> {
    let now = look.state.clock.now();
    let signers = look.state.store.profile_signers(&look.scope).await?;
    let content = html! {
        header { h1 { (TITLE) } p { "Your own is optional. With one that devices trust, they show your profiles as verified and in your name." } }
        p { (signers.meaning(now)) }
        @if let Some(own) = &signers.own { (signer::facts(own, now)) }
        @if look.may_own() { (signer::forms(&look.visitor, &place(look, PAGE), signers.own.as_ref())) }
    };
    Ok(layout::page_with(look, Part::Settings, TITLE, error, &content))
}
