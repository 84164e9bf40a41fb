//! What pushes to a tenant's devices come to, as the scheduled look found it.

use std::collections::HashMap;

use super::{Item, Store, item, keys, number, put_item_part};
use crate::domain::delivery::Delivery;
use crate::error::Result;
use crate::scope::Scope;
use crate::time::DAY;

/// How long it is kept after the last look: what was usual must outlast a certificate's year.
const KEPT_SECONDS: i64 = 400 * DAY;

impl Store {
    /// What is known of a tenant's pushes.
    pub async fn delivery(&self, scope: &Scope) -> Result<Option<Delivery>> {
        self.get(&self.tables.ephemeral, &keys::delivery(scope.tenant())).await
    }

    /// Writes down what a look found, unless another one wrote something later.
    pub async fn put_delivery(&self, scope: &Scope, delivery: &Delivery) -> Result<()> {
        let mut record: Item = item(&keys::delivery(scope.tenant()), delivery)?;
        record.insert("expires_at".into(), number(delivery.noted + KEPT_SECONDS));
        let values = HashMap::from([(":noted".to_owned(), number(delivery.noted))]);
        let not_later = "attribute_not_exists(pk) OR noted <= :noted";
        self.put_if(put_item_part(&self.tables.ephemeral, record, Some(not_later), values)?).await.map(drop)
    }
}
