//! The server's certificate for signing profiles: of every tenant that brings none.

use axum::response::Response;
use maud::html;
use shared::domain::profile_signer::Whose;
use shared::error::{Error, Result};
use shared::scope::Realm;
use shared::service::profile_signer::{install_profile_signer, remove_profile_signer};

use crate::layout;
use crate::look::{OperatorAct, OperatorLook};
use crate::refusal::Refusal;
use crate::signer;

const PLACE: &str = "/console/operator/signing-certificate";
const TITLE: &str = "Signing certificate";

/// What is installed, and the forms.
pub(crate) async fn show(look: OperatorLook) -> Result<Response, Refusal> {
    answer(&look, None).await
}

/// Installs one, in place of an earlier one.
pub(crate) async fn install(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let realm = Realm::Operator(&look.operator);
    match install_profile_signer(&look.signed.state, realm, &signer::files(&fields)).await {
        Ok(_) => Ok(layout::done(PLACE, "signer-installed")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

/// Gives it up.
pub(crate) async fn remove(OperatorAct { look, .. }: OperatorAct) -> Result<Response, Refusal> {
    match remove_profile_signer(&look.signed.state, Realm::Operator(&look.operator)).await {
        Ok(()) => Ok(layout::done(PLACE, "signer-removed")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

async fn answer(look: &OperatorLook, error: Option<&Error>) -> Result<Response, Refusal> {
    let state = &look.signed.state;
    let signer = state.store.profile_signer(Whose::Server).await?;
    let content = html! {
        header { h1 { (TITLE) } p { "It signs the profiles of every tenant that has none of its own. Without one, the tenants' own authorities sign." } }
        @match &signer {
            Some(signer) => (signer::facts(signer, state.clock.now())),
            None => div.empty { p { "None is installed." } }
        }
        (signer::forms(&look.signed.visitor, PLACE, signer.as_ref()))
    };
    Ok(layout::operators_with(look, PLACE, TITLE, error, &content))
}
