//! The SQLite file that keeps secrets, messages, objects and mails.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Times are unix milliseconds.
const SCHEMA: &str = "
    create table if not exists secret (
        name text primary key,
        version_id text not null,
        value blob not null,
        created_at integer not null,
        changed_at integer not null,
        deleted_from integer
    ) strict;
    create table if not exists queue (
        name text primary key,
        visibility_timeout integer not null,
        max_receive_count integer,
        dead_letter_queue text references queue (name)
    ) strict;
    create table if not exists message (
        sequence integer primary key autoincrement,
        id text not null unique,
        queue text not null references queue (name),
        body text not null,
        sent_at integer not null,
        visible_at integer not null,
        receive_count integer not null default 0,
        first_received_at integer,
        receipt_handle text unique
    ) strict;
    create index if not exists message_by_queue on message (queue, visible_at);
    create table if not exists dead_letter (
        sequence integer primary key references message (sequence) on delete cascade,
        source text not null references queue (name)
    ) strict;
    create table if not exists move_task (
        sequence integer primary key autoincrement,
        handle text not null unique,
        queue text not null references queue (name),
        destination text references queue (name),
        rate integer,
        moved integer not null,
        to_move integer not null,
        failure text,
        started_at integer not null
    ) strict;
    create table if not exists bucket (name text primary key) strict;
    create table if not exists versioned_bucket (name text primary key references bucket (name)) strict;
    create table if not exists object (
        bucket text not null references bucket (name),
        key text not null,
        content blob not null,
        checksum_crc32 text,
        primary key (bucket, key)
    ) strict;
    create table if not exists object_version (
        bucket text not null references versioned_bucket (name),
        key text not null,
        version text not null,
        content blob not null,
        primary key (bucket, key, version)
    ) strict;
    create table if not exists domain (
        name text primary key,
        bucket text,
        key text,
        version text,
        updating integer not null default 0
    ) strict;
    create table if not exists mail (
        sequence integer primary key autoincrement,
        id text not null unique,
        sender text not null,
        recipient text not null,
        subject text not null,
        text text not null,
        html text not null,
        sent_at integer not null
    ) strict;
";

/// One connection, used in turn. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Database(Arc<Mutex<Connection>>);

impl Database {
    /// Opens or creates the file.
    ///
    /// Every commit reaches the disk (`synchronous = FULL`): the tables that name a private key are in another file, and
    /// a power cut must not leave a name without its key.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Self::with_schema(connection)
    }

    /// A database that ends with the process.
    pub(super) fn memory() -> rusqlite::Result<Self> {
        Self::with_schema(Connection::open_in_memory()?)
    }

    fn with_schema(connection: Connection) -> rusqlite::Result<Self> {
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Does `work` in one transaction, which is undone when it fails.
    pub(super) fn transaction<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}
