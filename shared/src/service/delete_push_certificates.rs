//! Deleting a tenant's push certificates for good, with all their keys.

use super::secret_path;
use crate::domain::audit::AuditAction;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::state::State;

/// What the person who deletes has typed.
#[derive(Clone, Debug, Default)]
pub struct DeletionConfirmed {
    /// The tenant's name.
    pub name: String,
    /// How many devices must enroll again.
    pub orphans: Option<u64>,
}

/// Destroys every key, then removes every certificate, the request, the upload and the claims to the topics; returns
/// how many devices must enroll again. Their enrollments stay as records, and their polls are answered as ever.
///
/// A mark is set first: a call that dies in between leaves nothing that can be used, and a repeated one completes it.
///
/// # Errors
/// Conflict when there is nothing to delete, when name or number are not what was typed, or when somebody changed the
/// certificates meanwhile.
pub async fn delete_push_certificates(
    state: &State,
    scope: &Scope,
    confirmed: &DeletionConfirmed,
) -> Result<u64> {
    let mut all = state.store.push_certificates(scope).await?;
    let begun = all.begin_deletion()?;
    let name = state.store.tenant(scope).await?.name;
    let mut orphans = 0;
    for topic in all.topics() {
        orphans += state.store.count_devices_on(scope, topic).await?;
    }
    if confirmed.name != name || confirmed.orphans != Some(orphans) {
        return Err(not_confirmed(&name, orphans));
    }
    let fingerprints = all.installed.iter().map(|installed| installed.certificate.fingerprint.to_string());
    let fingerprints = fingerprints.collect::<Vec<_>>().join(" ");
    let audit = |action| {
        state.audit(scope, action).with("fingerprints", &fingerprints).with("orphaned_enrollments", orphans)
    };
    if all.active.as_ref() != Some(&begun) {
        let audit = audit(AuditAction::PushCertificatesDeletionBegun);
        state.store.begin_push_deletion(scope, &begun, &audit).await?;
        state.push_certificates.forget(scope.tenant());
        all.active = Some(begun);
    }
    for key in all.keys() {
        state.secrets.destroy(&secret_path::push_export(scope.tenant(), key)).await?;
        state.secrets.destroy(&secret_path::push_key(scope.tenant(), key)).await?;
    }
    let audit = audit(AuditAction::PushCertificatesDeleted);
    state.store.remove_push_certificates(scope, &all, &audit).await?;
    state.push_certificates.forget(scope.tenant());
    tracing::warn!(tenant = %scope.tenant(), actor = %scope.actor(), orphans, "push certificates deleted");
    Ok(orphans)
}

fn not_confirmed(name: &str, orphans: u64) -> Error {
    let devices =
        if orphans == 1 { "1 enrolled device".into() } else { format!("{orphans} enrolled devices") };
    Error::conflict(
        "deletion-not-confirmed",
        format!("This destroys the push certificates and their keys for good: {devices} must enroll again."),
    )
    .at("confirm")
    .next(format!(
        "To delete all the same, send \"confirm\": \"{name}\" and \"confirm_orphaned\": {orphans}."
    ))
}
