//! Commands to many devices: one item says how far a job has come, beside the item of its command. While it is not over it
//! stands in the index by tenant, in a partition of its own, so that a sweep finds it without a look at anything else.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::keys::{self, Key, UNFINISHED_JOBS};
use super::queue::{CANCELS, UNLISTED};
use super::{
    Item, NEW, Store, VERSION, error, item, mark, number, put_item_part, put_part, read, text, update_part,
    value,
};
use crate::domain::audit::AuditEntry;
use crate::domain::command::CommandBatch;
use crate::domain::command_job::{CommandJob, JobState};
use crate::domain::retention::is_over;
use crate::error::Result;
use crate::id::{CommandUuid, TenantId};
use crate::scope::Scope;
use crate::time::Timestamp;

/// An entry of the tenant's list of jobs.
#[derive(Serialize, Deserialize)]
struct Listed {
    uuid: CommandUuid,
}

impl Store {
    /// Records a command to many devices and its job. `Ok(false)` when the UUID was used before.
    pub async fn create_job(
        &self,
        scope: &Scope,
        batch: &CommandBatch,
        job: &CommandJob,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let listed = Listed { uuid: job.uuid.clone() };
        let parts = vec![
            self.batch_part(scope, batch)?,
            put_item_part(&self.tables.core, job_item(scope, job)?, Some(NEW), HashMap::new())?,
            put_part(&self.tables.core, &keys::listed_job(scope.tenant(), job), &listed, None)?,
            self.audit_part(scope, audit)?,
        ];
        self.write_if(parts).await
    }

    /// How far a job has come.
    pub async fn job(&self, scope: &Scope, uuid: &CommandUuid, now: Timestamp) -> Result<Option<CommandJob>> {
        let key = keys::command_job(scope.tenant(), uuid);
        let found: Option<CommandJob> = self.get(&self.tables.core, &key).await?;
        Ok(found.filter(|job| !is_over(job.expires_at, now)))
    }

    /// A job with its command: one call.
    pub async fn job_and_command(
        &self,
        scope: &Scope,
        uuid: &CommandUuid,
    ) -> Result<Option<(CommandJob, CommandBatch)>> {
        let partition = keys::command_batch(scope.tenant(), uuid).pk;
        let mut items = self.partition(&self.tables.core, &partition, "").await?.into_iter();
        // In the order of their sort keys: the command, then its job.
        let (Some(command), Some(job)) = (items.next(), items.next()) else { return Ok(None) };
        Ok(Some((read(job)?, read(command)?)))
    }

    /// The tenant's jobs, the latest first, a page at a time, and the mark of the next page.
    pub async fn jobs(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: i32,
        now: Timestamp,
    ) -> Result<(Vec<CommandJob>, Option<String>)> {
        let query = self.client.query().table_name(&self.tables.core).scan_index_forward(false);
        let query = query
            .expression_attribute_values(":pk", text(keys::job_list_partition(scope.tenant())))
            .limit(limit);
        let query = match after {
            Some(after) => query
                .key_condition_expression("pk = :pk AND sk < :after")
                .expression_attribute_values(":after", text(mark(after)?)),
            None => query.key_condition_expression("pk = :pk"),
        };
        let page = query.send().await.map_err(error::read)?;
        let last = page.last_evaluated_key.as_ref().and_then(|key| key.get("sk")?.as_s().ok());
        let next = last.map(hex::encode);
        let listed: Vec<Listed> =
            page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_>>()?;
        let wanted: Vec<Key> =
            listed.iter().map(|listed| keys::command_job(scope.tenant(), &listed.uuid)).collect();
        let mut jobs: Vec<CommandJob> = self.get_many(&self.tables.core, &wanted).await?;
        jobs.retain(|job| !is_over(job.expires_at, now));
        jobs.sort_by(|left, right| (right.created_at, &right.uuid).cmp(&(left.created_at, &left.uuid)));
        Ok((jobs, next))
    }

    /// Writes down a page that was done: `false` when another process did it before, or the job is over. A job that was stopped
    /// meanwhile stays stopped, and counts what was done.
    pub async fn advance_job(&self, scope: &Scope, former: &CommandJob, next: &CommandJob) -> Result<bool> {
        let values = HashMap::from([
            (":step".to_owned(), value(former.step)?),
            (":state".to_owned(), value(former.state)?),
        ]);
        let condition = "step = :step AND #state = :state";
        let part = put_item_part(&self.tables.core, job_item(scope, next)?, Some(condition), values)?;
        let mut parts = vec![part];
        if let Some(end) = next.expires_at {
            parts.extend(self.end_parts(scope, next, Some(end))?);
        }
        if self.write_if(parts).await? {
            return Ok(true);
        }
        let values = HashMap::from([
            (":step".to_owned(), value(former.step)?),
            (":next".to_owned(), value(next.step)?),
            (":tally".to_owned(), value(&next.tally)?),
            (":cancelled".to_owned(), value(JobState::Cancelled)?),
            (":withdrawing".to_owned(), value(JobState::Withdrawing)?),
        ]);
        let key = keys::command_job(scope.tenant(), &former.uuid);
        let condition = "step = :step AND #state IN (:cancelled, :withdrawing)";
        let set = "SET tally = :tally, step = :next";
        self.put_if(update_part(&self.tables.core, &key, set, Some(condition), values)?).await?;
        Ok(false)
    }

    /// The parts of a transaction by which a job's command and its place in the list end with the job, or do not end yet.
    fn end_parts(&self, scope: &Scope, job: &CommandJob, end: Option<i64>) -> Result<[TransactWriteItem; 2]> {
        let part = |key: &Key| {
            let there = Some("attribute_exists(pk)");
            let (expression, values) = match end {
                Some(end) => {
                    ("SET expires_at = :end, v = :v", HashMap::from([(":end".to_owned(), number(end))]))
                }
                None => ("SET v = :v REMOVE expires_at", HashMap::new()),
            };
            let values = values.into_iter().chain([(":v".to_owned(), number(VERSION))]).collect();
            update_part(&self.tables.core, key, expression, there, values)
        };
        Ok([
            part(&keys::command_batch(scope.tenant(), &job.uuid))?,
            part(&keys::listed_job(scope.tenant(), job))?,
        ])
    }

    /// Lets a job begin that was approved: `false` when it was approved or stopped before.
    pub async fn approve_job(
        &self,
        scope: &Scope,
        batch: &CommandBatch,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let values = HashMap::from([
            (":running".to_owned(), value(JobState::Running)?),
            (":awaits".to_owned(), value(JobState::AwaitsApproval)?),
            (":now".to_owned(), value(now)?),
        ]);
        let key = keys::command_job(scope.tenant(), &batch.uuid);
        let set = "SET #state = :running, moved_at = :now";
        let job = update_part(&self.tables.core, &key, set, Some("#state = :awaits"), values)?;
        self.write_if(vec![job, self.approve_part(scope, batch, now)?, self.audit_part(scope, audit)?]).await
    }

    /// Stops a job that is not over, and lets its records end at `end`: `false` when it is.
    pub async fn stop_job(
        &self,
        scope: &Scope,
        job: &CommandJob,
        (now, end): (Timestamp, i64),
        audit: &AuditEntry,
    ) -> Result<bool> {
        let values = HashMap::from([
            (":cancelled".to_owned(), value(JobState::Cancelled)?),
            (":awaits".to_owned(), value(JobState::AwaitsApproval)?),
            (":running".to_owned(), value(JobState::Running)?),
            (":end".to_owned(), number(end)),
        ]);
        let key = keys::command_job(scope.tenant(), &job.uuid);
        let set = "SET #state = :cancelled, expires_at = :end REMOVE tenant, listed";
        let stopped =
            update_part(&self.tables.core, &key, set, Some("#state IN (:awaits, :running)"), values)?;
        let values = HashMap::from([(":now".to_owned(), value(now)?), (":end".to_owned(), number(end))]);
        let key = keys::command_batch(scope.tenant(), &job.uuid);
        let set = format!("{CANCELS}, expires_at = :end {UNLISTED}");
        let command = update_part(&self.tables.core, &key, &set, None, values)?;
        let [_, listed] = self.end_parts(scope, job, Some(end))?;
        self.write_if(vec![stopped, command, listed, self.audit_part(scope, audit)?]).await
    }

    /// Begins to take a job's command back, wherever the job stands, and lets its records stay meanwhile: `false` when it does
    /// so already, or awaits its approval.
    pub async fn withdraw_job(
        &self,
        scope: &Scope,
        job: &CommandJob,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let values = HashMap::from([
            (":withdrawing".to_owned(), value(JobState::Withdrawing)?),
            (":running".to_owned(), value(JobState::Running)?),
            (":done".to_owned(), value(JobState::Done)?),
            (":cancelled".to_owned(), value(JobState::Cancelled)?),
            (":expired".to_owned(), value(JobState::Expired)?),
            (":now".to_owned(), value(now)?),
            (":jobs".to_owned(), text(UNFINISHED_JOBS)),
            (":listed".to_owned(), text(keys::unfinished_job(scope.tenant(), &job.uuid))),
        ]);
        let key = keys::command_job(scope.tenant(), &job.uuid);
        let condition = "#state IN (:running, :done, :cancelled, :expired)";
        let set = "SET #state = :withdrawing, moved_at = :now, tenant = :jobs, listed = :listed \
                   REMOVE #after, expires_at";
        let begun = update_part(&self.tables.core, &key, set, Some(condition), values)?;
        let values = HashMap::from([(":now".to_owned(), value(now)?)]);
        let set = "SET cancelled_at = if_not_exists(cancelled_at, :now) REMOVE expires_at";
        let there = Some("attribute_exists(pk)");
        let key = keys::command_batch(scope.tenant(), &job.uuid);
        let command = update_part(&self.tables.core, &key, set, there, values)?;
        let [_, listed] = self.end_parts(scope, job, None)?;
        self.write_if(vec![begun, command, listed, self.audit_part(scope, audit)?]).await
    }

    /// A page of the jobs of all tenants that are not over, and the mark to continue after.
    pub async fn unfinished_jobs(
        &self,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<(TenantId, CommandUuid)>, Option<String>)> {
        self.listed_under(UNFINISHED_JOBS, after, limit).await
    }
}

/// A job's item: in the index while it is not over.
fn job_item(scope: &Scope, job: &CommandJob) -> Result<Item> {
    let mut item = item(&keys::command_job(scope.tenant(), &job.uuid), job)?;
    if !job.state.is_over() {
        item.insert("tenant".into(), text(UNFINISHED_JOBS));
        item.insert("listed".into(), text(keys::unfinished_job(scope.tenant(), &job.uuid)));
    }
    Ok(item)
}
