//! What was counted against limits, in the table of what ends by itself.

use super::{Store, VERSION, error, key_item, keys, number};
use crate::domain::limit::{Counted, Limit};
use crate::error::Result;
use crate::time::Timestamp;

impl Store {
    /// Counts one more. `false` when there were as many as there may be; then nothing is written. An answer that is lost and
    /// asked for again may count twice.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn count(&self, limit: Limit, who: &Counted, now: Timestamp) -> Result<bool> {
        let counted = self
            .client
            .update_item()
            .table_name(&self.tables.ephemeral)
            .set_key(Some(key_item(&keys::counted(limit, who, now))))
            .update_expression("SET expires_at = :end, v = :v ADD counted :one")
            .condition_expression("attribute_not_exists(pk) OR counted < :most")
            // Beyond the end, so that no clock of ours sees a count that is gone too early.
            .expression_attribute_values(":end", number(limit.ends(now) + limit.seconds()))
            .expression_attribute_values(":v", number(VERSION))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(limit.most()))
            .send()
            .await;
        Ok(error::condition(counted.map_err(error::update))?.is_some())
    }
}
