//! Enrollment links as the API shows them.

use serde::Serialize;
use shared::domain::identity::IssuedIdentity;
use shared::domain::link::{EnrollmentLink, LinkState, LinkUse};
use shared::time::{Timestamp, from_unix};
use utoipa::ToSchema;

/// A link without its token, which nobody can read again.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkSummary {
    id: String,
    state: LinkState,
    /// How many devices it enrolls; null: any number until it ends.
    uses: Option<u32>,
    /// How many identities it obtained.
    used: u32,
    group: Option<String>,
    name: Option<String>,
    email: Option<String>,
    /// Serial numbers and UDIDs; empty: any device.
    devices: Vec<String>,
    /// Whether it is for devices that people own.
    user_enrollment: bool,
    managed_apple_account: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

impl LinkSummary {
    pub(crate) fn new(link: EnrollmentLink, now: Timestamp) -> Self {
        let user_enrollment = link.terms.user_enrollment.as_ref();
        Self {
            user_enrollment: user_enrollment.is_some(),
            managed_apple_account: user_enrollment
                .and_then(|enrollment| enrollment.managed_apple_account.clone())
                .map(String::from),
            state: link.state(now),
            id: link.id.to_string(),
            uses: link.terms.uses,
            used: link.used,
            group: link.terms.holder.group,
            name: link.terms.holder.name,
            email: link.terms.holder.email.map(String::from),
            devices: link.terms.devices.into_iter().collect(),
            created_at: link.created_at,
            expires_at: from_unix(link.expires_at),
            revoked_at: link.revoked_at,
        }
    }
}

/// A link, and who used it.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkDetails {
    #[serde(flatten)]
    link: LinkSummary,
    /// The latest last.
    used_by: Vec<UseView>,
}

/// One use of a link.
#[derive(Serialize, ToSchema)]
pub(crate) struct UseView {
    /// SHA-256 of the identity it obtained.
    identity: String,
    #[schema(value_type = String, format = DateTime)]
    used_at: Timestamp,
    /// The device that enrolled with this identity; null before it did.
    enrollment: Option<String>,
}

impl LinkDetails {
    pub(crate) fn new(
        link: EnrollmentLink,
        mut uses: Vec<LinkUse>,
        identities: &[IssuedIdentity],
        now: Timestamp,
    ) -> Self {
        uses.sort_by_key(|used| used.used_at);
        let enrollment = |used: &LinkUse| {
            let identity = identities.iter().find(|identity| identity.fingerprint == used.fingerprint);
            identity.and_then(|identity| identity.enrollment.as_ref()).map(ToString::to_string)
        };
        let view = |used: &LinkUse| UseView {
            identity: used.fingerprint.to_string(),
            used_at: used.used_at,
            enrollment: enrollment(used),
        };
        Self { used_by: uses.iter().map(view).collect(), link: LinkSummary::new(link, now) }
    }
}
