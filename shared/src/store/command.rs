//! Commands: one item per enrollment and UUID. While it waits it stands in the local index `queue`; a final answer takes
//! it out. The enrollment's count of waiting commands changes in the same transaction, so that it never drifts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::keys::{self, QUEUE_INDEX};
use super::{
    Cancelled, Item, NEW, Store, error, item, key_item, names_in, number, put_item_part, put_part, read, text,
};
use super::{update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::command::{CommandBatch, CommandStatus, QueuedCommand, StoredResult};
use crate::domain::enrollment::Enrollment;
use crate::domain::event::Event;
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId};
use crate::scope::Scope;
use crate::time::Timestamp;

/// A command changes only while it has no final answer, and only for the enrollment it was queued for: an earlier one's
/// commands are not counted any more.
const STILL_WAITING: &str = "#status IN (:pending, :not_now) AND generation = :generation";

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was written.
    Written,
    /// The command is unknown or has its final answer already: the report changes nothing.
    Ignored,
}

impl Store {
    /// Queues a command on an enrollment. Repeating it changes nothing.
    ///
    /// # Errors
    /// Conflict when the enrollment began anew since `command.generation` was read.
    pub async fn enqueue(&self, scope: &Scope, command: &QueuedCommand, priority: u8) -> Result<()> {
        let position = keys::queue_position(
            &command.enrollment,
            command.generation,
            priority,
            command.created_at,
            &command.uuid,
        );
        let key = keys::queued_command(scope.tenant(), &command.enrollment, &command.uuid);
        let mut waiting: Item = item(&key, command)?;
        waiting.insert(QUEUE_INDEX.into(), text(position));
        let values = HashMap::from([
            (":one".to_owned(), number(1)),
            (":generation".to_owned(), number(command.generation)),
        ]);
        let enrollment = keys::enrollment(scope.tenant(), &command.enrollment);
        let parts = vec![
            put_item_part(&self.tables.core, waiting, Some(NEW), HashMap::new())?,
            update_part(
                &self.tables.core,
                &enrollment,
                "ADD waiting :one",
                Some("generation = :generation"),
                values,
            )?,
        ];
        match self.transact(parts).await {
            // Queued already, by an earlier try of the same call.
            Ok(()) | Err(Cancelled::Condition(0)) => Ok(()),
            Err(Cancelled::Condition(_)) => Err(Error::conflict(
                "enrollment-changed",
                format!("The device {} enrolled anew while the command was queued.", command.enrollment),
            )
            .next("Send the command again.")),
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    /// Records what one call sent to whom. `Ok(false)` when the UUID was used before.
    pub async fn create_batch(
        &self,
        scope: &Scope,
        batch: &CommandBatch,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let key = keys::command_batch(scope.tenant(), &batch.uuid);
        let put = put_part(&self.tables.core, &key, batch, Some(NEW))?;
        self.write_if(vec![put, self.audit_part(scope, audit)?]).await
    }

    /// What one call sent to whom.
    pub async fn batch(&self, scope: &Scope, uuid: &CommandUuid) -> Result<Option<CommandBatch>> {
        self.get(&self.tables.core, &keys::command_batch(scope.tenant(), uuid)).await
    }

    /// A command on those of `ids` that have it.
    pub async fn commands(
        &self,
        scope: &Scope,
        uuid: &CommandUuid,
        ids: &[EnrollmentId],
    ) -> Result<Vec<QueuedCommand>> {
        let wanted: Vec<_> = ids.iter().map(|id| keys::queued_command(scope.tenant(), id, uuid)).collect();
        self.get_many(&self.tables.core, &wanted).await
    }

    /// The first command that the device may be offered in its present session, other than the one it has just reported on.
    pub async fn next_waiting(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        reported: Option<&CommandUuid>,
    ) -> Result<Option<QueuedCommand>> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(QUEUE_INDEX)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(queue, :prefix)")
            .expression_attribute_values(":pk", text(keys::device_partition(scope.tenant(), &enrollment.id)))
            .expression_attribute_values(
                ":prefix",
                text(keys::queue_prefix(&enrollment.id, enrollment.generation)),
            )
            // Enough for one page to hold a candidate behind the one reported on and a few that said NotNow.
            .limit(8)
            .into_paginator()
            .items()
            .send();
        while let Some(found) = pages.next().await {
            let command: QueuedCommand = read(found.map_err(error::read)?)?;
            if command.may_be_offered_in(enrollment.session) && Some(&command.uuid) != reported {
                return Ok(Some(command));
            }
        }
        Ok(None)
    }

    /// Records a final answer, given at the time of `event`, unless one is there already.
    pub async fn record_final(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        uuid: &CommandUuid,
        status: CommandStatus,
        result: &StoredResult,
        event: &Event,
    ) -> Result<Recorded> {
        let key = keys::queued_command(scope.tenant(), &enrollment.id, uuid);
        let mut values = still_waiting(enrollment.generation)?;
        values.insert(":status".into(), value(status)?);
        values.insert(":now".into(), value(event.at)?);
        values.insert(":result".into(), value(result)?);
        let expression = "SET #status = :status, completed_at = :now, #result = :result REMOVE queue";
        let command = update_part(&self.tables.core, &key, expression, Some(STILL_WAITING), values)?;
        let less = self.one_less_part(scope, enrollment)?;
        match self.transact(vec![command, less, self.event_part(scope, event)?]).await {
            Ok(()) => Ok(Recorded::Written),
            Err(Cancelled::Condition(_)) => Ok(Recorded::Ignored),
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    fn one_less_part(&self, scope: &Scope, enrollment: &Enrollment) -> Result<TransactWriteItem> {
        let values = HashMap::from([
            (":less".to_owned(), AttributeValue::N("-1".into())),
            (":generation".to_owned(), number(enrollment.generation)),
        ]);
        let key = keys::enrollment(scope.tenant(), &enrollment.id);
        update_part(&self.tables.core, &key, "ADD waiting :less", Some("generation = :generation"), values)
    }

    /// Records a NotNow, unless there is a final answer already.
    pub async fn record_not_now(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        uuid: &CommandUuid,
        now: Timestamp,
    ) -> Result<Recorded> {
        let expression = "SET #status = :not_now, first_not_now_at = if_not_exists(first_not_now_at, :now), \
                          not_now_session = :session ADD not_now_tally :one";
        let mut values = still_waiting(enrollment.generation)?;
        values.insert(":now".into(), value(now)?);
        values.insert(":session".into(), number(enrollment.session));
        values.insert(":one".into(), number(1));
        let sent = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::queued_command(scope.tenant(), &enrollment.id, uuid))))
            .update_expression(expression)
            .condition_expression(STILL_WAITING)
            .set_expression_attribute_names(names_in(&[expression, STILL_WAITING]))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        let written = error::condition(sent.map_err(error::update))?;
        Ok(if written.is_some() { Recorded::Written } else { Recorded::Ignored })
    }
}

fn still_waiting(generation: u64) -> Result<HashMap<String, AttributeValue>> {
    Ok(HashMap::from([
        (":generation".to_owned(), number(generation)),
        (":pending".to_owned(), value(CommandStatus::Pending)?),
        (":not_now".to_owned(), value(CommandStatus::NotNow)?),
    ]))
}
