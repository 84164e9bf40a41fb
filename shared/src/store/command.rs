//! Commands: one item per enrollment and UUID. While it waits it stands in the local index `queue`; a final answer takes
//! it out. The enrollment's count of waiting commands changes in the same transaction, so that it never drifts.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::keys::{self, QUEUE_INDEX};
use super::{Cancelled, Item, NEW, Store, error, item, key_item, names_in, number, put_item_part, text};
use super::{update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::command::{CommandBatch, CommandStatus, QueuedCommand, StoredResult};
use crate::domain::enrollment::Enrollment;
use crate::domain::event::Event;
use crate::domain::inventory::InventoryPart;
use crate::domain::retention::{CommandsKept, is_over};
use crate::error::{Error, Result};
use crate::id::{CommandUuid, EnrollmentId};
use crate::protocol::inventory::{InventoryAnswer, Section};
use crate::scope::Scope;
use crate::time::Timestamp;

/// A command changes only while it has no final answer, and only for the enrollment it was queued for: an earlier one's
/// commands are not counted any more.
pub(super) const STILL_WAITING: &str = "#status IN (:pending, :not_now) AND generation = :generation";

/// A final answer; with it begins the time for which the command is still kept.
macro_rules! answered {
    () => {
        "SET #status = :status, completed_at = :now, #result = :result, \
         expires_at = :expires_at + if_not_exists(kept_longer, :zero)"
    };
}

const ANSWER: &str = concat!(answered!(), " REMOVE queue");
const LATE_ANSWER: &str = concat!(answered!(), ", after_cancel = :yes REMOVE queue");
/// A late answer counts while the record is there, also where the table has not deleted it yet.
const WITHDRAWN_BEFORE: &str = "#status IN (:cancelled, :superseded, :expired, :stuck) AND generation = :generation \
     AND (attribute_not_exists(expires_at) OR expires_at > :seconds)";

/// The states of a command that was withdrawn, by their names in an expression.
const WITHDRAWN: [(&str, CommandStatus); 4] = [
    (":cancelled", CommandStatus::Cancelled),
    (":superseded", CommandStatus::Superseded),
    (":expired", CommandStatus::Expired),
    (":stuck", CommandStatus::Stuck),
];

/// A device's final answer.
#[derive(Clone, Debug)]
pub struct FinalAnswer<'a> {
    /// To which command.
    pub uuid: &'a CommandUuid,
    /// How it went.
    pub status: CommandStatus,
    /// The whole report.
    pub result: &'a StoredResult,
    /// What it tells of the device.
    pub inventory: Option<&'a InventoryAnswer>,
    /// Whether the device failed to renew its identity.
    pub fails_renewal: bool,
    /// For how long the command is kept from now on.
    pub kept: CommandsKept,
    /// What is noted of it, at the time it came.
    pub event: &'a Event,
}

impl FinalAnswer<'_> {
    fn add_to(&self, values: &mut HashMap<String, AttributeValue>) -> Result<()> {
        values.insert(":status".into(), value(self.status)?);
        values.insert(":now".into(), value(self.event.at)?);
        values.insert(":result".into(), value(self.result)?);
        values.insert(":expires_at".into(), number(self.kept.until(self.event.at)));
        values.insert(":zero".into(), number(0));
        Ok(())
    }
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was written.
    Written,
    /// It was written, and the command had been withdrawn before.
    Late,
    /// The command is unknown or has its final answer already: the report changes nothing.
    Ignored,
}

impl Store {
    /// Queues a command on an enrollment. Repeating it changes nothing.
    ///
    /// # Errors
    /// Conflict when the enrollment began anew since `command.generation` was read.
    pub async fn enqueue(&self, scope: &Scope, command: &QueuedCommand) -> Result<()> {
        self.enqueue_noting(scope, command, None).await
    }

    /// The same, and notes on the enrollment when it was asked what, if that is to be noted.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn enqueue_noting(
        &self,
        scope: &Scope,
        command: &QueuedCommand,
        asked: Option<&BTreeMap<Section, Timestamp>>,
    ) -> Result<()> {
        let key = keys::queued_command(scope.tenant(), &command.enrollment, &command.uuid);
        let mut waiting: Item = item(&key, command)?;
        waiting.insert(QUEUE_INDEX.into(), text(keys::queue_position(command)));
        let parts = vec![
            put_item_part(&self.tables.core, waiting, Some(NEW), HashMap::new())?,
            self.one_more_part(scope, command, asked)?,
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

    /// The part of a transaction that counts a command among the waiting ones.
    pub(super) fn one_more_part(
        &self,
        scope: &Scope,
        command: &QueuedCommand,
        asked: Option<&BTreeMap<Section, Timestamp>>,
    ) -> Result<TransactWriteItem> {
        let mut values = HashMap::from([
            (":one".to_owned(), number(1)),
            (":zero".to_owned(), number(0)),
            (":generation".to_owned(), number(command.generation)),
        ]);
        let mut expression = "SET unanswered = :zero".to_owned();
        if let Some(asked) = asked {
            expression.push_str(", asked = :asked");
            values.insert(":asked".into(), value(asked)?);
        }
        expression.push_str(" ADD waiting :one");
        if command.partial {
            expression.push_str(", #partial :uuids");
            values.insert(":uuids".into(), AttributeValue::Ss(vec![command.uuid.to_string()]));
        }
        let enrollment = keys::enrollment(scope.tenant(), &command.enrollment);
        update_part(&self.tables.core, &enrollment, &expression, Some("generation = :generation"), values)
    }

    /// Records what one call sent to whom. `Ok(false)` when the UUID was used before.
    pub async fn create_batch(
        &self,
        scope: &Scope,
        batch: &CommandBatch,
        audit: &AuditEntry,
    ) -> Result<bool> {
        self.write_if(vec![self.batch_part(scope, batch)?, self.audit_part(scope, audit)?]).await
    }

    /// What one call sent to whom.
    pub async fn batch(
        &self,
        scope: &Scope,
        uuid: &CommandUuid,
        now: Timestamp,
    ) -> Result<Option<CommandBatch>> {
        let key = keys::command_batch(scope.tenant(), uuid);
        let found: Option<CommandBatch> = self.get(&self.tables.core, &key).await?;
        Ok(found.filter(|batch| !is_over(batch.expires_at, now)))
    }

    /// A command on those of `ids` that have it.
    pub async fn commands(
        &self,
        scope: &Scope,
        uuid: &CommandUuid,
        ids: &[EnrollmentId],
        now: Timestamp,
    ) -> Result<Vec<QueuedCommand>> {
        let wanted: Vec<_> = ids.iter().map(|id| keys::queued_command(scope.tenant(), id, uuid)).collect();
        let mut found: Vec<QueuedCommand> = self.get_many(&self.tables.core, &wanted).await?;
        found.retain(|command| !is_over(command.expires_at, now));
        Ok(found)
    }

    /// Records a final answer, unless one is there already. A command that was withdrawn after the device had fetched it
    /// gets its answer too: the device has done it.
    pub async fn record_final(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        answer: &FinalAnswer<'_>,
    ) -> Result<Recorded> {
        let key = keys::queued_command(scope.tenant(), &enrollment.id, answer.uuid);
        let mut values = still_waiting(enrollment.generation)?;
        answer.add_to(&mut values)?;
        let command = update_part(&self.tables.core, &key, ANSWER, Some(STILL_WAITING), values)?;
        let answered = self.answered_part(scope, enrollment, answer)?;
        let mut parts = vec![command, answered, self.event_part(scope, answer.event)?];
        if let Some(told) = answer.inventory.filter(|_| !enrollment.partial.contains(answer.uuid)) {
            let part = InventoryPart {
                section: told.section,
                told_at: answer.event.at,
                uuid: answer.uuid.clone(),
                result: answer.result.clone(),
            };
            parts.push(self.inventory_part(scope, &enrollment.id, &told.variant, &part)?);
        }
        match self.transact(parts).await {
            Ok(()) => Ok(Recorded::Written),
            Err(Cancelled::Condition(_)) => self.record_late(scope, enrollment, answer).await,
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    /// Records an answer that comes after a withdrawal: it is not counted any more, and nothing else changes.
    async fn record_late(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        answer: &FinalAnswer<'_>,
    ) -> Result<Recorded> {
        let mut values = HashMap::from([
            (":generation".to_owned(), number(enrollment.generation)),
            (":yes".to_owned(), value(true)?),
            (":seconds".to_owned(), number(answer.event.at.as_second())),
        ]);
        for (name, status) in WITHDRAWN {
            values.insert(name.to_owned(), value(status)?);
        }
        answer.add_to(&mut values)?;
        let key = keys::queued_command(scope.tenant(), &enrollment.id, answer.uuid);
        let part = update_part(&self.tables.core, &key, LATE_ANSWER, Some(WITHDRAWN_BEFORE), values)?;
        let parts = vec![part, self.event_part(scope, answer.event)?];
        Ok(if self.write_if(parts).await? { Recorded::Late } else { Recorded::Ignored })
    }

    /// The part of a transaction that counts an answered command as waiting no more, and takes over what the device
    /// said of itself.
    fn answered_part(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        answer: &FinalAnswer<'_>,
    ) -> Result<TransactWriteItem> {
        let (mut set, mut values) = fewer(enrollment.generation, &[answer.uuid]);
        // A user's channel has no facts of its own.
        if let Some(told) = answer.inventory.filter(|_| enrollment.id.user_id().is_none()) {
            for (name, said) in [
                ("device_name", &told.device_name),
                ("os_version", &told.os_version),
                ("build_version", &told.build_version),
            ] {
                if let Some(said) = said {
                    let _ = write!(set, ", facts.{name} = :{name}");
                    values.insert(format!(":{name}"), text(said));
                }
            }
            if let Some(supervised) = told.supervised {
                set.push_str(", facts.supervised = :supervised");
                values.insert(":supervised".into(), value(supervised)?);
            }
        }
        if answer.fails_renewal {
            set.push_str(", renewal_failed_at = :failed_at");
            values.insert(":failed_at".into(), value(answer.event.at)?);
        }
        let key = keys::enrollment(scope.tenant(), &enrollment.id);
        let expression = format!("{set}{FEWER}");
        update_part(&self.tables.core, &key, &expression, Some("generation = :generation"), values)
    }

    /// The part of a transaction that counts commands as waiting no more.
    pub(super) fn fewer_part(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        generation: u64,
        uuids: &[&CommandUuid],
    ) -> Result<TransactWriteItem> {
        let (set, values) = fewer(generation, uuids);
        let key = keys::enrollment(scope.tenant(), id);
        let expression = format!("{set}{FEWER}");
        update_part(&self.tables.core, &key, &expression, Some("generation = :generation"), values)
    }

    /// Records a NotNow, unless there is a final answer already. In one session a command is refused once: what comes again is a
    /// repetition, of the device's or of the client's.
    pub async fn record_not_now(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        uuid: &CommandUuid,
        now: Timestamp,
    ) -> Result<Recorded> {
        let expression = "SET #status = :not_now, first_not_now_at = if_not_exists(first_not_now_at, :now), \
                          not_now_session = :session ADD not_now_tally :one";
        let condition = format!(
            "{STILL_WAITING} AND (attribute_not_exists(not_now_session) OR not_now_session <> :session)"
        );
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
            .set_expression_attribute_names(names_in(&[expression, &condition]))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        let written = error::condition(sent.map_err(error::update))?;
        Ok(if written.is_some() { Recorded::Written } else { Recorded::Ignored })
    }
}

/// The end of an expression that begins with [`fewer`].
const FEWER: &str = " ADD waiting :less DELETE #partial :uuids";

/// The beginning of an expression that counts commands as waiting no more, and its values.
fn fewer(generation: u64, uuids: &[&CommandUuid]) -> (String, HashMap<String, AttributeValue>) {
    let gone = uuids.iter().map(ToString::to_string).collect();
    let values = HashMap::from([
        (":less".to_owned(), AttributeValue::N(format!("-{}", uuids.len()))),
        (":zero".to_owned(), number(0)),
        (":uuids".to_owned(), AttributeValue::Ss(gone)),
        (":generation".to_owned(), number(generation)),
    ]);
    ("SET unanswered = :zero".to_owned(), values)
}

pub(super) fn still_waiting(generation: u64) -> Result<HashMap<String, AttributeValue>> {
    Ok(HashMap::from([
        (":generation".to_owned(), number(generation)),
        (":pending".to_owned(), value(CommandStatus::Pending)?),
        (":not_now".to_owned(), value(CommandStatus::NotNow)?),
    ]))
}
