//! The address of a tenant's calendar.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Store, item, keys, put_item_part, value};
use crate::domain::audit::AuditEntry;
use crate::error::Result;
use crate::scope::Scope;
use crate::time::Timestamp;

/// What the store keeps of a calendar's address: not the address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CalendarFeed {
    /// SHA-256 of the secret in the address, in hex.
    pub token_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// Keeps a new address; the one before stops working.
    pub async fn put_calendar_feed(
        &self,
        scope: &Scope,
        feed: &CalendarFeed,
        audit: &AuditEntry,
    ) -> Result<()> {
        let record = item(&keys::calendar_feed(scope.tenant()), feed)?;
        let later = "attribute_not_exists(pk) OR created_at <= :now";
        let values = HashMap::from([(":now".to_owned(), value(feed.created_at)?)]);
        let put = put_item_part(&self.tables.core, record, Some(later), values)?;
        self.write_if(vec![put, self.audit_part(scope, audit)?]).await.map(drop)
    }

    /// The tenant's calendar address, if it has one.
    pub async fn calendar_feed(&self, scope: &Scope) -> Result<Option<CalendarFeed>> {
        self.get(&self.tables.core, &keys::calendar_feed(scope.tenant())).await
    }
}
