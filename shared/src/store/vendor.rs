//! The operator's vendor certificates: a few items in one partition.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, TransactWriteItem};

use super::keys::{self, ACTIVE, VENDOR_PARTITION};
use super::{Cancelled, Item, NEW, Store, item, key_item, number, put_item_part, put_part, read, text};
use crate::domain::audit::AuditEntry;
use crate::domain::vendor_certificates::{ActiveVendor, VendorCertificates, VendorRecord};
use crate::error::{Error, Result};
use crate::id::Fingerprint;
use crate::scope::Operator;

/// The kind of credential, by which the index by expiry tells a vendor certificate from a tenant's push certificate.
const KIND: &str = "vendor-certificate";

impl Store {
    /// Every vendor certificate. One query.
    pub async fn vendor_certificates(&self) -> Result<VendorCertificates> {
        let mut all = VendorCertificates::default();
        for item in self.partition(&self.tables.pki, VENDOR_PARTITION, "").await? {
            if item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk == ACTIVE) {
                all.active = Some(read(item)?);
            } else {
                all.installed.push(read(item)?);
            }
        }
        Ok(all)
    }

    /// Installs a certificate, again if need be; `first` makes it the active one where there was none.
    ///
    /// # Errors
    /// Conflict when another became the first at the same time.
    pub async fn put_vendor(
        &self,
        operator: &Operator,
        record: &VendorRecord,
        first: Option<&ActiveVendor>,
        audit: &AuditEntry,
    ) -> Result<()> {
        let put = put_part(&self.tables.pki, &keys::vendor(&record.fingerprint), record, None)?;
        let mut parts = vec![put, self.audit_part(operator, audit)?];
        if let Some(first) = first {
            parts.push(self.pointer_part(first, record)?);
        }
        self.transact(parts).await.map_err(changed)
    }

    /// Makes an installed certificate the one that signs.
    ///
    /// # Errors
    /// Conflict when somebody else changed the certificates at the same time.
    pub async fn activate_vendor(
        &self,
        operator: &Operator,
        active: &ActiveVendor,
        record: &VendorRecord,
        audit: &AuditEntry,
    ) -> Result<()> {
        let installed = ConditionCheck::builder()
            .table_name(&self.tables.pki)
            .set_key(Some(key_item(&keys::vendor(&record.fingerprint))))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(Error::internal)?;
        let installed = TransactWriteItem::builder().condition_check(installed).build();
        let parts = vec![self.pointer_part(active, record)?, installed, self.audit_part(operator, audit)?];
        self.transact(parts).await.map_err(changed)
    }

    /// Removes a certificate that does not sign.
    ///
    /// # Errors
    /// Conflict when somebody else made it the active one, or removed it, at the same time.
    pub async fn delete_vendor(
        &self,
        operator: &Operator,
        fingerprint: &Fingerprint,
        audit: &AuditEntry,
    ) -> Result<()> {
        let delete = Delete::builder()
            .table_name(&self.tables.pki)
            .set_key(Some(key_item(&keys::vendor(fingerprint))))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(Error::internal)?;
        let idle = ConditionCheck::builder()
            .table_name(&self.tables.pki)
            .set_key(Some(key_item(&keys::vendor_active())))
            .condition_expression("fingerprint <> :fingerprint")
            .expression_attribute_values(":fingerprint", text(fingerprint))
            .build()
            .map_err(Error::internal)?;
        let parts = vec![
            TransactWriteItem::builder().delete(delete).build(),
            TransactWriteItem::builder().condition_check(idle).build(),
            self.audit_part(operator, audit)?,
        ];
        self.transact(parts).await.map_err(changed)
    }

    fn pointer_part(&self, active: &ActiveVendor, record: &VendorRecord) -> Result<TransactWriteItem> {
        let mut pointer: Item = item(&keys::vendor_active(), active)?;
        pointer.insert("kind".into(), text(KIND));
        pointer.insert("expiry_month".into(), text(keys::expiry_month(record.not_after)));
        pointer.insert("expiry".into(), text(record.not_after));
        let (unchanged, version) = match active.version {
            1 => (NEW, HashMap::new()),
            next => ("version = :before", HashMap::from([(":before".to_owned(), number(next - 1))])),
        };
        put_item_part(&self.tables.pki, pointer, Some(unchanged), version)
    }
}

fn changed(cancelled: Cancelled) -> Error {
    match cancelled {
        Cancelled::Condition(_) => Error::conflict(
            "vendor-certificate-changed",
            "Somebody else changed the vendor certificates at the same time. Nothing was changed by you.",
        )
        .next("Look at the list and decide again."),
        Cancelled::Collided(error) | Cancelled::Failed(error) => error,
    }
}
