//! Retiring an authority: devices that still sign with its identities are heard no more.

use crate::domain::audit::AuditAction;
use crate::domain::enrollment::Enrollment;
use crate::domain::identity::IdentityAuthority;
use crate::error::{Error, Result};
use crate::id::{AuthorityId, Fingerprint};
use crate::scope::Scope;
use crate::state::State;

/// Enrollments that are read at once.
const PAGE: i32 = 100;

/// Refuses the identities of an authority from now on. Warm processes that remember it accept them for a minute more.
/// Repeating it changes nothing.
///
/// # Errors
/// NotFound when there is no such authority; Conflict when it issues, or when devices sign with its identities and
/// `confirmed` is not their number.
pub async fn retire_identity_authority(
    state: &State,
    scope: &Scope,
    id: &AuthorityId,
    confirmed: Option<u64>,
) -> Result<IdentityAuthority> {
    let authorities = state.store.authorities(scope).await?;
    let authority = authorities.into_iter().find(|authority| authority.id == *id);
    let authority = authority.ok_or_else(|| Error::not_found("identity authority"))?;
    if authority.issuing {
        return Err(Error::conflict(
            "identity-authority-issues",
            "This authority issues the tenant's identities.",
        )
        .next("Make another one in its place first: POST .../identity-authority with \"replaces\"."));
    }
    if !authority.is_accepted() {
        return Ok(authority);
    }
    let settings = state.store.enrollment_settings(scope).await?;
    let fingerprint = authority.fingerprint();
    if settings
        .external()
        .is_some_and(|external| external.authorities.iter().any(|each| each.fingerprint == fingerprint))
    {
        return Err(Error::conflict(
            "identity-authority-issues",
            "This is the authority of the SCEP server that issues the tenant's identities.",
        )
        .next("Choose other enrollment settings first: PUT .../enrollment-settings."));
    }
    let devices = devices_of(state, scope, authority.fingerprint()).await?;
    if devices > 0 && confirmed != Some(devices) {
        return Err(not_confirmed(devices));
    }
    let audit = state
        .audit(scope, AuditAction::IdentityAuthorityRetired)
        .with("authority", &authority.id)
        .with("fingerprint", authority.fingerprint())
        .with("devices", devices);
    state.store.retire_authority(scope, &authority, &audit).await?;
    state.authorities.forget(scope.tenant());
    tracing::warn!(tenant = %scope.tenant(), authority = %authority.id, devices, "an identity authority was retired");
    Ok(IdentityAuthority { retired_at: Some(audit.at), ..authority })
}

/// How many devices sign with an identity of this authority.
async fn devices_of(state: &State, scope: &Scope, authority: Fingerprint) -> Result<u64> {
    let mut count = 0;
    let mut after: Option<String> = None;
    loop {
        let (found, next) = state.store.list_enrollments(scope, after.as_deref(), PAGE).await?;
        count += found.iter().filter(|device| signs_with(device, authority)).count() as u64;
        match next {
            Some(next) => after = Some(next),
            None => return Ok(count),
        }
    }
}

/// Whether it does, as far as is known: a device of which it is not known counts.
fn signs_with(device: &Enrollment, authority: Fingerprint) -> bool {
    let is_of = device.identity.as_ref().is_none_or(|identity| identity.authority == authority);
    device.id.user_id().is_none() && !device.certificates.is_empty() && is_of
}

fn not_confirmed(devices: u64) -> Error {
    let whose = if devices == 1 { "1 device signs".into() } else { format!("{devices} devices sign") };
    Error::conflict(
        "retirement-not-confirmed",
        format!("{whose} with an identity of this authority, and must enroll again if it is retired."),
    )
    .at("confirm_devices")
    .next(format!(
        "Wait until they have renewed, or ask them to. To retire it all the same, send \"confirm_devices\": {devices}."
    ))
}
