//! A tenant that comes from another installation: everything first, then, step by step, the doors by which it is reached.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, TransactWriteItem};

use super::error::Cancelled;
use super::keys::{self, Key};
use super::moving::{StoredItem, Table};
use super::{Item, Store, key_item, key_of, number, put_item_part, text, update_part};
use crate::domain::audit::AuditEntry;
use crate::error::{Error, Result};
use crate::scope::{Operator, Scope};

/// How an import begins, or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportBegun {
    /// The tenant is here already.
    TenantExists,
    /// Another archive's import has begun.
    AnotherArchive,
    /// So many transactions have opened the tenant's doors; before the first one, everything else must be written.
    Here(u64),
}

/// The most items that go with one transaction beside what it checks and writes down: 100 is DynamoDB's limit.
pub const ITEMS_AT_ONCE: usize = 96;

impl Store {
    /// Begins an import of the archive with this digest, or goes on with it. What is left here of a tenant that once
    /// moved away goes.
    pub async fn begin_import(&self, scope: &Scope, digest: &str) -> Result<ImportBegun> {
        let absent = ConditionCheck::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::tenant(scope.tenant()))))
            .condition_expression(super::NEW)
            .build()
            .map_err(Error::internal)?;
        let key = keys::import_mark(scope.tenant());
        let mut mark = key_item(&key);
        mark.insert("v".into(), number(super::VERSION));
        mark.insert("digest".into(), text(digest));
        mark.insert("opened".into(), number(0));
        let parts = vec![
            TransactWriteItem::builder().condition_check(absent).build(),
            put_item_part(&self.tables.core, mark, Some(super::NEW), HashMap::new())?,
        ];
        let opened = match self.transact(parts).await {
            Ok(()) => 0,
            Err(Cancelled::Condition(0)) => return Ok(ImportBegun::TenantExists),
            Err(Cancelled::Condition(_)) => match self.raw(Table::Core, &key).await? {
                Some(mark) if mark.get("digest") == Some(&text(digest)) => opened(&mark)?,
                Some(_) => return Ok(ImportBegun::AnotherArchive),
                None => return Ok(ImportBegun::TenantExists),
            },
            Err(other) => return Err(other.into_error()),
        };
        if opened == 0 {
            self.clear_remains(scope, digest).await?;
        }
        Ok(ImportBegun::Here(opened))
    }

    /// Deletes what a tenant left here that moved away: nothing of it may come back beside what the archive holds.
    async fn clear_remains(&self, scope: &Scope, digest: &str) -> Result<()> {
        let aside = keys::set_aside_partition(scope.tenant());
        let kept = self.partition(&self.tables.core, &aside, "").await?;
        if kept.is_empty() {
            return Ok(());
        }
        for table in Table::ALL {
            let mut after = None;
            loop {
                let (items, next) = self.page_of_tenant(scope, table, after).await?;
                let remains = items.into_iter().filter_map(|item| key_of(&item));
                let remains =
                    remains.filter(|key| key.pk != aside && *key != keys::import_mark(scope.tenant()));
                self.delete_all(scope, digest, table, &remains.collect::<Vec<_>>()).await?;
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        // Last, because they say that there are remains.
        let kept: Vec<Key> = kept.iter().filter_map(key_of).collect();
        self.delete_all(scope, digest, Table::Core, &kept).await
    }

    async fn delete_all(&self, scope: &Scope, digest: &str, table: Table, keys: &[Key]) -> Result<()> {
        for some in keys.chunks(ITEMS_AT_ONCE) {
            let mut parts = vec![self.filling_part(scope, digest)?];
            for key in some {
                let delete = Delete::builder().table_name(self.named(table)).set_key(Some(key_item(key)));
                let delete = delete.build().map_err(Error::internal)?;
                parts.push(TransactWriteItem::builder().delete(delete).build());
            }
            self.transact(parts).await.map_err(Cancelled::into_error)?;
        }
        Ok(())
    }

    /// Writes up to [`ITEMS_AT_ONCE`] items of a tenant whose doors are still shut; `false` when this import has come
    /// further meanwhile, by another process's hand.
    pub async fn fill_import(&self, scope: &Scope, digest: &str, items: &[StoredItem]) -> Result<bool> {
        let mut parts = vec![self.filling_part(scope, digest)?];
        parts.extend(self.put_parts(items)?);
        self.write_if(parts).await
    }

    /// Opens up to [`ITEMS_AT_ONCE`] doors, which are not the last: the step after the `opened` ones before.
    pub async fn open_doors(
        &self,
        scope: &Scope,
        digest: &str,
        opened: u64,
        doors: &[StoredItem],
    ) -> Result<bool> {
        let mut values = at(digest, opened);
        values.insert(":next".into(), number(opened.saturating_add(1)));
        let key = keys::import_mark(scope.tenant());
        let mut parts =
            vec![update_part(&self.tables.core, &key, "SET opened = :next", Some(IS_AT), values)?];
        parts.extend(self.put_parts(doors)?);
        self.write_if(parts).await
    }

    /// Opens the last doors: from here on the tenant is this installation's. The logs of both say so.
    pub async fn finish_import(
        &self,
        scope: &Scope,
        (digest, opened): (&str, u64),
        doors: &[StoredItem],
        audit: &AuditEntry,
        (operator, operators): (&Operator, &AuditEntry),
    ) -> Result<bool> {
        let delete = Delete::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::import_mark(scope.tenant()))))
            .condition_expression(IS_AT)
            .set_expression_attribute_values(Some(at(digest, opened)))
            .build()
            .map_err(Error::internal)?;
        let mut parts = vec![
            TransactWriteItem::builder().delete(delete).build(),
            self.audit_part(scope, audit)?,
            self.audit_part(operator, operators)?,
        ];
        parts.extend(self.put_parts(doors)?);
        self.write_if(parts).await
    }

    /// The part of a transaction that holds while no door is open.
    fn filling_part(&self, scope: &Scope, digest: &str) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::import_mark(scope.tenant()))))
            .condition_expression(IS_AT)
            .set_expression_attribute_values(Some(at(digest, 0)))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn put_parts(&self, items: &[StoredItem]) -> Result<Vec<TransactWriteItem>> {
        let put = |found: &StoredItem| {
            put_item_part(self.named(found.table), found.item.clone(), None, HashMap::new())
        };
        items.iter().map(put).collect()
    }
}

/// The condition of an import that stands at a step.
const IS_AT: &str = "digest = :digest AND opened = :opened";

fn at(digest: &str, opened: u64) -> Item {
    HashMap::from([(":digest".into(), text(digest)), (":opened".into(), number(opened))])
}

fn opened(mark: &Item) -> Result<u64> {
    let opened = mark.get("opened").and_then(|value| value.as_n().ok());
    opened
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::internal("the mark of an import has no step"))
}
