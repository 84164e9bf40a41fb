//! The address of a tenant's calendar.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Store, item, keys, put_item_part, value};
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
    pub async fn put_calendar_feed(&self, scope: &Scope, feed: &CalendarFeed) -> Result<()> {
        let record = item(&keys::calendar_feed(scope.tenant()), feed)?;
        let later = "attribute_not_exists(pk) OR created_at <= :now";
        let values = HashMap::from([(":now".to_owned(), value(feed.created_at)?)]);
        self.put_if(put_item_part(&self.tables.core, record, Some(later), values)?).await.map(drop)
    }

    /// The tenant's calendar address, if it has one.
    pub async fn calendar_feed(&self, scope: &Scope) -> Result<Option<CalendarFeed>> {
        self.get(&self.tables.core, &keys::calendar_feed(scope.tenant())).await
    }
}
