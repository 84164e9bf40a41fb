//! The provider by which a tenant's members sign in, and who is on the way there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::{NEW, Store, item, key_item, keys, number, put_item_part, put_part, text};
use crate::domain::audit::AuditEntry;
use crate::domain::openid::{OpenidAttempt, OpenidProvider};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::scope::Scope;
use crate::time::Timestamp;

impl Store {
    /// The tenant's provider, if it has one.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn openid_provider(&self, scope: &Scope) -> Result<Option<OpenidProvider>> {
        self.get(&self.tables.core, &keys::openid_provider(scope.tenant())).await
    }

    /// Keeps a provider in place of the setting of `before`. `Ok(false)` when somebody else changed it meanwhile.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn put_openid_provider(
        &self,
        scope: &Scope,
        provider: &OpenidProvider,
        before: Option<&KeyId>,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let record = item(&keys::openid_provider(scope.tenant()), provider)?;
        let (condition, values) = match before {
            None => (NEW, HashMap::new()),
            Some(before) => ("revision = :before", HashMap::from([(":before".to_owned(), text(before))])),
        };
        let put = put_item_part(&self.tables.core, record, Some(condition), values)?;
        self.write_if(vec![put, self.audit_part(scope, audit)?]).await
    }

    /// Drops the setting of `before`. `Ok(false)` when somebody else changed it meanwhile.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn delete_openid_provider(
        &self,
        scope: &Scope,
        before: &KeyId,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let delete = Delete::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::openid_provider(scope.tenant()))))
            .condition_expression("revision = :before")
            .expression_attribute_values(":before", text(before))
            .build()
            .map_err(Error::internal)?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        self.write_if(vec![delete, self.audit_part(scope, audit)?]).await
    }

    /// Keeps what is compared when somebody comes back; `state` is a hash.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn begin_openid(&self, scope: &Scope, state: &str, attempt: &OpenidAttempt) -> Result<()> {
        let key = keys::openid_attempt(scope.tenant(), state);
        self.put_if(put_part(&self.tables.ephemeral, &key, attempt, Some(NEW))?).await.map(drop)
    }

    /// Uses up an attempt that this browser began; none when there is none, its time is over, or it was used.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn end_openid(
        &self,
        scope: &Scope,
        state: &str,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<OpenidAttempt>> {
        let key = keys::openid_attempt(scope.tenant(), state);
        let Some(attempt) = self.get::<OpenidAttempt>(&self.tables.ephemeral, &key).await? else {
            return Ok(None);
        };
        let delete = Delete::builder()
            .table_name(&self.tables.ephemeral)
            .set_key(Some(key_item(&key)))
            .condition_expression("browser = :browser AND expires_at > :now")
            .expression_attribute_values(":browser", text(browser))
            .expression_attribute_values(":now", number(now.as_second()))
            .build()
            .map_err(Error::internal)?;
        // Of two who come back at the same moment one finds it gone.
        let used = self.write_if(vec![TransactWriteItem::builder().delete(delete).build()]).await?;
        Ok(used.then_some(attempt))
    }
}
