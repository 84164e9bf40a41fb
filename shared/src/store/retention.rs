//! For how long a tenant's logs and its finished commands are kept, and the end of the logs' part that is over.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::keys::{self, Key};
use super::{Store, VERSION, key_item, number, text, update_part};
use crate::domain::audit::AuditEntry;
use crate::domain::log::{moment_of, month_of};
use crate::domain::retention::Retention;
use crate::domain::seal::{Log, Seal};
use crate::error::{Error, Result};
use crate::scope::{Realm, Scope};

/// Deletions that go together.
const TOGETHER: usize = 90;

impl Store {
    /// For how long the tenant's logs and its finished commands are kept.
    pub async fn retention(&self, scope: &Scope) -> Result<Retention> {
        let found = self.get(&self.tables.core, &keys::retention(scope.tenant())).await?;
        Ok(found.unwrap_or_default())
    }

    /// Writes for how long they are kept over the version before. `Ok(false)` when somebody else changed it meanwhile.
    pub async fn change_retention(
        &self,
        scope: &Scope,
        retention: &Retention,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let values = HashMap::from([
            (":events".to_owned(), number(retention.events_days)),
            (":audit".to_owned(), number(retention.audit_days)),
            (":commands".to_owned(), number(retention.commands_days)),
            (":version".to_owned(), number(retention.version)),
            (":before".to_owned(), number(retention.version - 1)),
            (":v".to_owned(), number(VERSION)),
        ]);
        let before =
            if retention.version == 1 { "attribute_not_exists(version)" } else { "version = :before" };
        let mut values = values;
        if retention.version == 1 {
            values.remove(":before");
        }
        let update = update_part(
            &self.tables.core,
            &keys::retention(scope.tenant()),
            "SET events_days = :events, audit_days = :audit, commands_days = :commands, version = :version, v = :v",
            Some(before),
            values,
        )?;
        self.write_if(vec![update, self.audit_part(scope, audit)?]).await
    }

    /// Deletes a seal that is over, and the entries under it, which `places` names. First it is noted that they go, so that
    /// nobody looks for them from then on. `Ok(false)` when somebody else does the same.
    pub async fn forget_seal(&self, scope: &Scope, log: Log, seal: &Seal, places: &[String]) -> Result<bool> {
        let gone = match log {
            Log::Audit => "audit_gone",
            Log::Events => "events_gone",
        };
        let values =
            HashMap::from([(":place".to_owned(), text(&seal.until)), (":v".to_owned(), number(VERSION))]);
        let note = update_part(
            &self.tables.core,
            &keys::retention(scope.tenant()),
            &format!("SET {gone} = :place, v = :v"),
            Some(&format!("attribute_not_exists({gone}) OR {gone} <= :place")),
            values,
        )?;
        if !self.write_if(vec![note]).await? {
            return Ok(false);
        }
        for some in places.chunks(TOGETHER) {
            let parts = some.iter().map(|place| self.forget_part(&entry_key(scope, log, place)));
            if !self.write_if(parts.collect::<Result<_>>()?).await? {
                return Ok(false);
            }
        }
        self.write_if(vec![self.forget_part(&keys::seal(Realm::Tenant(scope), log, seal.number))?]).await
    }

    fn forget_part(&self, key: &Key) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(key)))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

fn entry_key(scope: &Scope, log: Log, place: &str) -> Key {
    let month = month_of(moment_of(place));
    let pk = match log {
        Log::Audit => keys::audit_partition(Realm::Tenant(scope), &month),
        Log::Events => keys::event_partition(scope.tenant(), &month),
    };
    Key { pk, sk: place.to_owned() }
}
