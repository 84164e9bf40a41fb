//! What came of pushes, noted on the enrollment.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::keys::{self, Key};
use super::{Store, error, key_item, update_part, value};
use crate::domain::enrollment::{PushAddress, PushAttempt};
use crate::domain::event::Event;
use crate::error::Result;
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::time::Timestamp;

impl Store {
    /// Notes what came of a push, unless the device was removed meanwhile. From now on its first poll is the answer; one
    /// call, and a second where the device was faster than this note.
    pub async fn note_push(&self, scope: &Scope, id: &EnrollmentId, attempt: &PushAttempt) -> Result<()> {
        let key = keys::enrollment(scope.tenant(), id);
        let values =
            HashMap::from([(":attempt".to_owned(), value(attempt)?), (":at".to_owned(), value(attempt.at)?)]);
        let waits = "SET last_push = :attempt REMOVE answered_at";
        if self.update_if(&key, waits, "last_seen <= :at", values.clone()).await? {
            return Ok(());
        }
        let answered = "SET last_push = :attempt, answered_at = last_seen";
        self.update_if(&key, answered, "last_seen > :at", values).await.map(drop)
    }

    /// Lets pushes rest until a time because APNs called this address no good, unless the device has given another one
    /// meanwhile.
    pub async fn rest_push(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        address: &PushAddress,
        attempt: &PushAttempt,
        until: Timestamp,
        event: &Event,
    ) -> Result<()> {
        let values = HashMap::from([
            (":address".to_owned(), value(address)?),
            (":attempt".to_owned(), value(attempt)?),
            (":until".to_owned(), value(until)?),
        ]);
        let key = keys::enrollment(scope.tenant(), id);
        let expression = "SET last_push = :attempt, push_rests_until = :until";
        let rest = update_part(&self.tables.core, &key, expression, Some("push = :address"), values)?;
        self.write_if(vec![rest, self.event_part(scope, event)?]).await.map(drop).map(drop)
    }

    /// An update whose failed condition is no trouble; whether it was made.
    pub(super) async fn update_if(
        &self,
        key: &Key,
        expression: &str,
        condition: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<bool> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(key)))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        error::condition(sent.map_err(error::update)).map(|written| written.is_some())
    }
}
