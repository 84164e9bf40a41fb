//! The enrollment profile that brings its identity along: key and certificate made for this one profile.

use super::enrollment_profile::{Frame, ServedProfile, count_served, open_link};
use super::issue_identity::{certify, identity_subject, name, record};
use super::scep_authority::issuer;
use crate::domain::enrollment_settings::IdentitySource;
use crate::domain::identity::{IDENTITY_DAYS, IssuedIdentity};
use crate::domain::identity_name::{IdentityKind, IdentityName};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::pki::{Credential, carried_identity, key};
use crate::protocol::enrollment_profile::{Identity, Pkcs12};
use crate::state::State;

/// The profile behind a link's token, with a new identity each time. Nobody keeps the key.
///
/// The first device that begins an enrollment with one of a link's identities uses the link once, within its limits: until
/// then an identity only waits, and ends with its link or its hour.
///
/// # Errors
/// NotFound when the link is unknown, or the tenant's devices ask for their identities; Conflict when the link is over or
/// devices cannot enroll now.
pub async fn carried_profile(
    state: &State,
    tenant: TenantId,
    token: &str,
    unsigned: bool,
) -> Result<ServedProfile> {
    let (scope, link, _) = open_link(state, tenant, token).await?;
    let settings = state.store.enrollment_settings(&scope).await?;
    match settings.identity {
        IdentitySource::Pkcs12 => {}
        IdentitySource::Scep | IdentitySource::ExternalScep => {
            return Err(Error::not_found("profile with an identity"));
        }
    }
    let frame = Frame::read(state, &scope, &settings, &link.terms).await?;
    let number = count_served(state, &scope, &link).await?;
    let identity = IdentityName { kind: IdentityKind::Carried, link: link.id.clone(), number: Some(number) };
    let now = state.clock.now();
    let subject = identity_subject(&frame.authority.organization, &link.terms.holder, &identity);
    let issuer = issuer(state, &scope, frame.authority.clone()).await?;
    let key = key::generate()?;
    let certificate = certify(state, &issuer.credential, &key, &*name(&subject)?, IDENTITY_DAYS)?;
    let waits = IssuedIdentity {
        holder: link.terms.holder.clone(),
        devices: link.terms.devices.clone(),
        unclaimed_until: Some(link.promise_ends(now)),
        link: Some(link.id),
        ..record(&certificate, now)?
    };
    state.store.record_waiting_identity(&scope, &waits).await?;
    let password = state.random.token();
    let file = carried_identity::pack(&Credential { certificate, key }, &password)?;
    let payload = Identity::Pkcs12(Pkcs12 { file, password });
    frame.serve(state, &scope, &identity, payload, unsigned).await
}
