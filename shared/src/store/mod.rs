//! The state in DynamoDB: the only place that knows its expressions. One file per noun.
//!
//! Every write is conditional. Records carry a version attribute `v`; a reader accepts this version and the one before.

mod access;
mod apns_status;
mod approval;
mod audit;
mod calendar_feed;
mod channels;
mod command;
mod command_job;
mod contact;
mod delivery;
mod device_identity;
mod dropped;
mod duplicate;
mod enrollment;
mod enrollment_list;
mod enrollment_settings;
mod error;
mod event;
mod expiry;
mod export_tries;
mod group;
mod identity;
mod identity_count;
mod identity_promise;
mod import;
mod inactivity;
mod inventory;
mod keys;
mod limit;
mod link;
mod log;
mod mail;
mod member;
mod moving;
mod openid;
mod ownership;
mod profile_signer;
mod push_certificate;
mod push_deletion;
mod push_result;
mod queue;
mod refresh;
mod renewal;
mod retention;
mod seal;
mod serial;
mod session;
mod snooze;
mod support;
mod tenant;
mod token;
mod vendor;
mod webhook;
mod webhook_attempt;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem, Update};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use error::Cancelled;
use keys::Key;

pub use calendar_feed::CalendarFeed;
pub use channels::Binding;
pub use command::{FinalAnswer, Recorded};
pub use contact::{Asking, Confirmation, Contact};
pub use enrollment::{TokenUpdateWrite, TokenUpdated};
pub use expiry::Expiring;
pub use group::MEMBERS_AT_ONCE;
pub use identity::TrustedExternal;
pub use identity_count::IdentityCount;
pub use import::{ITEMS_AT_ONCE, ImportBegun};
pub use inactivity::MadeInactive;
pub use mail::{Claim, Claimed};
pub use member::{Membership, Person};
pub use moving::{StoredItem, Table};
pub use push_certificate::{push_certificate_changed, topic_taken};
pub use queue::{Found, Withdrawal};
pub use seal::Line;

/// An item as DynamoDB gives it.
pub type Item = HashMap<String, AttributeValue>;

/// The version that records are written in.
const VERSION: u64 = 1;
/// The newest version that is read. It goes up a release before [`VERSION`] does: docs/DATA.md, *How a form changes*.
const READS: u64 = 1;

/// The names of the three tables, separated by life cycle and privilege.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Tenants, tokens, enrollments, commands.
    pub core: String,
    /// Authorities, identities, push certificates.
    pub pki: String,
    /// What ends by itself: links, claims.
    pub ephemeral: String,
}

/// The state of all tenants. Methods live in one file per noun.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    tables: Tables,
}

impl Store {
    /// A store over real tables.
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }

    /// One cheap call, to open the connection while a cold start still has the CPU to itself.
    ///
    /// # Errors
    /// Unavailable when DynamoDB does not answer.
    pub async fn warm_up(&self) -> Result<()> {
        let key = Key { pk: "WARM".into(), sk: "UP".into() };
        self.get::<Version>(&self.tables.core, &key).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, table: &str, key: &Key) -> Result<Option<T>> {
        let output = self
            .client
            .get_item()
            .table_name(table)
            .set_key(Some(key_item(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(error::read)?;
        output.item.map(read).transpose()
    }

    /// Reads up to any number of items, in no particular order; what does not exist is left out.
    async fn get_many<T: DeserializeOwned>(&self, table: &str, wanted: &[Key]) -> Result<Vec<T>> {
        self.get_parts(table, wanted, None).await
    }

    /// The same, of each item only what the projection names, if there is one.
    async fn get_parts<T: DeserializeOwned>(
        &self,
        table: &str,
        wanted: &[Key],
        projection: Option<&str>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::with_capacity(wanted.len());
        // 100 keys is DynamoDB's limit for one call.
        for chunk in wanted.chunks(100) {
            let mut keys: Vec<Item> = chunk.iter().map(key_item).collect();
            let mut rounds = 0;
            while !keys.is_empty() {
                let ask = KeysAndAttributes::builder()
                    .set_keys(Some(std::mem::take(&mut keys)))
                    .set_projection_expression(projection.map(str::to_owned))
                    .set_expression_attribute_names(projection.and_then(|names| names_in(&[names])))
                    .consistent_read(true)
                    .build()
                    .map_err(Error::internal)?;
                let output = self
                    .client
                    .batch_get_item()
                    .request_items(table, ask)
                    .send()
                    .await
                    .map_err(error::read)?;
                for item in output.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                    found.push(read(item)?);
                }
                keys =
                    output.unprocessed_keys.into_iter().flatten().flat_map(|(_, rest)| rest.keys).collect();
                rounds += 1;
                if rounds > 8 && !keys.is_empty() {
                    return Err(Error::unavailable("BatchGetItem left keys unprocessed eight times"));
                }
            }
        }
        Ok(found)
    }

    /// Every item of a partition whose sort key begins with `prefix`, in its order.
    async fn partition(&self, table: &str, pk: &str, prefix: &str) -> Result<Vec<Item>> {
        let query = self.client.query().table_name(table).consistent_read(true);
        let query = query.expression_attribute_values(":pk", text(pk));
        // DynamoDB refuses an empty string in a key's condition.
        let query = match prefix {
            "" => query.key_condition_expression("pk = :pk"),
            prefix => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix)),
        };
        let items = query.into_paginator().items().send().collect::<Result<Vec<Item>, _>>().await;
        items.map_err(error::read)
    }

    /// Writes one part whose failed condition is an answer. It goes as a transaction, because those carry a token: when
    /// the SDK repeats one whose answer was lost, DynamoDB says "done" and not "exists already".
    async fn put_if(&self, part: TransactWriteItem) -> Result<bool> {
        self.write_if(vec![part]).await
    }

    /// The same for several parts: all are written, or none and the answer is `false`.
    async fn write_if(&self, parts: Vec<TransactWriteItem>) -> Result<bool> {
        match self.transact(parts).await {
            Ok(()) => Ok(true),
            Err(Cancelled::Condition(_)) => Ok(false),
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    /// All of `parts` or none. Another transaction on the same items is waited for: the SDK retries what was throttled,
    /// but not what was cancelled.
    async fn transact(&self, parts: Vec<TransactWriteItem>) -> Result<(), Cancelled> {
        let mut pause = FIRST_PAUSE;
        loop {
            let sent =
                self.client.transact_write_items().set_transact_items(Some(parts.clone())).send().await;
            match sent.map_err(error::transaction) {
                Err(Cancelled::Collided(_)) if pause <= LAST_PAUSE => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                other => return other.map(drop),
            }
        }
    }
}

/// The pause before a cancelled transaction is tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause; after it the caller is told to come back.
const LAST_PAUSE: Duration = Duration::from_millis(160);

/// The condition of a record that must not exist yet.
const NEW: &str = "attribute_not_exists(pk)";

#[derive(serde::Deserialize)]
struct Version {}

/// A record as an item: its fields, its key, its version.
fn item<T: Serialize>(key: &Key, record: &T) -> Result<Item> {
    let mut item: Item = serde_dynamo::to_item(record).map_err(Error::internal)?;
    item.extend(key_item(key));
    item.insert("v".into(), number(VERSION));
    Ok(item)
}

fn read<T: DeserializeOwned>(item: Item) -> Result<T> {
    let version = item.get("v").and_then(|value| value.as_n().ok()).and_then(|text| text.parse::<u64>().ok());
    match version {
        Some(version) if (VERSION - 1..=READS).contains(&version) => {
            serde_dynamo::from_item(item).map_err(Error::internal)
        }
        other => Err(Error::internal(format!("a record of version {other:?}; this code reads {READS}"))),
    }
}

fn key_item(key: &Key) -> Item {
    HashMap::from([("pk".into(), text(&key.pk)), ("sk".into(), text(&key.sk))])
}

/// The key of an item that an index returned.
fn key_of(item: &Item) -> Option<Key> {
    let part = |name: &str| item.get(name)?.as_s().ok().cloned();
    Some(Key { pk: part("pk")?, sk: part("sk")? })
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A value in an expression, as serde writes it.
fn value<T: Serialize>(value: T) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(value).map_err(Error::internal)
}

fn put_part<T: Serialize>(
    table: &str,
    key: &Key,
    record: &T,
    condition: Option<&str>,
) -> Result<TransactWriteItem> {
    put_item_part(table, item(key, record)?, condition, HashMap::new())
}

fn put_item_part(
    table: &str,
    item: Item,
    condition: Option<&str>,
    values: HashMap<String, AttributeValue>,
) -> Result<TransactWriteItem> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .set_condition_expression(condition.map(str::to_owned))
        .set_expression_attribute_names(names_in(&[condition.unwrap_or_default()]))
        .set_expression_attribute_values(if values.is_empty() { None } else { Some(values) })
        .build()
        .map_err(Error::internal)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn update_part(
    table: &str,
    key: &Key,
    expression: &str,
    condition: Option<&str>,
    values: HashMap<String, AttributeValue>,
) -> Result<TransactWriteItem> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key_item(key)))
        .update_expression(expression)
        .set_condition_expression(condition.map(str::to_owned))
        .set_expression_attribute_names(names_in(&[expression, condition.unwrap_or_default()]))
        .set_expression_attribute_values(Some(values))
        .build()
        .map_err(Error::internal)?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// Some attributes are reserved words of DynamoDB's expressions: those are written `#state`, `#status` and so on.
fn names_in(expressions: &[&str]) -> Option<HashMap<String, String>> {
    let names: HashMap<String, String> = [
        "after", "external", "group", "identity", "name", "partial", "result", "role", "session", "state",
        "status",
    ]
    .into_iter()
    .map(|name| (format!("#{name}"), name.to_owned()))
    .filter(|(alias, _)| expressions.iter().any(|expression| expression.contains(alias.as_str())))
    .collect();
    (!names.is_empty()).then_some(names)
}

/// Reads the mark of a page, which is opaque to its holder.
fn mark(text: &str) -> Result<String> {
    hex::decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(not_a_mark)
}

fn not_a_mark() -> Error {
    Error::malformed("page-mark", "This is not the mark of a page.")
        .at("after")
        .next("Pass the \"next\" of the page before, unchanged, or leave it out.")
}
