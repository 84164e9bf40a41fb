//! What DynamoDB's refusals mean.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::aws::failure;
use crate::error::Error;

/// Why a single write did not happen.
pub(super) enum Refused {
    /// Its condition did not hold.
    Condition,
    /// Anything else.
    Failed(Error),
}

/// Why a transaction did not happen.
pub(super) enum Cancelled {
    /// The condition of the part with this index did not hold. The first of several is named.
    Condition(usize),
    /// Another write to the same items was under way.
    Collided(Error),
    /// Anything else.
    Failed(Error),
}

impl From<Error> for Cancelled {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Cancelled {
    /// What it is where no condition is expected to fail.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Condition(part) => Error::internal(format!("the condition of part {part} failed")),
            Self::Collided(error) | Self::Failed(error) => error,
        }
    }
}

pub(super) fn read<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    failure(error)
}

pub(super) fn update(error: SdkError<UpdateItemError, HttpResponse>) -> Refused {
    if let Some(UpdateItemError::ConditionalCheckFailedException(_)) = error.as_service_error() {
        return Refused::Condition;
    }
    Refused::Failed(failure(error))
}

pub(super) fn delete(error: SdkError<DeleteItemError, HttpResponse>) -> Refused {
    if let Some(DeleteItemError::ConditionalCheckFailedException(_)) = error.as_service_error() {
        return Refused::Condition;
    }
    Refused::Failed(failure(error))
}

/// `None` where the condition did not hold and that is an answer, not an error.
pub(super) fn condition<T>(written: Result<T, Refused>) -> Result<Option<T>, Error> {
    match written {
        Ok(output) => Ok(Some(output)),
        Err(Refused::Condition) => Ok(None),
        Err(Refused::Failed(error)) => Err(error),
    }
}

/// Looks inside a cancelled transaction: a failed condition is an answer; a conflict with another transaction, or
/// throttling, is a reason to try again.
pub(super) fn transaction(error: SdkError<TransactWriteItemsError, HttpResponse>) -> Cancelled {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return Cancelled::Failed(failure(error));
    };
    let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None"));
    let broken = codes.clone().position(|code| code == "ConditionalCheckFailed");
    let passing = codes.clone().all(|code| PASSING.contains(&code));
    match broken {
        Some(index) => Cancelled::Condition(index),
        None if passing => Cancelled::Collided(Error::unavailable(error)),
        None => Cancelled::Failed(Error::internal(error)),
    }
}

/// The item that stood in the way of a transaction's only part, where that part asks for it.
pub(super) fn found_instead(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> Option<super::Item> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return None;
    };
    let reason = cancelled.cancellation_reasons().first()?;
    if reason.code() == Some("ConditionalCheckFailed") { reason.item().cloned() } else { None }
}

/// Cancellation codes that another try may not meet.
const PASSING: [&str; 4] =
    ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
