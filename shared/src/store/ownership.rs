//! Who can renew a tenant's push certificate.

use std::collections::HashMap;

use super::{NEW, Store, item, keys, number, push_certificate_changed, put_item_part};
use crate::domain::audit::AuditEntry;
use crate::domain::ownership::Ownership;
use crate::error::Result;
use crate::scope::Scope;

impl Store {
    /// The record, if there is one.
    pub async fn ownership(&self, scope: &Scope) -> Result<Option<Ownership>> {
        self.get(&self.tables.pki, &keys::ownership(scope.tenant())).await
    }

    /// Keeps the record, whose version is one more than that of the record it takes the place of.
    ///
    /// # Errors
    /// Conflict when somebody changed it meanwhile.
    pub async fn put_ownership(&self, scope: &Scope, record: &Ownership, audit: &AuditEntry) -> Result<()> {
        let (condition, values) = match record.version {
            1 => (NEW, HashMap::new()),
            next => ("version = :before", HashMap::from([(":before".to_owned(), number(next - 1))])),
        };
        let kept = item(&keys::ownership(scope.tenant()), record)?;
        let put = put_item_part(&self.tables.pki, kept, Some(condition), values)?;
        if self.write_if(vec![put, self.audit_part(scope, audit)?]).await? {
            Ok(())
        } else {
            Err(push_certificate_changed())
        }
    }
}
