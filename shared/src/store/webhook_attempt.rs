//! What became of a webhook's deliveries, in the table of things that end by themselves.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::keys::{self, ATTEMPT_PREFIX, DEAD_PREFIX, Key};
use super::{
    NEW, Store, error, item, key_item, mark, not_a_mark, put_item_part, put_part, read, text, value,
};
use crate::domain::audit::AuditEntry;
use crate::domain::log::place;
use crate::domain::webhook_attempt::{Attempt, DeadLetter};
use crate::error::{Error, Result};
use crate::id::WebhookId;
use crate::scope::Scope;
use crate::time::Timestamp;

impl Store {
    pub(super) fn attempt_part(
        &self,
        scope: &Scope,
        id: &WebhookId,
        attempt: &Attempt,
    ) -> Result<TransactWriteItem> {
        let key = keys::webhook_attempt(scope.tenant(), id, &place(attempt.at, &attempt.id));
        put_part(&self.tables.ephemeral, &key, attempt, Some(NEW))
    }

    pub(super) fn dead_part(
        &self,
        scope: &Scope,
        id: &WebhookId,
        letter: &DeadLetter,
    ) -> Result<TransactWriteItem> {
        let key = keys::webhook_dead(scope.tenant(), id, &letter.place);
        // After a replay the same event may be given up once more.
        let values = HashMap::from([(":now".to_owned(), value(letter.given_up_at)?)]);
        let later = "attribute_not_exists(pk) OR given_up_at <= :now";
        put_item_part(&self.tables.ephemeral, item(&key, letter)?, Some(later), values)
    }

    /// Keeps what became of a call that somebody asked for, together with the entry that says so, and, if it succeeded,
    /// forgets that the event was given up. `Ok(false)` when somebody else delivered it meanwhile.
    pub async fn note_call(
        &self,
        scope: &Scope,
        id: &WebhookId,
        attempt: &Attempt,
        delivered: Option<&DeadLetter>,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let mut parts = vec![self.attempt_part(scope, id, attempt)?, self.audit_part(scope, audit)?];
        if let Some(letter) = delivered {
            let delete = Delete::builder()
                .table_name(&self.tables.ephemeral)
                .set_key(Some(key_item(&keys::webhook_dead(scope.tenant(), id, &letter.place))))
                .condition_expression("attribute_exists(pk)")
                .build()
                .map_err(Error::internal)?;
            parts.push(TransactWriteItem::builder().delete(delete).build());
        }
        self.write_if(parts).await
    }

    /// A page of a webhook's attempts, the latest first, and the mark to continue with. What is over is left out.
    pub async fn webhook_attempts(
        &self,
        scope: &Scope,
        id: &WebhookId,
        now: Timestamp,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Attempt>, Option<String>)> {
        let pk = keys::webhook_partition(scope.tenant(), id);
        let start = after.map(mark).transpose()?;
        if start.as_ref().is_some_and(|sk| !sk.starts_with(ATTEMPT_PREFIX)) {
            return Err(not_a_mark());
        }
        let page = self
            .client
            .query()
            .table_name(&self.tables.ephemeral)
            .scan_index_forward(false)
            .limit(limit)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":prefix", text(ATTEMPT_PREFIX))
            .set_exclusive_start_key(start.map(|sk| key_item(&Key { pk, sk })))
            .send()
            .await
            .map_err(error::read)?;
        let next =
            page.last_evaluated_key.as_ref().and_then(|key| key.get("sk")?.as_s().ok()).map(hex::encode);
        let mut attempts: Vec<Attempt> =
            page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_>>()?;
        attempts.retain(|attempt| now.as_second() < attempt.expires_at);
        Ok((attempts, next))
    }

    /// The events that were given up, the oldest first. What is over is left out.
    pub async fn dead_letters(
        &self,
        scope: &Scope,
        id: &WebhookId,
        now: Timestamp,
    ) -> Result<Vec<DeadLetter>> {
        let partition = keys::webhook_partition(scope.tenant(), id);
        let found = self.partition(&self.tables.ephemeral, &partition, DEAD_PREFIX).await?;
        let mut letters: Vec<DeadLetter> = found.into_iter().map(read).collect::<Result<_>>()?;
        letters.retain(|letter| now.as_second() < letter.expires_at);
        Ok(letters)
    }
}
