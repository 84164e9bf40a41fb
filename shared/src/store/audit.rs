//! The audit logs, of each tenant and of the operator: one partition per month, in the order of time.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{NEW, Store, keys, put_part};
use crate::domain::audit::AuditEntry;
use crate::domain::log::LogFilter;
use crate::error::Result;
use crate::scope::Realm;

impl Store {
    /// The part of a transaction that writes down what its other parts do.
    pub(super) fn audit_part<'a>(
        &self,
        realm: impl Into<Realm<'a>>,
        entry: &AuditEntry,
    ) -> Result<TransactWriteItem> {
        put_part(&self.tables.core, &keys::audit(realm.into(), entry), entry, Some(NEW))
    }

    /// Writes down what was done without changing anything else, such as reading a secret.
    pub async fn note<'a>(&self, realm: impl Into<Realm<'a>>, entry: &AuditEntry) -> Result<()> {
        self.write_if(vec![self.audit_part(realm, entry)?]).await.map(drop)
    }

    /// A month's entries, the latest first, before `before`, and the mark to continue with.
    ///
    /// `month` is `YYYY-MM` in UTC.
    pub async fn audit_log(
        &self,
        realm: Realm<'_>,
        month: &str,
        filter: &LogFilter,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<AuditEntry>, Option<String>)> {
        self.log_page(&keys::audit_partition(realm, month), filter, before, limit).await
    }
}
