//! The end of a tenant's push certificates: one write that stops everything, and one that removes everything.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};

use super::keys::{self, Key};
use super::{Item, Store, item, key_item, number, push_certificate_changed, put_item_part, text};
use crate::domain::audit::AuditEntry;
use crate::domain::push_certificates::{ActiveCertificate, PushCertificates};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::scope::Scope;

impl Store {
    /// Marks the certificates as being deleted. The pointer leaves the index by expiry: nobody is to renew.
    ///
    /// # Errors
    /// Conflict when somebody changed the certificates meanwhile.
    pub async fn begin_push_deletion(
        &self,
        scope: &Scope,
        begun: &ActiveCertificate,
        audit: &AuditEntry,
    ) -> Result<()> {
        let pointer: Item = item(&keys::push_active(scope.tenant()), begun)?;
        let before = HashMap::from([(":before".to_owned(), number(begun.version - 1))]);
        let put = put_item_part(&self.tables.pki, pointer, Some("version = :before"), before)?;
        self.all_or_changed(vec![put, self.audit_part(scope, audit)?]).await
    }

    /// Removes everything that `all` holds, and the claims to its topics. DynamoDB takes 100 parts in one transaction:
    /// enough for decades of renewals.
    ///
    /// # Errors
    /// Conflict when something came in meanwhile: its key is to be destroyed first.
    pub async fn remove_push_certificates(
        &self,
        scope: &Scope,
        all: &PushCertificates,
        audit: &AuditEntry,
    ) -> Result<()> {
        let tenant = scope.tenant();
        let version = number(all.active.as_ref().map_or(0, |active| active.version));
        let mut parts = vec![
            self.audit_part(scope, audit)?,
            self.remove(&keys::push_active(tenant), "version = :is", version)?,
            self.remove_keyed(&keys::push_request(tenant), all.request.as_ref().map(|request| &request.key))?,
            self.remove_keyed(&keys::push_staged(tenant), all.staged.as_ref().map(|staged| &staged.key))?,
        ];
        for installed in &all.installed {
            let key = keys::push_installed(tenant, &installed.certificate.fingerprint);
            parts.push(self.remove(&key, "activated_at = :is", text(installed.activated_at))?);
        }
        for topic in all.topics() {
            parts.push(self.remove(&keys::topic_claim(topic), "tenant = :is", text(tenant))?);
        }
        self.all_or_changed(parts).await
    }

    /// Removes a request or an upload, which must be the one with this key, or absent where there was none.
    fn remove_keyed(&self, key: &Key, with: Option<&KeyId>) -> Result<TransactWriteItem> {
        let unchanged = "attribute_not_exists(pk) OR key_id = :is";
        self.remove(key, unchanged, with.map_or_else(|| text("none"), text))
    }

    fn remove(&self, key: &Key, condition: &str, is: AttributeValue) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.tables.pki)
            .set_key(Some(key_item(key)))
            .condition_expression(condition)
            .expression_attribute_values(":is", is)
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    async fn all_or_changed(&self, parts: Vec<TransactWriteItem>) -> Result<()> {
        if self.write_if(parts).await? { Ok(()) } else { Err(push_certificate_changed()) }
    }
}
