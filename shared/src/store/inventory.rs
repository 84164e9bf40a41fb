//! The inventory of devices: one item a section, written together with the answer that tells it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{Store, item, keys, put_item_part, read};
use crate::domain::inventory::InventoryPart;
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::protocol::inventory::Section;
use crate::scope::Scope;

impl Store {
    /// What is known of a channel, in no particular order. DeviceInformation may be there several times, once for each set
    /// of queries.
    pub async fn inventory(&self, scope: &Scope, id: &EnrollmentId) -> Result<Vec<InventoryPart>> {
        let partition = keys::device_partition(scope.tenant(), id);
        let prefix = keys::inventory_prefix(id);
        self.partition(&self.tables.core, &partition, &prefix).await?.into_iter().map(read).collect()
    }

    /// A section of which there is one alone, as it was last told.
    pub async fn inventory_section(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        section: Section,
    ) -> Result<Option<InventoryPart>> {
        self.get(&self.tables.core, &keys::inventory(scope.tenant(), id, section, "")).await
    }

    /// The part of a transaction that keeps what a device told. It takes the former one's place: the transaction's other
    /// parts say whether the answer counts.
    pub(super) fn inventory_part(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        variant: &str,
        part: &InventoryPart,
    ) -> Result<TransactWriteItem> {
        let key = keys::inventory(scope.tenant(), id, part.section, variant);
        put_item_part(&self.tables.core, item(&key, part)?, None, HashMap::new())
    }
}
