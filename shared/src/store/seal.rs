//! The seals of the logs, and the logs as they are sealed and exported.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{NEW, Store, error, keys, put_part, read, text};
use crate::domain::audit::AuditEntry;
use crate::domain::event::Event;
use crate::domain::seal::{Log, Seal, line};
use crate::error::Result;
use crate::scope::Realm;

/// An entry's place and line.
pub type Line = (String, String);

impl Store {
    /// The last seal of a log.
    pub async fn last_seal(&self, realm: Realm<'_>, log: Log) -> Result<Option<Seal>> {
        let page = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(keys::seal_partition(realm, log)))
            .send()
            .await
            .map_err(error::read)?;
        page.items.unwrap_or_default().pop().map(read).transpose()
    }

    /// Adds a seal after the last one. `Ok(false)` when somebody else did: the chain has one seal of each number.
    pub async fn add_seal(&self, realm: Realm<'_>, log: Log, seal: &Seal) -> Result<bool> {
        let key = keys::seal(realm, log, seal.number);
        self.put_if(put_part(&self.tables.core, &key, seal, Some(NEW))?).await
    }

    /// Seals from a number on, in their order, up to `limit`.
    pub async fn seals(&self, realm: Realm<'_>, log: Log, from: u64, limit: i32) -> Result<Vec<Seal>> {
        let low = keys::seal(realm, log, from);
        let page = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .limit(limit)
            .key_condition_expression("pk = :pk AND sk >= :low")
            .expression_attribute_values(":pk", text(low.pk))
            .expression_attribute_values(":low", text(low.sk))
            .send()
            .await
            .map_err(error::read)?;
        page.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// The lines of a log from one place on (included) up to another (not included), up to `limit`, and whether there are more.
    pub async fn log_lines(
        &self,
        realm: Realm<'_>,
        log: Log,
        (from, until): (&str, &str),
        limit: usize,
    ) -> Result<(Vec<Line>, bool)> {
        match (log, realm) {
            (Log::Audit, realm) => {
                let partition = |month: &str| keys::audit_partition(realm, month);
                let (entries, more) = self.log_between(partition, (from, until), limit).await?;
                Ok((lines(&entries, AuditEntry::place)?, more))
            }
            (Log::Events, Realm::Tenant(scope)) => {
                let partition = |month: &str| keys::event_partition(scope.tenant(), month);
                let (entries, more) = self.log_between(partition, (from, until), limit).await?;
                Ok((lines(&entries, Event::place)?, more))
            }
            // It has no devices.
            (Log::Events, Realm::Operator(_)) => Ok((Vec::new(), false)),
        }
    }
}

fn lines<T: Serialize + DeserializeOwned>(entries: &[T], place: impl Fn(&T) -> String) -> Result<Vec<Line>> {
    entries.iter().map(|entry| Ok((place(entry), line(entry)?))).collect()
}
