//! Claims that make a mail go out once: per credential, day and recipient.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::keys::{self, Key};
use super::{Store, error, item, key_item, names_in, number, put_part, read, value};
use crate::domain::token::Owner;
use crate::error::{Error, Result};
use crate::time::{DAY, Timestamp};

/// A claim of a run that died is free again after this many seconds.
const LEASE_SECONDS: i64 = 900;
/// How long a claim is kept: longer than any day could be repeated.
const KEPT_SECONDS: i64 = 60 * DAY;

/// One mail: about one credential, on one day, to one address.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// Whose credential it is.
    pub owner: &'a Owner,
    /// What the mail is about.
    pub credential: &'a str,
    /// The day in UTC, `YYYY-MM-DD`.
    pub day: &'a str,
    /// Who gets it.
    pub recipient: &'a str,
}

/// What came of asking for a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The mail is to be sent now.
    Now,
    /// Another run is at it, or died over it not long ago.
    Busy,
    /// The mail went out before.
    Before,
}

impl Claim<'_> {
    fn key(&self) -> Key {
        keys::mail_claim(self.owner, self.credential, self.day, self.recipient)
    }
}

#[derive(Serialize, Deserialize)]
struct ClaimRecord {
    leased_until: i64,
    sent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<Timestamp>,
    expires_at: i64,
}

impl Store {
    /// Takes the right to send a mail, unless it was sent, or another run is at it.
    pub async fn claim_mail(&self, claim: &Claim<'_>, now: Timestamp) -> Result<Claimed> {
        let second = now.as_second();
        let record = ClaimRecord {
            leased_until: second + LEASE_SECONDS,
            sent: false,
            sent_at: None,
            expires_at: second + KEPT_SECONDS,
        };
        let key = claim.key();
        let free = "attribute_not_exists(pk) OR (sent = :no AND leased_until <= :now)";
        let values = HashMap::from([(":no".to_owned(), value(false)?), (":now".to_owned(), number(second))]);
        let put = Put::builder()
            .table_name(&self.tables.ephemeral)
            .set_item(Some(item(&key, &record)?))
            .condition_expression(free)
            .set_expression_attribute_names(names_in(&[free]))
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(Error::internal)?;
        // A transaction, so that a claim whose answer was lost is not taken for another run's.
        let put = TransactWriteItem::builder().put(put).build();
        let sent = self.client.transact_write_items().transact_items(put).send().await;
        let Err(error) = sent else { return Ok(Claimed::Now) };
        let Some(there) = error::found_instead(&error) else {
            return Err(error::transaction(error).into_error());
        };
        let there: ClaimRecord = read(there)?;
        Ok(if there.sent { Claimed::Before } else { Claimed::Busy })
    }

    /// Notes that a claimed mail went out.
    pub async fn mail_sent(&self, claim: &Claim<'_>, now: Timestamp) -> Result<()> {
        let second = now.as_second();
        let record = ClaimRecord {
            leased_until: second,
            sent: true,
            sent_at: Some(now),
            expires_at: second + KEPT_SECONDS,
        };
        let key = claim.key();
        self.put_if(put_part(&self.tables.ephemeral, &key, &record, Some("attribute_exists(pk)"))?)
            .await
            .map(drop)
    }

    /// Gives a claim back because the mail could not be sent.
    pub async fn release_mail(&self, claim: &Claim<'_>) -> Result<()> {
        let key = claim.key();
        let sent = self
            .client
            .delete_item()
            .table_name(&self.tables.ephemeral)
            .set_key(Some(key_item(&key)))
            .condition_expression("sent = :no")
            .expression_attribute_values(":no", value(false)?)
            .send()
            .await;
        error::condition(sent.map_err(error::delete)).map(drop)
    }
}
