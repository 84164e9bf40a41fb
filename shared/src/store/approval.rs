//! Commands that wait for a second administrator: while they do, they stand in the index by tenant, in a partition of their own.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::keys::{self, Key};
use super::{NEW, Store, item, put_item_part, text};
use crate::domain::command::CommandBatch;
use crate::domain::retention::is_over;
use crate::error::Result;
use crate::id::{CommandUuid, TenantId};
use crate::scope::Scope;
use crate::time::Timestamp;

/// So many are listed: who lets more wait approves some first.
const LISTED: i32 = 100;

impl Store {
    /// The tenant's commands that wait for a second administrator, the oldest first, and whether there are more.
    pub async fn awaiting_approval(
        &self,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<(Vec<CommandBatch>, bool)> {
        let partition = keys::approvals(scope.tenant());
        let (found, more): (Vec<(TenantId, CommandUuid)>, _) =
            self.listed_under(&partition, None, LISTED).await?;
        let wanted: Vec<Key> =
            found.iter().map(|(_, uuid)| keys::command_batch(scope.tenant(), uuid)).collect();
        let mut waiting: Vec<CommandBatch> = self.get_many(&self.tables.core, &wanted).await?;
        // The index may lag, and what is over is deleted late.
        let open = |batch: &CommandBatch| {
            let in_time =
                batch.approval.as_ref().and_then(|asked| asked.not_after).is_none_or(|end| now < end);
            batch.awaits_approval() && in_time && !is_over(batch.expires_at, now)
        };
        waiting.retain(open);
        waiting.sort_by(|left, right| (left.created_at, &left.uuid).cmp(&(right.created_at, &right.uuid)));
        Ok((waiting, more.is_some()))
    }

    /// The part of a transaction that records what one call sent to whom, unless its UUID was used before.
    pub(super) fn batch_part(&self, scope: &Scope, batch: &CommandBatch) -> Result<TransactWriteItem> {
        let mut item = item(&keys::command_batch(scope.tenant(), &batch.uuid), batch)?;
        if batch.awaits_approval() {
            item.insert("tenant".into(), text(keys::approvals(scope.tenant())));
            item.insert("listed".into(), text(keys::approval(scope.tenant(), &batch.uuid)));
        }
        put_item_part(&self.tables.core, item, Some(NEW), HashMap::new())
    }
}
