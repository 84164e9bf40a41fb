//! Commands that nobody will answer any more, because their device enrolled anew or left. A note beside the device says that
//! there may be some; it stands in the index by tenant, in a partition of its own, until a sweep has dealt with them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::keys::{self, BY_TENANT_INDEX, DROPPED, QUEUE_INDEX};
use super::{Item, Store, error, item, key_item, number, put_item_part, read, text};
use crate::domain::command::{CommandStatus, QueuedCommand};
use crate::domain::enrollment::Enrollment;
use crate::domain::retention::CommandsKept;
use crate::error::Result;
use crate::id::{EnrollmentId, TenantId};
use crate::scope::Scope;
use crate::store::Withdrawal;
use crate::time::Timestamp;

/// Commands dropped in one transaction.
const AT_ONCE: i32 = 50;

/// The note: which channel began anew or left, in which generation.
#[derive(Serialize, Deserialize)]
struct Noted {
    enrollment: EnrollmentId,
    generation: u64,
}

impl Store {
    /// The part of a transaction that notes that commands of earlier generations may be left. The latest note counts: all
    /// channels of a device are looked at together.
    pub(super) fn dropped_part(&self, scope: &Scope, channel: &Enrollment) -> Result<TransactWriteItem> {
        let noted = Noted { enrollment: channel.id.clone(), generation: channel.generation };
        let mut note: Item = item(&keys::dropped(scope.tenant(), &channel.id), &noted)?;
        note.insert("tenant".into(), text(DROPPED));
        note.insert("listed".into(), text(keys::listed_dropped(scope.tenant(), &channel.id)));
        put_item_part(&self.tables.core, note, None, HashMap::new())
    }

    /// A page of the devices of all tenants that may have dropped commands, and the mark to continue after.
    pub async fn devices_with_dropped(
        &self,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<(TenantId, EnrollmentId)>, Option<String>)> {
        self.listed_under(DROPPED, after, limit).await
    }

    /// Writes down as dropped what waited for earlier generations of a device's channels, and forgets the note. `false` when
    /// there was so much that it is not done yet.
    pub async fn drop_earlier(
        &self,
        scope: &Scope,
        device: &EnrollmentId,
        kept: CommandsKept,
        now: Timestamp,
    ) -> Result<bool> {
        let key = keys::dropped(scope.tenant(), device);
        let Some(noted) = self.get::<Noted>(&self.tables.core, &key).await? else { return Ok(true) };
        for channel in self.channels(scope, device).await? {
            let left = self.waited_before(scope, &channel).await?;
            let full = left.len() >= usize::try_from(AT_ONCE).unwrap_or_default();
            let withdrawal =
                Withdrawal { commands: &left, to: CommandStatus::Dropped, now, kept, audit: None };
            let parts = left.iter().map(|command| self.withdraw_part(scope, command, &withdrawal));
            let parts = parts.collect::<Result<Vec<_>>>()?;
            if !parts.is_empty() && !self.write_if(parts).await? || full {
                return Ok(false);
            }
        }
        let values = HashMap::from([
            (":enrollment".to_owned(), text(&noted.enrollment)),
            (":generation".to_owned(), number(noted.generation)),
        ]);
        // A note that was made meanwhile stays.
        let same = "enrollment = :enrollment AND generation = :generation";
        let delete = self.client.delete_item().table_name(&self.tables.core).set_key(Some(key_item(&key)));
        let sent =
            delete.condition_expression(same).set_expression_attribute_values(Some(values)).send().await;
        error::condition(sent.map_err(error::delete))?;
        Ok(true)
    }

    /// Some of what waited for a channel before its present generation. What was set aside then has its end already.
    async fn waited_before(&self, scope: &Scope, channel: &Enrollment) -> Result<Vec<QueuedCommand>> {
        let (first, end) = keys::earlier_queue(&channel.id, channel.generation);
        let page = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(QUEUE_INDEX)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND queue BETWEEN :first AND :end")
            .expression_attribute_values(":pk", text(keys::device_partition(scope.tenant(), &channel.id)))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":end", text(end))
            .limit(AT_ONCE)
            .send()
            .await
            .map_err(error::read)?;
        page.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// A page of what stands in one of the partitions of the index by tenant that list things of all tenants, each under
    /// `<tenant>#<id>`; and the mark to continue after.
    pub(super) async fn listed_under<T: std::str::FromStr>(
        &self,
        partition: &str,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<(TenantId, T)>, Option<String>)> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(BY_TENANT_INDEX)
            .expression_attribute_values(":partition", text(partition))
            .limit(limit);
        let query = match after {
            Some(after) => query
                .key_condition_expression("tenant = :partition AND listed > :after")
                .expression_attribute_values(":after", text(after)),
            None => query.key_condition_expression("tenant = :partition"),
        };
        let page = query.send().await.map_err(error::read)?;
        let listed = page.items().iter().filter_map(|item| item.get("listed")?.as_s().ok());
        let found = listed.filter_map(|listed| {
            let (tenant, id) = listed.split_once('#')?;
            Some((tenant.parse().ok()?, id.parse().ok()?))
        });
        let last = page.last_evaluated_key.as_ref().and_then(|key| key.get("listed")?.as_s().ok().cloned());
        Ok((found.collect(), last))
    }
}
