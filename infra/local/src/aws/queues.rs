//! Queues of messages: delay, visibility, dead letters, and a wait for the next message.

mod moves;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use shared::port::random::Random;
use shared::time::Clock;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

pub(super) use self::moves::{MoveTask, Moving};
use super::database::Database;
use super::error::Refusal;

/// The least time between two looks at a queue whose next message is about to become visible.
const SHORTEST_NAP: Duration = Duration::from_millis(10);

/// The queues of the one account. Clones are the same queues.
#[derive(Clone, Debug)]
pub struct Queues {
    database: Database,
    clock: Clock,
    random: Random,
    changed: Arc<Notify>,
    /// When each queue was last emptied, in unix milliseconds.
    purged: Arc<Mutex<BTreeMap<String, i64>>>,
    closing: watch::Receiver<bool>,
}

/// How a queue treats a message that nobody deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// For how long a received message is hidden, in seconds.
    pub visibility_timeout: u32,
    /// Where a message goes that was received too often.
    pub redrive: Option<Redrive>,
}

/// The way to a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// How often a message is received before it goes there.
    pub max_receive_count: u32,
    /// The dead-letter queue's name; it must exist.
    pub dead_letter_queue: String,
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// SQS's name for the message.
    pub id: String,
    /// What deletes it; a new one with every receipt.
    pub receipt_handle: String,
    /// What was sent.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// When it was sent, in unix milliseconds.
    pub sent_at: i64,
    /// When it was first received, in unix milliseconds.
    pub first_received_at: i64,
}

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready to be received.
    pub visible: u32,
    /// Received and not yet deleted.
    pub in_flight: u32,
    /// Never received and not yet due.
    pub delayed: u32,
}

impl Queues {
    pub(super) fn new(database: Database, clock: Clock, closing: watch::Receiver<bool>) -> Self {
        Self {
            database,
            clock,
            random: Random::system(),
            changed: Arc::default(),
            purged: Arc::default(),
            closing,
        }
    }

    /// Makes a queue, or gives it these settings.
    ///
    /// # Errors
    /// When the dead-letter queue does not exist.
    pub fn create(&self, queue: &str, settings: &QueueSettings) -> Result<(), Refusal> {
        let redrive = settings.redrive.as_ref();
        self.database.transaction(|transaction| {
            transaction.execute(
                "insert into queue (name, visibility_timeout, max_receive_count, dead_letter_queue)
                 values (?1, ?2, ?3, ?4)
                 on conflict (name) do update set visibility_timeout = excluded.visibility_timeout,
                     max_receive_count = excluded.max_receive_count, dead_letter_queue = excluded.dead_letter_queue",
                params![
                    queue,
                    settings.visibility_timeout,
                    redrive.map(|redrive| redrive.max_receive_count),
                    redrive.map(|redrive| &redrive.dead_letter_queue),
                ],
            )?;
            Ok(())
        })
    }

    /// A queue's settings.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn settings(&self, queue: &str) -> Result<QueueSettings, Refusal> {
        self.database.transaction(|transaction| settings(transaction, queue))
    }

    /// The names of all queues.
    ///
    /// # Errors
    /// When the database fails.
    pub fn names(&self) -> Result<Vec<String>, Refusal> {
        self.database.transaction(|transaction| {
            let mut statement = transaction.prepare("select name from queue order by name")?;
            let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(names)
        })
    }

    /// Sends messages, each seen after its delay in seconds, all or none; answers their ids.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn send(&self, queue: &str, messages: &[(&str, u16)]) -> Result<Vec<String>, Refusal> {
        let now = self.now();
        let ids = self.database.transaction(|transaction| {
            settings(transaction, queue)?;
            let mut ids = Vec::with_capacity(messages.len());
            for (body, delay) in messages {
                let id = self.random.uuid_string().to_lowercase();
                transaction.execute(
                    "insert into message (id, queue, body, sent_at, visible_at) values (?1, ?2, ?3, ?4, ?5)",
                    params![id, queue, body, now, now + i64::from(*delay) * 1_000],
                )?;
                ids.push(id);
            }
            Ok::<_, Refusal>(ids)
        })?;
        self.changed.notify_waiters();
        Ok(ids)
    }

    /// Receives up to `limit` messages and hides them for `visibility` seconds (else the queue's own timeout).
    ///
    /// With nothing to receive it waits, up to `wait` of the machine's time, for a message to arrive or to become
    /// visible; it also returns when the server closes.
    ///
    /// # Errors
    /// When there is no such queue.
    pub async fn receive(
        &self,
        queue: &str,
        limit: u32,
        visibility: Option<u32>,
        wait: Duration,
    ) -> Result<Vec<Message>, Refusal> {
        let deadline = Instant::now() + wait;
        let mut closing = self.closing.clone();
        loop {
            // Made before the look, so that what changes after it is not missed.
            let changed = self.changed.notified();
            let messages = self.take(queue, limit, visibility)?;
            let now = Instant::now();
            if !messages.is_empty() || now >= deadline {
                return Ok(messages);
            }
            let nap = self.until_next(queue)?.unwrap_or(wait).max(SHORTEST_NAP);
            tokio::select! {
                () = changed => {}
                () = sleep_until(deadline.min(now + nap)) => {}
                _ = closing.wait_for(|closing| *closing) => return Ok(Vec::new()),
            }
        }
    }

    /// Deletes a received message; an unknown receipt handle is a message deleted before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Refusal> {
        self.database.transaction(|transaction| {
            transaction.execute(
                "delete from message where queue = ?1 and receipt_handle = ?2",
                [queue, receipt_handle],
            )?;
            Ok(())
        })
    }

    /// Hides a received message for `seconds` from now; 0 gives it back at once.
    ///
    /// # Errors
    /// When the message is not in flight.
    pub fn change_visibility(&self, queue: &str, receipt_handle: &str, seconds: u32) -> Result<(), Refusal> {
        let now = self.now();
        let changed = self.database.transaction(|transaction| {
            transaction.execute(
                "update message set visible_at = ?3
                 where queue = ?1 and receipt_handle = ?2 and visible_at > ?4",
                params![queue, receipt_handle, now + i64::from(seconds) * 1_000, now],
            )
        })?;
        if changed == 0 {
            return Err(Refusal::bad_request("MessageNotInflight", "The message is not in flight."));
        }
        self.changed.notify_waiters();
        Ok(())
    }

    /// How many messages a queue holds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counts(&self, queue: &str) -> Result<Counts, Refusal> {
        let now = self.now();
        self.database.transaction(|transaction| {
            let counts = transaction.query_row(
                "select count(*) filter (where visible_at <= ?2),
                     count(*) filter (where visible_at > ?2 and receive_count > 0),
                     count(*) filter (where visible_at > ?2 and receive_count = 0)
                 from message where queue = ?1",
                params![queue, now],
                |row| Ok(Counts { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? }),
            )?;
            Ok(counts)
        })
    }

    /// Makes those who wait look again; to be called after the clock was set.
    pub fn look_again(&self) {
        self.changed.notify_waiters();
    }

    fn take(&self, queue: &str, limit: u32, visibility: Option<u32>) -> Result<Vec<Message>, Refusal> {
        let now = self.now();
        self.database.transaction(|transaction| {
            let settings = settings(transaction, queue)?;
            if let Some(redrive) = &settings.redrive {
                transaction.execute(
                    "insert or replace into dead_letter (sequence, source)
                     select sequence, queue from message
                     where queue = ?1 and visible_at <= ?2 and receive_count >= ?3",
                    params![queue, now, redrive.max_receive_count],
                )?;
                transaction.execute(
                    "update message set queue = ?1, receive_count = 0, receipt_handle = null
                     where queue = ?2 and visible_at <= ?3 and receive_count >= ?4",
                    params![redrive.dead_letter_queue, queue, now, redrive.max_receive_count],
                )?;
            }
            let due: Vec<i64> = transaction
                .prepare_cached(
                    "select sequence from message where queue = ?1 and visible_at <= ?2
                     order by visible_at, sequence limit ?3",
                )?
                .query_map(params![queue, now, limit], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let hidden_until = now + i64::from(visibility.unwrap_or(settings.visibility_timeout)) * 1_000;
            let mut hide = transaction.prepare_cached(
                "update message set visible_at = ?2, receipt_handle = ?3, receive_count = receive_count + 1,
                     first_received_at = coalesce(first_received_at, ?4)
                 where sequence = ?1
                 returning id, receipt_handle, body, receive_count, sent_at, first_received_at",
            )?;
            let mut messages = Vec::with_capacity(due.len());
            for sequence in due {
                let handle = self.random.token();
                let row = params![sequence, hidden_until, handle.expose(), now];
                messages.push(hide.query_row(row, message)?);
            }
            Ok(messages)
        })
    }

    /// How long until a hidden message becomes visible.
    fn until_next(&self, queue: &str) -> Result<Option<Duration>, Refusal> {
        let now = self.now();
        let next: Option<i64> = self.database.transaction(|transaction| {
            transaction
                .query_row("select min(visible_at) from message where queue = ?1", [queue], |row| row.get(0))
        })?;
        Ok(next.map(|next| Duration::from_millis(u64::try_from(next - now).unwrap_or_default())))
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }
}

fn settings(transaction: &Transaction<'_>, queue: &str) -> Result<QueueSettings, Refusal> {
    let found = transaction
        .query_row(
            "select visibility_timeout, max_receive_count, dead_letter_queue from queue where name = ?1",
            [queue],
            |row| {
                let redrive = match (row.get(1)?, row.get(2)?) {
                    (Some(max_receive_count), Some(dead_letter_queue)) => {
                        Some(Redrive { max_receive_count, dead_letter_queue })
                    }
                    (None, _) | (_, None) => None,
                };
                Ok(QueueSettings { visibility_timeout: row.get(0)?, redrive })
            },
        )
        .optional()?;
    found.ok_or_else(|| Refusal::bad_request("QueueDoesNotExist", "The specified queue does not exist."))
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        receipt_handle: row.get(1)?,
        body: row.get(2)?,
        receive_count: row.get(3)?,
        sent_at: row.get(4)?,
        first_received_at: row.get(5)?,
    })
}
