//! The queue of one enrollment: what comes next, what stands in it, and what is taken out of it without an answer.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::TransactWriteItem;

use super::command::{STILL_WAITING, still_waiting};
use super::keys::{self, QUEUE_INDEX};
use super::{Store, error, mark, number, read, text, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::command::{CommandBatch, CommandStatus, QueuedCommand};
use crate::domain::enrollment::Enrollment;
use crate::domain::retention::{CommandsKept, is_over};
use crate::error::{Error, Result};
use crate::id::CommandUuid;
use crate::scope::Scope;
use crate::time::Timestamp;

/// Commands taken out of a queue in one transaction, which holds 100 items.
pub(super) const AT_ONCE: usize = 50;

/// Notes that a command was taken back as a whole.
pub(super) const CANCELS: &str = "SET cancelled_at = :now";
/// Takes a command out of the list of those that wait for a second administrator.
pub(super) const UNLISTED: &str = "REMOVE tenant, listed";

/// What a search for the next command found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The command to hand out.
    pub next: Option<QueuedCommand>,
    /// Commands before it whose time is over, still to be written down as such: at most [`AT_ONCE`].
    pub expired: Vec<QueuedCommand>,
}

/// Commands of one enrollment that are taken out of its queue without an answer.
#[derive(Clone, Copy, Debug)]
pub struct Withdrawal<'a> {
    /// The commands: 1 to 50, all of one enrollment and generation.
    pub commands: &'a [QueuedCommand],
    /// What becomes of them.
    pub to: CommandStatus,
    /// When.
    pub now: Timestamp,
    /// For how long they are kept from then on.
    pub kept: CommandsKept,
    /// Who did it, where somebody did.
    pub audit: Option<&'a AuditEntry>,
}

impl Store {
    /// The first command that the device may be offered in its present session, other than the one it has just reported on.
    pub async fn next_waiting(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        reported: Option<&CommandUuid>,
        now: Timestamp,
    ) -> Result<Found> {
        let prefix = keys::queue_prefix(&enrollment.id, enrollment.generation);
        // Enough for one page to hold a candidate behind the one reported on and a few that said NotNow.
        let query = self.queue_query(scope, enrollment, prefix).limit(8);
        let mut pages = query.into_paginator().items().send();
        let mut found = Found::default();
        while let Some(item) = pages.next().await {
            let command: QueuedCommand = read(item.map_err(error::read)?)?;
            if Some(&command.uuid) == reported {
                continue;
            }
            if command.is_over(now) {
                if found.expired.len() < AT_ONCE {
                    found.expired.push(command);
                }
            } else if command.may_be_offered_in(enrollment.session) {
                found.next = Some(command);
                break;
            }
        }
        Ok(found)
    }

    /// A page of what waits on an enrollment in the order it is handed out, or of what was set aside; and the mark to
    /// continue after.
    pub async fn queue_page(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        stuck: bool,
        after: Option<&str>,
        (limit, now): (i32, Timestamp),
    ) -> Result<(Vec<QueuedCommand>, Option<String>)> {
        let prefix = if stuck {
            keys::stuck_prefix(&enrollment.id, enrollment.generation)
        } else {
            keys::queue_prefix(&enrollment.id, enrollment.generation)
        };
        let query = match after {
            None => self.queue_query(scope, enrollment, prefix),
            Some(after) => {
                let after = mark(after)?;
                if !after.starts_with(&prefix) {
                    return Err(
                        Error::malformed("page-mark", "This is the mark of another list's page.").at("after")
                    );
                }
                // The last that begins with the prefix: `~` sorts behind every digit, letter and `#`.
                self.queue_query(scope, enrollment, format!("{prefix}~"))
                    .key_condition_expression("pk = :pk AND queue BETWEEN :after AND :prefix")
                    // BETWEEN takes its ends in: the mark itself was on the page before.
                    .expression_attribute_values(":after", text(format!("{after}!")))
            }
        };
        let page = query.limit(limit).send().await.map_err(error::read)?;
        let more = page.last_evaluated_key.is_some();
        let last =
            page.items().last().and_then(|item| item.get(QUEUE_INDEX)).and_then(|mark| mark.as_s().ok());
        let next = last.filter(|_| more).map(hex::encode);
        let mut commands: Vec<QueuedCommand> =
            page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_>>()?;
        commands.retain(|command| !is_over(command.expires_at, now));
        Ok((commands, next))
    }

    /// What waits on an enrollment about the same subject as `command`, and was queued before it.
    pub async fn waiting_about(
        &self,
        scope: &Scope,
        enrollment: &Enrollment,
        command: &QueuedCommand,
    ) -> Result<Vec<QueuedCommand>> {
        let Some(subject) = &command.subject else { return Ok(Vec::new()) };
        let prefix = keys::queue_prefix(&enrollment.id, enrollment.generation);
        let query = self.queue_query(scope, enrollment, prefix).filter_expression("subject = :subject");
        let found = query
            .expression_attribute_values(":subject", text(subject))
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(error::read)?;
        let earlier =
            |other: &QueuedCommand| (other.created_at, &other.uuid) < (command.created_at, &command.uuid);
        let mut commands: Vec<QueuedCommand> = found.into_iter().map(read).collect::<Result<_>>()?;
        commands.retain(earlier);
        commands.truncate(AT_ONCE);
        Ok(commands)
    }

    fn queue_query(&self, scope: &Scope, enrollment: &Enrollment, prefix: String) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.core)
            .index_name(QUEUE_INDEX)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(queue, :prefix)")
            .expression_attribute_values(":pk", text(keys::device_partition(scope.tenant(), &enrollment.id)))
            .expression_attribute_values(":prefix", text(prefix))
    }

    /// Takes commands out of the queue, all or none: `false` when one of them does not wait any more.
    pub async fn withdraw(&self, scope: &Scope, withdrawal: &Withdrawal<'_>) -> Result<bool> {
        let Some(first) = withdrawal.commands.first() else { return Ok(true) };
        let mut parts = Vec::with_capacity(withdrawal.commands.len() + 2);
        for command in withdrawal.commands {
            parts.push(self.withdraw_part(scope, command, withdrawal)?);
        }
        let uuids: Vec<&CommandUuid> = withdrawal.commands.iter().map(|command| &command.uuid).collect();
        parts.push(self.fewer_part(scope, &first.enrollment, first.generation, &uuids)?);
        if let Some(audit) = withdrawal.audit {
            parts.push(self.audit_part(scope, audit)?);
        }
        self.write_if(parts).await
    }

    pub(super) fn withdraw_part(
        &self,
        scope: &Scope,
        command: &QueuedCommand,
        withdrawal: &Withdrawal<'_>,
    ) -> Result<TransactWriteItem> {
        let key = keys::queued_command(scope.tenant(), &command.enrollment, &command.uuid);
        let mut values = still_waiting(command.generation)?;
        values.insert(":status".into(), value(withdrawal.to)?);
        values.insert(":now".into(), value(withdrawal.now)?);
        let longer = command.kept_longer.unwrap_or_default();
        values.insert(":expires_at".into(), number(withdrawal.kept.until(withdrawal.now) + longer));
        let expression = if withdrawal.to == CommandStatus::Stuck {
            values.insert(":aside".into(), text(keys::stuck_position(command)));
            "SET #status = :status, completed_at = :now, expires_at = :expires_at, queue = :aside"
        } else {
            "SET #status = :status, completed_at = :now, expires_at = :expires_at REMOVE queue"
        };
        update_part(&self.tables.core, &key, expression, Some(STILL_WAITING), values)
    }

    /// Puts a command that was set aside back into the queue: `false` when it is not aside any more.
    pub async fn retry(&self, scope: &Scope, command: &QueuedCommand, audit: &AuditEntry) -> Result<bool> {
        let key = keys::queued_command(scope.tenant(), &command.enrollment, &command.uuid);
        let values = HashMap::from([
            (":generation".to_owned(), number(command.generation)),
            (":stuck".to_owned(), value(CommandStatus::Stuck)?),
            (":pending".to_owned(), value(CommandStatus::Pending)?),
            (":queue".to_owned(), text(keys::queue_position(command))),
        ]);
        let expression = "SET #status = :pending, queue = :queue REMOVE completed_at, expires_at";
        let condition = "#status = :stuck AND generation = :generation";
        let again = update_part(&self.tables.core, &key, expression, Some(condition), values)?;
        let parts = vec![again, self.one_more_part(scope, command, None)?, self.audit_part(scope, audit)?];
        self.write_if(parts).await
    }

    /// Notes who approved a command: `false` when it was approved or taken back before.
    pub async fn approve_batch(
        &self,
        scope: &Scope,
        batch: &CommandBatch,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool> {
        self.write_if(vec![self.approve_part(scope, batch, now)?, self.audit_part(scope, audit)?]).await
    }

    pub(super) fn approve_part(
        &self,
        scope: &Scope,
        batch: &CommandBatch,
        now: Timestamp,
    ) -> Result<TransactWriteItem> {
        let key = keys::command_batch(scope.tenant(), &batch.uuid);
        let values =
            HashMap::from([(":who".to_owned(), text(scope.actor())), (":now".to_owned(), value(now)?)]);
        let condition = "attribute_exists(approval) AND attribute_not_exists(approved_by) AND \
                         attribute_not_exists(cancelled_at)";
        let set = format!("SET approved_by = :who, approved_at = :now {UNLISTED}");
        update_part(&self.tables.core, &key, &set, Some(condition), values)
    }

    /// Notes that a command was taken back as a whole: what was not queued yet will not be. `false` when it was before.
    pub async fn cancel_batch(
        &self,
        scope: &Scope,
        batch: &CommandBatch,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let key = keys::command_batch(scope.tenant(), &batch.uuid);
        let values = HashMap::from([(":now".to_owned(), value(now)?)]);
        let condition = "attribute_exists(pk) AND attribute_not_exists(cancelled_at)";
        let set = format!("{CANCELS} {UNLISTED}");
        let part = update_part(&self.tables.core, &key, &set, Some(condition), values)?;
        self.write_if(vec![part, self.audit_part(scope, audit)?]).await
    }
}
