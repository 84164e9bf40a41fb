//! Who may sign for a tenant's devices: authorities, and the certificates they issued.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::link_terms::LinkHolder;
use crate::id::{AuthorityId, EnrollmentId, Fingerprint, LinkId};
use crate::time::Timestamp;

/// How long an issued device identity lives, in days.
pub const IDENTITY_DAYS: u32 = 365;

/// How long an identity between the phases of an enrollment lives, in days. Its challenge ends sooner.
pub const PHASE_DAYS: u32 = 1;

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
    /// Whether it issues (the tenant's own) or is only trusted (brought along from elsewhere).
    pub issuing: bool,
    /// When it ends.
    pub not_after: Timestamp,
    /// The certificate that signs profiles, DER, issued by this authority. Its key is another than the authority's, so
    /// that only the SCEP function may read that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_signer: Option<Bytes>,
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
    /// Until when, in unix seconds, an identity that came inside a profile waits for its device. DynamoDB's TTL reads it;
    /// the binding removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclaimed_until: Option<i64>,
}
