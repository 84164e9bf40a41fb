//! The audit logs, of each tenant and of the operator: one partition per month, in the order of time.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{NEW, Store, error, keys, put_part, read, text};
use crate::domain::audit::AuditEntry;
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

    /// A month's entries, the latest first, before `before`, and the mark to continue with.
    ///
    /// `month` is `YYYY-MM` in UTC.
    pub async fn audit_log(
        &self,
        realm: Realm<'_>,
        month: &str,
        before: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<AuditEntry>, Option<String>)> {
        let mut query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .scan_index_forward(false)
            .expression_attribute_values(":pk", text(keys::audit_partition(realm, month)))
            .limit(limit);
        query = match before {
            Some(before) => query
                .key_condition_expression("pk = :pk AND sk < :before")
                .expression_attribute_values(":before", text(super::mark(before)?)),
            None => query.key_condition_expression("pk = :pk"),
        };
        let page = query.send().await.map_err(error::read)?;
        let more = page.last_evaluated_key.is_some();
        let last = page.items().last().and_then(|item| item.get("sk")).and_then(|mark| mark.as_s().ok());
        let next = last.filter(|_| more).map(hex::encode);
        let entries = page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_>>()?;
        Ok((entries, next))
    }
}
