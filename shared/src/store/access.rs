//! A tenant's switch for devices that are not enrolled.

use serde::{Deserialize, Serialize};

use super::{Store, keys, put_part};
use crate::domain::audit::AuditEntry;
use crate::error::Result;
use crate::scope::Scope;

#[derive(Serialize, Deserialize)]
struct AccessSettings {
    lets_unenrolled_in: bool,
}

impl Store {
    /// Whether the tenant lets in devices that are not enrolled.
    pub async fn lets_unenrolled_in(&self, scope: &Scope) -> Result<bool> {
        let found: Option<AccessSettings> =
            self.get(&self.tables.core, &keys::access_settings(scope.tenant())).await?;
        Ok(found.is_some_and(|settings| settings.lets_unenrolled_in))
    }

    /// Turns the switch, for the tenant as it is.
    pub async fn let_unenrolled_in(&self, scope: &Scope, lets_in: bool, audit: &AuditEntry) -> Result<()> {
        let key = keys::access_settings(scope.tenant());
        let record = AccessSettings { lets_unenrolled_in: lets_in };
        let put = put_part(&self.tables.core, &key, &record, None)?;
        self.write_if(vec![put, self.audit_part(scope, audit)?]).await.map(drop)
    }
}
