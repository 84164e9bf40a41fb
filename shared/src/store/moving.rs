//! All that is a tenant's, item by item as it stands: for the tool that moves it to another installation.
//!
//! The tables are read whole and told by the keys what is whose, so that no kind of item can be forgotten.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};

use super::error::Cancelled;
use super::keys::{self, Key};
use super::{Item, READS, Store, error, key_item, key_of, number, put_item_part, text};
use crate::error::{Error, Result};
use crate::scope::Scope;

/// One of the three tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Tenants, tokens, enrollments, commands.
    Core,
    /// Authorities, identities, push certificates.
    Pki,
    /// What ends by itself.
    Ephemeral,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Core, Self::Pki, Self::Ephemeral];

    fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Pki => "pki",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// An item as it stands in its table.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredItem {
    /// Where.
    pub table: Table,
    /// Its attributes, key and indexes among them.
    pub item: Item,
}

/// How often an item that changes all the time is tried to be set aside.
const TRIES: usize = 10;
/// What belongs to a tenant: its own partitions, that people are its members, and the topics claimed for it.
const BELONGS: &str = "pk = :own OR begins_with(pk, :parts) OR (begins_with(pk, :person) AND sk = :member) \
                       OR (begins_with(pk, :topic) AND tenant = :tenant)";

impl StoredItem {
    /// The text of an attribute; empty where there is none.
    pub fn text(&self, attribute: &str) -> &str {
        self.item.get(attribute).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
    }

    /// Whether it is a channel of a device.
    pub fn is_enrollment(&self) -> bool {
        self.text("pk").contains("#DEVICE#") && self.text("sk").starts_with(keys::CHANNEL_PREFIX)
    }

    /// The topic that it claims for the tenant, if it does.
    pub fn claimed_topic(&self) -> Option<&str> {
        self.text("pk").strip_prefix(keys::TOPIC_PREFIX)
    }

    /// Whether it belongs to the tenant: what [`Store::tenants_items`] asks DynamoDB.
    pub fn is_of(&self, scope: &Scope) -> bool {
        let (own, pk) = (keys::tenant(scope.tenant()).pk, self.text("pk"));
        let is_member = || self.text("sk").strip_prefix(keys::MEMBER_PREFIX) == Some(own.as_str());
        let is_claim = || self.text("tenant") == scope.tenant().as_str();
        pk == own
            || pk.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('#'))
            || pk.starts_with(keys::PERSON_PREFIX) && is_member()
            || pk.starts_with(keys::TOPIC_PREFIX) && is_claim()
    }

    /// What kind of item it is, in the words of its key.
    pub fn kind(&self) -> &str {
        let mut parts = self.text("pk").splitn(4, '#');
        match (parts.next(), parts.nth(1)) {
            (Some("TENANT"), Some(kind)) if kind != "DEVICE" => kind,
            _ => self.text("sk").split('#').next().unwrap_or_default(),
        }
    }

    /// Whether it is the tenant itself.
    pub fn is_tenant(&self, scope: &Scope) -> bool {
        self.key() == Some(keys::tenant(scope.tenant()))
    }

    /// Whether it is the mark of an import.
    pub fn is_import_mark(&self, scope: &Scope) -> bool {
        self.key() == Some(keys::import_mark(scope.tenant()))
    }

    /// Whether this release can read its form.
    pub fn is_readable(&self) -> bool {
        let version = self.item.get("v").and_then(|value| value.as_n().ok());
        version.and_then(|text| text.parse::<u64>().ok()).is_some_and(|version| version <= READS)
    }

    /// Whether devices, people or schedules come to the tenant by it: its own partition, its authorities and push
    /// certificates, who its members are, and whatever stands in an index that is read for all tenants.
    pub fn is_door(&self, scope: &Scope) -> bool {
        let (tenant, pk) = (scope.tenant(), self.text("pk"));
        pk == keys::tenant(tenant).pk && !self.is_import_mark(scope)
            || pk == keys::authority_partition(tenant)
            || pk == keys::push_partition(tenant)
            || pk.starts_with(keys::PERSON_PREFIX)
            || self.text("tenant").starts_with(keys::ALL_TENANTS)
            || self.item.contains_key("kind")
    }

    fn key(&self) -> Option<Key> {
        key_of(&self.item)
    }
}

impl Store {
    pub(super) fn named(&self, table: Table) -> &str {
        match table {
            Table::Core => &self.tables.core,
            Table::Pki => &self.tables.pki,
            Table::Ephemeral => &self.tables.ephemeral,
        }
    }

    /// Whether the tenant is here, be it that its doors are closed.
    pub async fn is_here(&self, scope: &Scope) -> Result<bool> {
        let tenant = keys::tenant(scope.tenant());
        let aside = keys::set_aside(scope.tenant(), Table::Core.name(), &tenant);
        Ok(self.raw(Table::Core, &tenant).await?.is_some() || self.raw(Table::Core, &aside).await?.is_some())
    }

    /// A page of what is the tenant's in a table, in no particular order, and where the next one begins. What was set
    /// aside comes as what it was.
    pub async fn tenants_items(
        &self,
        scope: &Scope,
        table: Table,
        after: Option<Item>,
    ) -> Result<(Vec<StoredItem>, Option<Item>)> {
        let (items, next) = self.page_of_tenant(scope, table, after).await?;
        let aside = keys::set_aside_partition(scope.tenant());
        let items = items.into_iter().map(|item| {
            let found = StoredItem { table, item };
            if found.text("pk") == aside { put_back(&found) } else { Ok(found) }
        });
        Ok((items.collect::<Result<_>>()?, next))
    }

    pub(super) async fn page_of_tenant(
        &self,
        scope: &Scope,
        table: Table,
        after: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        let tenant = scope.tenant();
        let own = keys::tenant(tenant).pk;
        let output = self
            .client
            .scan()
            .table_name(self.named(table))
            .consistent_read(true)
            .filter_expression(BELONGS)
            .expression_attribute_values(":parts", text(format!("{own}#")))
            .expression_attribute_values(":person", text(keys::PERSON_PREFIX))
            .expression_attribute_values(":member", text(format!("{}{own}", keys::MEMBER_PREFIX)))
            .expression_attribute_values(":topic", text(keys::TOPIC_PREFIX))
            .expression_attribute_values(":tenant", text(tenant))
            .expression_attribute_values(":own", text(own))
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(error::read)?;
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key))
    }

    /// Closes the tenant's doors: what they are is set aside where nothing looks for it. Safe to repeat.
    ///
    /// # Errors
    /// Unavailable when an item changes all the time.
    pub async fn close_doors(&self, scope: &Scope) -> Result<()> {
        for table in Table::ALL {
            let mut after = None;
            loop {
                let (items, next) = self.page_of_tenant(scope, table, after).await?;
                for item in items {
                    let found = StoredItem { table, item };
                    if found.is_door(scope) {
                        self.set_aside(scope, found).await?;
                    }
                }
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Moves an item out of the way, as it is at that moment.
    async fn set_aside(&self, scope: &Scope, found: StoredItem) -> Result<()> {
        let Some(key) = found.key() else { return Ok(()) };
        let table = found.table;
        let aside = keys::set_aside(scope.tenant(), table.name(), &key);
        let mut present = Some(found.item);
        for _ in 0..TRIES {
            let Some(item) = present else { return Ok(()) };
            let mut kept = key_item(&aside);
            kept.insert("v".into(), number(super::VERSION));
            kept.insert("table".into(), text(table.name()));
            kept.insert("item".into(), AttributeValue::M(item.clone()));
            let parts = vec![
                put_item_part(&self.tables.core, kept, None, HashMap::new())?,
                delete_unchanged(self.named(table), &key, item)?,
            ];
            match self.transact(parts).await {
                Ok(()) => return Ok(()),
                Err(Cancelled::Condition(_)) => present = self.raw(table, &key).await?,
                Err(other) => return Err(other.into_error()),
            }
        }
        Err(Error::unavailable("an item changes too often to be set aside"))
    }

    pub(super) async fn raw(&self, table: Table, key: &Key) -> Result<Option<Item>> {
        let get = self.client.get_item().table_name(self.named(table)).consistent_read(true);
        let output = get.set_key(Some(key_item(key))).send().await.map_err(error::read)?;
        Ok(output.item)
    }
}

/// What was set aside, as it was.
fn put_back(aside: &StoredItem) -> Result<StoredItem> {
    let table = Table::ALL.into_iter().find(|table| table.name() == aside.text("table"));
    let item = aside.item.get("item").and_then(|item| item.as_m().ok()).cloned();
    let (table, item) =
        table.zip(item).ok_or_else(|| Error::internal("what was set aside cannot be read"))?;
    Ok(StoredItem { table, item })
}

/// A deletion, if the item is in all its attributes what it was.
fn delete_unchanged(table: &str, key: &Key, item: Item) -> Result<TransactWriteItem> {
    let mut delete = Delete::builder().table_name(table).set_key(Some(key_item(key)));
    let mut conditions = Vec::with_capacity(item.len());
    for (place, (name, value)) in item.into_iter().enumerate() {
        conditions.push(format!("#a{place} = :a{place}"));
        delete = delete
            .expression_attribute_names(format!("#a{place}"), name)
            .expression_attribute_values(format!(":a{place}"), value);
    }
    let delete = delete.condition_expression(conditions.join(" AND ")).build().map_err(Error::internal)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}
