//! Links that enroll devices: made, and revoked.

use super::authenticate_device::authorities;
use super::create_group::ensure_group;
use crate::domain::audit::AuditAction;
use crate::domain::identity::IdentityAuthority;
use crate::domain::link::{EnrollmentLink, LONGEST_DAYS, LinkToken};
use crate::domain::link_terms::LinkTerms;
use crate::error::{Error, Result};
use crate::id::LinkId;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::time::DAY;

/// How long a link lives unless asked otherwise, in days.
pub const DEFAULT_DAYS: i64 = 7;

/// Makes a link and returns it with its URL, whose token is shown once.
///
/// # Errors
/// Malformed when the time or the terms cannot be; Conflict when devices cannot enroll: no authority, no usable push certificate.
pub async fn create_enrollment_link(
    state: &State,
    scope: &Scope,
    valid_days: i64,
    terms: LinkTerms,
) -> Result<(EnrollmentLink, Secret<String>)> {
    let terms = terms.checked()?;
    if !(1..=LONGEST_DAYS).contains(&valid_days) {
        return Err(
            Error::malformed("link-life", format!("A link lives 1 to {LONGEST_DAYS} days.")).at("valid_days")
        );
    }
    let now = state.clock.now();
    state.store.push_certificates(scope).await?.usable(now)?;
    issuing_authority(state, scope).await?;
    let id: LinkId = state.random.id();
    let token = LinkToken::new(id.clone(), state.random.token());
    let link = EnrollmentLink::create(id, &token.secret, now, valid_days * DAY);
    let link = EnrollmentLink { terms, ..link };
    let uses = link.terms.uses.map_or_else(|| "unlimited".to_owned(), |uses| uses.to_string());
    let audit = state.audit(scope, AuditAction::EnrollmentLinkCreated).with("link", &link.id);
    let audit = audit.with("uses", uses);
    let audit = match &link.terms.holder.email {
        Some(email) => audit.with("email", email),
        None => audit,
    };
    if let Some(group) = &link.terms.holder.group {
        ensure_group(state, scope, group).await?;
    }
    state.store.create_link(scope, &link, &audit).await?;
    let url = format!("{}/enroll/{}/{}", state.config.base_url, scope.tenant(), token.reveal().expose());
    Ok((link, Secret::new(url)))
}

/// Revokes a link: it opens no more, and its challenges obtain nothing. Devices that it enrolled stay. Repeating it changes
/// nothing.
///
/// # Errors
/// NotFound when there is no such link.
pub async fn revoke_enrollment_link(state: &State, scope: &Scope, link: &LinkId) -> Result<()> {
    let audit = state.audit(scope, AuditAction::EnrollmentLinkRevoked).with("link", link);
    if state.store.revoke_link(scope, link, state.clock.now(), &audit).await? {
        return Ok(());
    }
    let known = state.store.link(scope, link).await?;
    known.map(drop).ok_or_else(|| Error::not_found("enrollment link"))
}

/// The authority that issues the tenant's identities.
///
/// # Errors
/// Conflict when there is none.
pub async fn issuing_authority(state: &State, scope: &Scope) -> Result<IdentityAuthority> {
    let issuing = async || -> Result<Option<IdentityAuthority>> {
        Ok(authorities(state, scope).await?.iter().find(|authority| authority.issuing).cloned())
    };
    let mut found = issuing().await?;
    if found.is_none() {
        // This process may have looked before it was made.
        state.authorities.forget(scope.tenant());
        found = issuing().await?;
    }
    found.ok_or_else(|| {
        Error::conflict(
            "mdm-not-configured",
            "MDM is not configured: this tenant has no identity authority yet.",
        )
        .next("Create it with POST /v1/tenants/{tenant}/identity-authority.")
    })
}
