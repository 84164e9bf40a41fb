//! The keys of authorities, and of the identities they issue.

use super::{Key, expiry_month, link_uses_partition};
use crate::id::{Fingerprint, LinkId, PromiseId, RenewalId, TenantId};
use crate::time::Timestamp;

/// The partition of the index by tenant that lists the tenants whose devices may depend on mutual TLS.
pub(crate) const MUTUAL_TLS_TENANTS: &str = "*mutual-tls";

pub(crate) fn authority_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#AUTHORITY")
}

/// A tenant issues from one authority at a time: it has one place.
pub(crate) fn issuing_authority(tenant: &TenantId) -> Key {
    Key { pk: authority_partition(tenant), sk: "ISSUING".into() }
}

/// The tenant's own authority that a newer one has replaced.
pub(crate) fn replaced_authority(tenant: &TenantId, fingerprint: &Fingerprint) -> Key {
    Key { pk: authority_partition(tenant), sk: format!("OWN#{fingerprint}") }
}

pub(crate) fn trusted_authority(tenant: &TenantId, fingerprint: &Fingerprint) -> Key {
    Key { pk: authority_partition(tenant), sk: format!("TRUSTED#{fingerprint}") }
}

pub(crate) fn identity(tenant: &TenantId, fingerprint: &Fingerprint) -> Key {
    Key { pk: format!("TENANT#{tenant}#IDENTITY#{fingerprint}"), sk: "IDENTITY".into() }
}

/// The challenge in the profile by which a device renews its identity.
pub(crate) fn renewal_challenge(tenant: &TenantId, id: &RenewalId) -> Key {
    Key { pk: format!("TENANT#{tenant}#RENEWAL#{id}"), sk: "CHALLENGE".into() }
}

/// The name that one of a link's profiles asks another authority for.
pub(crate) fn identity_promise(tenant: &TenantId, link: &LinkId, promise: &PromiseId) -> Key {
    Key { pk: link_uses_partition(tenant, link), sk: format!("PROMISE#{promise}") }
}

/// That another authority's certificate was refused, on a day.
pub(crate) fn unpromised(tenant: &TenantId, signer: Fingerprint, day: &str) -> Key {
    Key { pk: format!("TENANT#{tenant}#UNPROMISED#{signer}"), sk: day.to_owned() }
}

pub(crate) fn identity_count_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#IDENTITIES")
}

/// One of sixteen counters of a month, so that devices enrolling together do not wait for one item.
pub(crate) fn identity_count(tenant: &TenantId, not_after: Timestamp, fingerprint: &Fingerprint) -> Key {
    let shard: String = fingerprint.to_string().chars().take(1).collect();
    Key { pk: identity_count_partition(tenant), sk: format!("{}#{shard}", expiry_month(not_after)) }
}
