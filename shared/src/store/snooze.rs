//! Snoozes, in the table of things that end by themselves.

use std::collections::HashMap;

use super::{Store, item, keys, number, put_item_part, read, value};
use crate::domain::audit::AuditEntry;
use crate::domain::snooze::Snooze;
use crate::error::Result;
use crate::scope::Realm;

impl Store {
    /// Keeps a snooze, in place of an earlier one of the same credential.
    pub async fn snooze(&self, realm: Realm<'_>, snooze: &Snooze, audit: &AuditEntry) -> Result<()> {
        let mut record = item(&keys::snooze(realm, &snooze.credential), snooze)?;
        record.insert("expires_at".into(), number(snooze.until.as_second()));
        // Of two at the same time the later one counts.
        let later = "attribute_not_exists(pk) OR set_at <= :now";
        let values = HashMap::from([(":now".to_owned(), value(snooze.set_at)?)]);
        let put = put_item_part(&self.tables.ephemeral, record, Some(later), values)?;
        self.write_if(vec![put, self.audit_part(realm, audit)?]).await.map(drop)
    }

    /// The realm's snoozes, which may be over: the reader compares their time with the clock.
    pub async fn snoozes(&self, realm: Realm<'_>) -> Result<Vec<Snooze>> {
        let partition = keys::snooze_partition(realm);
        self.partition(&self.tables.ephemeral, &partition, "").await?.into_iter().map(read).collect()
    }
}
