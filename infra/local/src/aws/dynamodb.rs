//! DynamoDB, by an emulator over SQLite in this process.
//!
//! It differs from AWS in this: nothing is throttled, every read is consistent, transactions never conflict, and expired
//! items stay (readers compare `expires_at` themselves, so the difference does not show).

mod connection;
mod disk;

use std::fmt;
use std::path::Path;

use axum::response::{IntoResponse as _, Response};
use dynoxide::{Database, DynoxideError};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::{Error, Result};

pub(super) use self::connection::without_travelling;
use self::disk::Disk;

/// What comes before the operation in the header `X-Amz-Target`.
pub(super) const TARGET: &str = "DynamoDB_20120810";

/// The tables. Clones share them.
#[derive(Clone)]
pub(super) struct DynamoDb {
    database: Database,
    disk: Disk,
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb").finish_non_exhaustive()
    }
}

/// What an operation answers: a status and JSON.
pub(super) struct Answer {
    status: u16,
    body: String,
}

impl From<DynoxideError> for Answer {
    fn from(refusal: DynoxideError) -> Self {
        Self { status: refusal.status_code(), body: refusal.to_json() }
    }
}

impl Answer {
    pub(super) fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], self.body).into_response()
    }
}

impl DynamoDb {
    /// Opens or creates the tables in `file`, or some in memory.
    pub(super) fn open(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else {
            let database = Database::memory().map_err(Error::internal)?;
            return Ok(Self { database, disk: Disk::none() });
        };
        let database = Database::new(&file.to_string_lossy()).map_err(Error::internal)?;
        // Commits no longer wait for the disk one by one (`synchronous = NORMAL`): `disk` does it for many at once. The
        // emulator says it in these words only.
        database.disable_bulk_loading().map_err(Error::internal)?;
        Ok(Self { database, disk: Disk::below(file)? })
    }

    /// Does one operation. What it answers, and what that shows of others' writes, is on the disk by then.
    pub(super) async fn answer(&self, operation: &str, input: &[u8]) -> Answer {
        let (done, seen) = match self.perform(operation, input) {
            Ok((body, seen)) => (Answer { status: 200, body }, seen),
            Err((refusal, seen)) => (refusal.into(), seen),
        };
        match self.disk.holds(seen).await {
            Ok(()) => done,
            Err(error) => DynoxideError::InternalServerError(error.to_string()).into(),
        }
    }

    fn perform(&self, operation: &str, input: &[u8]) -> Performed<String> {
        let tables = &self.database;
        match operation {
            "GetItem" => self.read(input, |wanted| tables.get_item(wanted)),
            "BatchGetItem" => self.read(input, |wanted| tables.batch_get_item(wanted)),
            "Query" => self.read(input, |wanted| tables.query(wanted)),
            "Scan" => self.read(input, |wanted| tables.scan(wanted)),
            "TransactGetItems" => self.read(input, |wanted| tables.transact_get_items(wanted)),
            "DescribeTable" => self.read(input, |wanted| tables.describe_table(wanted)),
            "DescribeTimeToLive" => self.read(input, |wanted| tables.describe_time_to_live(wanted)),
            "PutItem" => self.write(input, |change| tables.put_item(change)),
            "UpdateItem" => self.write(input, |change| tables.update_item(change)),
            "DeleteItem" => self.write(input, |change| tables.delete_item(change)),
            "BatchWriteItem" => self.write(input, |change| tables.batch_write_item(change)),
            "TransactWriteItems" => self.write(input, |change| tables.transact_write_items(change)),
            "CreateTable" => self.write(input, |change| tables.create_table(change)),
            "UpdateTimeToLive" => self.write(input, |change| tables.update_time_to_live(change)),
            other => {
                let refusal = format!("UnknownOperationException: no {other} here");
                Err((DynoxideError::ValidationException(refusal), 0))
            }
        }
    }

    fn read<I: DeserializeOwned, O: Serialize>(
        &self,
        input: &[u8],
        read: impl FnOnce(I) -> dynoxide::Result<O>,
    ) -> Performed<String> {
        let wanted = parsed(input)?;
        written(self.disk.after(|| read(wanted)))
    }

    fn write<I: DeserializeOwned, O: Serialize>(
        &self,
        input: &[u8],
        write: impl FnOnce(I) -> dynoxide::Result<O>,
    ) -> Performed<String> {
        let change = parsed(input)?;
        written(self.disk.commit(|| write(change)))
    }
}

/// An answer or a refusal, each with the number of the last commit that shows in it.
type Performed<T> = Result<(T, u64), (DynoxideError, u64)>;

fn parsed<I: DeserializeOwned>(input: &[u8]) -> Result<I, (DynoxideError, u64)> {
    serde_json::from_slice(input)
        .map_err(|error| (DynoxideError::SerializationException(error.to_string()), 0))
}

fn written<O: Serialize>((answer, seen): (dynoxide::Result<O>, u64)) -> Performed<String> {
    let written = answer.and_then(|answer| {
        serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    });
    match written {
        Ok(body) => Ok((body, seen)),
        Err(refusal) => Err((refusal, seen)),
    }
}
