//! Tries of an export's password, in the table of things that end by themselves.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::{NEW, Store, item, key_item, keys, number, put_item_part};
use crate::domain::audit::AuditEntry;
use crate::domain::export_tries::ExportTries;
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::scope::Scope;

impl Store {
    /// The tries of late, which may be over: the reader compares their end with the clock.
    pub async fn export_tries(
        &self,
        scope: &Scope,
        certificate: &Fingerprint,
    ) -> Result<Option<ExportTries>> {
        self.get(&self.tables.ephemeral, &keys::export_tries(scope.tenant(), certificate)).await
    }

    /// Counts a try. `false` when another one was counted since `before` was read.
    pub async fn count_export_try(
        &self,
        scope: &Scope,
        certificate: &Fingerprint,
        before: Option<ExportTries>,
        tries: ExportTries,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let record = item(&keys::export_tries(scope.tenant(), certificate), &tries)?;
        let (condition, values) = match before {
            None => (NEW, HashMap::new()),
            Some(before) => (
                "tries = :tries AND expires_at = :end",
                HashMap::from([
                    (":tries".to_owned(), number(before.tries)),
                    (":end".to_owned(), number(before.expires_at)),
                ]),
            ),
        };
        let put = put_item_part(&self.tables.ephemeral, record, Some(condition), values)?;
        self.write_if(vec![put, self.audit_part(scope, audit)?]).await
    }

    /// Forgets the tries, because the password was right.
    pub async fn forget_export_tries(
        &self,
        scope: &Scope,
        certificate: &Fingerprint,
        audit: &AuditEntry,
    ) -> Result<()> {
        let delete = Delete::builder()
            .table_name(&self.tables.ephemeral)
            .set_key(Some(key_item(&keys::export_tries(scope.tenant(), certificate))))
            .build()
            .map_err(Error::internal)?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        // Nothing is conditional here: whatever was counted, somebody knew the password.
        self.write_if(vec![delete, self.audit_part(scope, audit)?]).await.map(drop)
    }
}
