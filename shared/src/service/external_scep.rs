//! The SCEP payload that sends a device to a SCEP server of the tenant's own. Which name it asks for is kept before it is delivered.

use std::collections::BTreeSet;

use super::fetch_challenge::challenge;
use super::issue_identity::subject;
use crate::domain::external_scep::{ExternalScep, FETCHED_LASTS};
use crate::domain::identity_promise::{IdentityPromise, PromisedName};
use crate::domain::link::EnrollmentLink;
use crate::error::Result;
use crate::protocol::enrollment_profile::{Identity, Scep};
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;

/// The payload for a device that opens a link, and its name. `devices`: whom the link or the phases before admit.
///
/// # Errors
/// Unavailable when the tenant's server gives no challenge: nothing is used up.
pub(super) async fn promised(
    state: &State,
    scope: &Scope,
    external: &ExternalScep,
    organization: &str,
    link: &EnrollmentLink,
    devices: BTreeSet<String>,
) -> Result<(PromisedName, Identity)> {
    let challenge = challenge(state, scope.tenant(), &external.challenge).await?;
    let now = state.clock.now();
    let expires_at =
        if external.challenge.is_fetched() { link.hour_ends(now) } else { link.promise_ends(now) };
    let promise = IdentityPromise {
        id: state.random.id(),
        link: link.id.clone(),
        holder: link.terms.holder.clone(),
        devices,
        expires_at,
        kept_by: None,
    };
    state.store.keep_promise(scope, &promise).await?;
    let name = PromisedName::Link { link: promise.link, promise: promise.id };
    let subject = subject(organization, link.terms.holder.group.as_deref(), &name.to_string());
    Ok((name, payload(external, subject, challenge)))
}

/// The payload of this subject and challenge.
pub(super) fn payload(
    external: &ExternalScep,
    subject: Vec<(String, String)>,
    challenge: Secret<String>,
) -> Identity {
    Identity::Scep(Scep {
        url: external.url.clone(),
        name: external.name.clone(),
        subject,
        challenge,
        ca_fingerprint: external.ca_fingerprint.to_vec(),
    })
}

/// How long a command with a challenge of this server may wait, in seconds; none: as long as others.
pub(super) fn lasts(external: &ExternalScep) -> Option<i64> {
    external.challenge.is_fetched().then_some(FETCHED_LASTS)
}
