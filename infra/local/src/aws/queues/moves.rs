//! Dead letters on their way back, and queues that are emptied.

use rusqlite::{Row, Transaction, params};

use super::{Queues, settings};
use crate::aws::error::Refusal;

/// How long a queue that was emptied cannot be emptied again, in milliseconds.
const BETWEEN_PURGES: i64 = 60_000;
/// What SQS calls a letter that no queue gave up.
const NO_SOURCE: &str = "CouldNotDetermineMessageSource";

/// What is asked of a move.
#[derive(Clone, Copy, Debug)]
pub(in crate::aws) struct Moving<'a> {
    /// The dead-letter queue.
    pub(in crate::aws) queue: &'a str,
    /// Where its messages go; back to where they came from if it is not said.
    pub(in crate::aws) destination: Option<&'a str>,
    /// Messages in a second. It is only written down: all move at once.
    pub(in crate::aws) rate: Option<u32>,
}

/// What became of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::aws) struct MoveTask {
    /// Where the messages went, if it was said.
    pub(in crate::aws) destination: Option<String>,
    /// Messages in a second, if it was said.
    pub(in crate::aws) rate: Option<u32>,
    /// Messages that were moved.
    pub(in crate::aws) moved: u32,
    /// Messages that were to be moved.
    pub(in crate::aws) to_move: u32,
    /// Why it ended before its time.
    pub(in crate::aws) failure: Option<String>,
    /// When it began, in unix milliseconds.
    pub(in crate::aws) started_at: i64,
}

impl Queues {
    /// Moves every visible message of a dead-letter queue, as new messages, and answers the move's handle. A letter that
    /// no queue gave up, because it was sent there, ends the move unless it is said where it goes.
    ///
    /// # Errors
    /// When there is no such queue, or no queue's dead letters go there.
    pub(in crate::aws) fn move_messages(&self, moving: Moving<'_>) -> Result<String, Refusal> {
        let now = self.now();
        let handle = self.random.token();
        self.database.transaction(|transaction| {
            check(transaction, moving)?;
            let letters: Vec<(i64, Option<String>)> = transaction
                .prepare(
                    "select message.sequence, coalesce(?3, source) from message left join dead_letter using (sequence)
                     where queue = ?1 and visible_at <= ?2 order by message.sequence",
                )?
                .query_map(params![moving.queue, now, moving.destination], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let (mut moved, mut failure) = (0_usize, None);
            for (sequence, to) in &letters {
                let Some(to) = to else {
                    failure = Some(NO_SOURCE);
                    break;
                };
                let id = self.random.uuid_string().to_lowercase();
                transaction.execute(
                    "update message set id = ?2, queue = ?3, sent_at = ?4, visible_at = ?4, receive_count = 0,
                         first_received_at = null, receipt_handle = null
                     where sequence = ?1",
                    params![sequence, id, to, now],
                )?;
                transaction.execute("delete from dead_letter where sequence = ?1", [sequence])?;
                moved += 1;
            }
            transaction.execute(
                "insert into move_task (handle, queue, destination, rate, moved, to_move, failure, started_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    handle.expose(), moving.queue, moving.destination, moving.rate, moved, letters.len(), failure, now
                ],
            )?;
            Ok::<_, Refusal>(())
        })?;
        self.look_again();
        Ok(handle.expose().clone())
    }

    /// The latest moves out of a dead-letter queue, the last one first.
    ///
    /// # Errors
    /// When there is no such queue.
    pub(in crate::aws) fn moves(&self, queue: &str, limit: u32) -> Result<Vec<MoveTask>, Refusal> {
        self.database.transaction(|transaction| {
            settings(transaction, queue).map_err(|_| no_resource("SourceArn"))?;
            let tasks = transaction
                .prepare(
                    "select destination, rate, moved, to_move, failure, started_at from move_task
                     where queue = ?1 order by sequence desc limit ?2",
                )?
                .query_map(params![queue, limit], task)?
                .collect::<Result<_, _>>()?;
            Ok(tasks)
        })
    }

    /// Deletes all messages of a queue.
    ///
    /// # Errors
    /// When there is no such queue, or it was emptied within the minute.
    pub(in crate::aws) fn purge(&self, queue: &str) -> Result<(), Refusal> {
        let now = self.now();
        let mut purged = self.purged.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if purged.get(queue).is_some_and(|at| now - at < BETWEEN_PURGES) {
            let message = format!("Only one PurgeQueue operation on {queue} is allowed every 60 seconds.");
            return Err(Refusal::bad_request("PurgeQueueInProgress", message));
        }
        self.database.transaction(|transaction| {
            settings(transaction, queue)?;
            transaction.execute("delete from message where queue = ?1", [queue])?;
            Ok::<_, Refusal>(())
        })?;
        purged.insert(queue.to_owned(), now);
        Ok(())
    }
}

fn check(transaction: &Transaction<'_>, moving: Moving<'_>) -> Result<(), Refusal> {
    settings(transaction, moving.queue).map_err(|_| no_resource("SourceArn"))?;
    if let Some(destination) = moving.destination {
        settings(transaction, destination).map_err(|_| no_resource("DestinationArn"))?;
    }
    let sources: u32 = transaction.query_row(
        "select count(*) from queue where dead_letter_queue = ?1",
        [moving.queue],
        |row| row.get(0),
    )?;
    match sources {
        0 => Err(Refusal::bad_request(
            "InvalidParameterValue",
            "Source queue must be configured as a Dead Letter Queue.",
        )),
        _ => Ok(()),
    }
}

fn no_resource(parameter: &str) -> Refusal {
    let message = format!("The resource that you specified for the {parameter} parameter doesn't exist.");
    Refusal::not_found("ResourceNotFoundException", message)
}

fn task(row: &Row<'_>) -> rusqlite::Result<MoveTask> {
    Ok(MoveTask {
        destination: row.get(0)?,
        rate: row.get(1)?,
        moved: row.get(2)?,
        to_move: row.get(3)?,
        failure: row.get(4)?,
        started_at: row.get(5)?,
    })
}
