//! Who may sign for a tenant's devices: authorities, and the certificates they issued.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::link_terms::LinkHolder;
use crate::error::Error;
use crate::id::{AuthorityId, EnrollmentId, Fingerprint, LinkId};
use crate::time::Timestamp;

/// How long an issued device identity lives, in days.
pub const IDENTITY_DAYS: u32 = 365;

/// How long an identity between the phases of an enrollment lives, in days. Its challenge ends sooner.
pub const PHASE_DAYS: u32 = 1;

/// The refusal of a signer who may not speak for an enrollment: it has another identity, or was never enrolled here.
pub fn not_bound(id: &EnrollmentId) -> Error {
    Error::forbidden(
        "identity-not-bound",
        format!("The signer's certificate does not belong to enrollment {id}."),
    )
}

/// The refusal of a signer whose identity an administrator revoked.
pub fn revoked() -> Error {
    Error::forbidden("identity-revoked", "The signer's certificate was revoked.")
}

/// A certificate authority whose identities a tenant accepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityAuthority {
    /// Names its key in the secret store.
    pub id: AuthorityId,
    /// Shown to people; the profile's display name where the authority is the tenant's own.
    pub common_name: String,
    /// The organization in its subject.
    pub organization: String,
    /// The certificate's DER.
    pub certificate: Bytes,
    /// Whether it issues: the newest one of the tenant's own.
    pub issuing: bool,
    /// Whether it certifies more than this tenant's devices: then an enrollment begins only with a certificate whose name one
    /// of our profiles asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// Since when a newer one issues in its place. None for one that was brought along from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_at: Option<Timestamp>,
    /// Since when its identities are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// When it ends.
    pub not_after: Timestamp,
    /// The certificate that signs profiles, DER, issued by this authority. Its key is another than the authority's, so
    /// that only the SCEP function may read that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_signer: Option<Bytes>,
    /// Since when the gateway that asks devices for certificates knows it. While it is accepted, the gateway keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_since: Option<Timestamp>,
}

/// Where an authority stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthorityState {
    /// It issues, and its identities are accepted.
    Active,
    /// Its identities are accepted; it issues to nobody but a device that is in the middle of its enrollment.
    Trusted,
    /// Its identities are refused.
    Retired,
}

impl IdentityAuthority {
    /// Where it stands.
    pub fn state(&self) -> AuthorityState {
        if self.retired_at.is_some() {
            AuthorityState::Retired
        } else if self.issuing {
            AuthorityState::Active
        } else {
            AuthorityState::Trusted
        }
    }

    /// Whether the tenant's devices may sign with its identities.
    pub fn is_accepted(&self) -> bool {
        self.retired_at.is_none()
    }

    /// Whether this server made it and has its key.
    pub fn is_own(&self) -> bool {
        self.issuing || self.replaced_at.is_some()
    }

    /// Whether a device can be asked to renew an identity of its: that identity is in a profile of ours.
    pub fn is_renewable(&self) -> bool {
        self.is_own() || self.external
    }

    /// SHA-256 of its certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }
}

/// The identity that an enrollment signs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceIdentity {
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// SHA-256 of the certificate of its authority.
    pub authority: Fingerprint,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
}

/// The record of a device identity: issued by us, or brought along and seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssuedIdentity {
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// The certificate's DER.
    pub certificate: Bytes,
    /// When it ends.
    pub not_after: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The link whose challenge obtained it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkId>,
    /// Whom that link was for.
    #[serde(default)]
    pub holder: LinkHolder,
    /// The serial numbers and UDIDs it may be bound to; empty: any device.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub devices: BTreeSet<String>,
    /// The certificate it renews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<Fingerprint>,
    /// The device channel it is bound to, from Authenticate on. One certificate never serves two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<EnrollmentId>,
    /// When an administrator revoked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Until when, in unix seconds, an identity that came inside a profile waits for its device. DynamoDB's TTL reads it;
    /// the binding removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclaimed_until: Option<i64>,
}
