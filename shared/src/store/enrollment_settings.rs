//! What a tenant's enrollment profiles ask of devices.

use std::collections::HashMap;

use super::identity::TrustedExternal;
use super::{NEW, Store, item, keys, number, put_item_part};
use crate::domain::audit::AuditEntry;
use crate::domain::enrollment_settings::EnrollmentSettings;
use crate::error::{Error, Result};
use crate::scope::Scope;

impl Store {
    /// The settings, as they are unless the tenant changed them.
    pub async fn enrollment_settings(&self, scope: &Scope) -> Result<EnrollmentSettings> {
        let kept = self.get(&self.tables.core, &keys::enrollment_settings(scope.tenant())).await?;
        Ok(kept.unwrap_or_default())
    }

    /// Keeps the settings, whose version is one more than that of those they take the place of, and trusts the authorities of the
    /// tenant's own SCEP server.
    ///
    /// # Errors
    /// Conflict when somebody changed them meanwhile.
    pub async fn put_enrollment_settings(
        &self,
        scope: &Scope,
        settings: &EnrollmentSettings,
        trusted: &[TrustedExternal],
        audit: &AuditEntry,
    ) -> Result<()> {
        let (condition, values) = match settings.version {
            1 => (NEW, HashMap::new()),
            next => ("version = :before", HashMap::from([(":before".to_owned(), number(next - 1))])),
        };
        let kept = item(&keys::enrollment_settings(scope.tenant()), settings)?;
        let put = put_item_part(&self.tables.core, kept, Some(condition), values)?;
        let mut parts = vec![put, self.audit_part(scope, audit)?];
        for trusted in trusted {
            parts.push(self.trust_external_part(scope, trusted)?);
        }
        if self.write_if(parts).await? {
            Ok(())
        } else {
            Err(Error::conflict(
                "enrollment-settings-changed",
                "Somebody else changed the settings at the same time.",
            )
            .next("Look at the present ones and decide again."))
        }
    }
}
