//! Where each kind of secret is: `template.yaml` grants by these paths, so a function reads only what its job needs.

use crate::domain::profile_signer::Whose;
use crate::id::{AuthorityId, Fingerprint, KeyId, TenantId};

/// Where the operator's MDM vendor certificate was when there could be only one.
pub(super) const FORMER_VENDOR: &str = "vendor";

/// One of the operator's MDM vendor certificates with key and chain.
pub(super) fn vendor(fingerprint: &Fingerprint) -> String {
    format!("vendor/{fingerprint}")
}

/// The key of a push certificate: made at the request, live from activation on.
pub(super) fn push_key(tenant: &TenantId, key: &KeyId) -> String {
    format!("{tenant}/push-key/{key}")
}

/// A push certificate with its key, locked with the password that was chosen for its export.
pub(super) fn push_export(tenant: &TenantId, key: &KeyId) -> String {
    format!("{tenant}/push-export/{key}")
}

/// The key of a tenant's identity authority: for the SCEP function only.
pub(super) fn authority(tenant: &TenantId, authority: &AuthorityId) -> String {
    format!("{tenant}/authority/{authority}")
}

/// The key that signs a tenant's profiles.
pub(super) fn profile_signer(tenant: &TenantId, authority: &AuthorityId) -> String {
    format!("{tenant}/profile-signer/{authority}")
}

/// The key of a signing certificate that a tenant or the operator brought along. No tenant is named `server`.
pub(super) fn signing_key(whose: Whose<'_>, key: &KeyId) -> String {
    match whose {
        Whose::Tenant(scope) => format!("{}/signing-key/{key}", scope.tenant()),
        Whose::Server => format!("server/signing-key/{key}"),
    }
}

/// The password that removes a tenant's enrollment profile.
pub(super) fn removal_password(tenant: &TenantId, password: &KeyId) -> String {
    format!("{tenant}/removal-password/{password}")
}

/// What a tenant's own SCEP server wants to hear: a challenge, or the password of who may ask for one.
pub(super) fn scep_secret(tenant: &TenantId, secret: &KeyId) -> String {
    format!("{tenant}/scep-secret/{secret}")
}

/// By which this server proves itself to a tenant's OpenID provider.
pub(super) fn openid_secret(tenant: &TenantId, secret: &KeyId) -> String {
    format!("{tenant}/openid-secret/{secret}")
}

/// The key that seals what devices deposit: unlock tokens, bootstrap tokens.
pub(super) fn data_key(tenant: &TenantId) -> String {
    format!("{tenant}/data-key")
}
