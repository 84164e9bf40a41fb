//! A link that enrolls one device.

use super::authenticate_device::authorities;
use crate::domain::audit::AuditAction;
use crate::domain::identity::IdentityAuthority;
use crate::domain::link::{EnrollmentLink, LinkToken};
use crate::error::{Error, Result};
use crate::id::LinkId;
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;
use crate::time::DAY;

/// How long a link lives unless asked otherwise, in days.
pub const DEFAULT_DAYS: i64 = 7;
/// How long a link may live at most, in days.
const LONGEST_DAYS: i64 = 90;

/// Makes a link and returns it with its URL, whose token is shown once.
///
/// # Errors
/// Malformed when the time is too long; Conflict when devices cannot enroll: no authority, no usable push certificate.
pub async fn create_enrollment_link(
    state: &State,
    scope: &Scope,
    valid_days: i64,
) -> Result<(EnrollmentLink, Secret<String>)> {
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
    let audit = state.audit(scope, AuditAction::EnrollmentLinkCreated).with("link", &link.id);
    state.store.create_link(scope, &link, &audit).await?;
    let url = format!("{}/enroll/{}/{}", state.config.base_url, scope.tenant(), token.reveal().expose());
    Ok((link, Secret::new(url)))
}

/// The authority that issues the tenant's identities.
///
/// # Errors
/// Conflict when there is none.
pub(super) async fn issuing_authority(state: &State, scope: &Scope) -> Result<IdentityAuthority> {
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
