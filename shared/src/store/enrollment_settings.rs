//! What a tenant's enrollment profiles ask of devices.

use std::collections::HashMap;

use super::identity::TrustedExternal;
use super::keys::{BY_TENANT_INDEX, MUTUAL_TLS_TENANTS};
use super::{NEW, Store, error, item, keys, number, put_item_part, text};
use crate::domain::audit::AuditEntry;
use crate::domain::enrollment_settings::EnrollmentSettings;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::scope::Scope;

impl Store {
    /// The settings, as they are unless the tenant changed them.
    pub async fn enrollment_settings(&self, scope: &Scope) -> Result<EnrollmentSettings> {
        let kept = self.get(&self.tables.core, &keys::enrollment_settings(scope.tenant())).await?;
        Ok(kept.unwrap_or_default())
    }

    /// A page of the tenants whose devices may depend on mutual TLS, after `after`.
    pub async fn mutual_tls_tenants(&self, after: Option<&TenantId>, limit: i32) -> Result<Vec<TenantId>> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(BY_TENANT_INDEX)
            .expression_attribute_values(":all", text(MUTUAL_TLS_TENANTS))
            .limit(limit);
        let query = match after {
            Some(after) => query
                .key_condition_expression("tenant = :all AND listed > :after")
                .expression_attribute_values(":after", text(after)),
            None => query.key_condition_expression("tenant = :all"),
        };
        let page = query.send().await.map_err(error::read)?;
        let listed = page.items().iter().filter_map(|item| item.get("listed")?.as_s().ok());
        listed.map(|id| id.parse()).collect()
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
        let mut kept = item(&keys::enrollment_settings(scope.tenant()), settings)?;
        if settings.mutual_tls_used {
            kept.insert("tenant".into(), text(MUTUAL_TLS_TENANTS));
            kept.insert("listed".into(), text(scope.tenant()));
        }
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
