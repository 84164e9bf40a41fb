//! Webhooks: their settings, and how far their deliveries have come.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::keys::{self, ALL_WEBHOOKS, BY_TENANT_INDEX, Key, WEBHOOK_PREFIX};
use super::{
    Item, NEW, Store, error, item, key_item, number, put_item_part, put_part, read, text, update_part, value,
};
use crate::domain::audit::AuditEntry;
use crate::domain::event::Event;
use crate::domain::webhook::Webhook;
use crate::domain::webhook_attempt::{Attempt, DeadLetter};
use crate::domain::webhook_position::Position;
use crate::error::{Error, Result};
use crate::id::{TenantId, WebhookId};
use crate::scope::Scope;

/// Most parts of one transaction, with room for the position and an event.
const TOGETHER: usize = 90;

impl Store {
    /// Adds a webhook, and where its deliveries begin.
    ///
    /// # Errors
    /// Internal when the identifier is taken, which 80 random bits make a fault.
    pub async fn create_webhook(
        &self,
        scope: &Scope,
        webhook: &Webhook,
        position: &Position,
        audit: &AuditEntry,
    ) -> Result<()> {
        let core = &self.tables.core;
        let parts = vec![
            put_item_part(core, webhook_item(scope, webhook)?, Some(NEW), HashMap::new())?,
            put_part(core, &keys::webhook_position(scope.tenant(), &webhook.id), position, Some(NEW))?,
            self.audit_part(scope, audit)?,
        ];
        if self.write_if(parts).await? {
            Ok(())
        } else {
            Err(Error::internal("a new webhook's identifier exists already"))
        }
    }

    /// A webhook's settings.
    pub async fn webhook(&self, scope: &Scope, id: &WebhookId) -> Result<Option<Webhook>> {
        self.get(&self.tables.core, &keys::webhook(scope.tenant(), id)).await
    }

    /// How far a webhook's deliveries have come.
    pub async fn webhook_position(&self, scope: &Scope, id: &WebhookId) -> Result<Option<Position>> {
        self.get(&self.tables.core, &keys::webhook_position(scope.tenant(), id)).await
    }

    /// The tenant's webhooks, in no particular order: there are ten at most.
    pub async fn webhooks(&self, scope: &Scope) -> Result<Vec<Webhook>> {
        let partition = keys::tenant(scope.tenant()).pk;
        self.partition(&self.tables.core, &partition, WEBHOOK_PREFIX).await?.into_iter().map(read).collect()
    }

    /// Writes a webhook over the version before it, and, if it is given, its position. `Ok(false)` when somebody else changed
    /// it meanwhile.
    pub async fn change_webhook(
        &self,
        scope: &Scope,
        webhook: &Webhook,
        position: Option<&Position>,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let mut parts = vec![self.webhook_part(scope, webhook)?, self.audit_part(scope, audit)?];
        if let Some(position) = position {
            parts.push(self.position_part(scope, &webhook.id, position)?);
        }
        self.write_if(parts).await
    }

    /// Deletes a webhook. `Ok(false)` when there is none.
    pub async fn delete_webhook(&self, scope: &Scope, id: &WebhookId, audit: &AuditEntry) -> Result<bool> {
        let parts = vec![
            self.delete_from_core(&keys::webhook(scope.tenant(), id))?,
            self.delete_from_core(&keys::webhook_position(scope.tenant(), id))?,
            self.audit_part(scope, audit)?,
        ];
        self.write_if(parts).await
    }

    /// Moves a webhook's position for somebody who asked for it, whoever delivers now. `Ok(false)` when it moved meanwhile.
    pub async fn move_webhook(
        &self,
        scope: &Scope,
        id: &WebhookId,
        position: &Position,
        audit: &AuditEntry,
    ) -> Result<bool> {
        self.write_if(vec![self.position_part(scope, id, position)?, self.audit_part(scope, audit)?]).await
    }

    /// Takes a webhook's deliveries over until a moment (unix seconds), as long as its position is the one that was read.
    /// `Ok(false)` when somebody else was faster.
    pub async fn lease_webhook(
        &self,
        scope: &Scope,
        id: &WebhookId,
        position: &mut Position,
        until: i64,
    ) -> Result<bool> {
        let values = HashMap::from([
            (":until".to_owned(), number(until)),
            (":one".to_owned(), number(1)),
            (":before".to_owned(), number(position.version)),
        ]);
        let key = keys::webhook_position(scope.tenant(), id);
        let expression = "SET leased_until = :until ADD version :one";
        let part = update_part(&self.tables.core, &key, expression, Some("version = :before"), values)?;
        let leased = self.write_if(vec![part]).await?;
        (position.version, position.leased_until) = (position.version + 1, Some(until));
        Ok(leased)
    }

    /// Writes a round of deliveries down: first what became of each, then the position over the one before it, and what is
    /// given up. `Ok(false)` when somebody else moved the position: then some are delivered again.
    pub async fn note_deliveries(
        &self,
        scope: &Scope,
        id: &WebhookId,
        position: &Position,
        attempts: &[Attempt],
        dead: &[DeadLetter],
    ) -> Result<bool> {
        for some in attempts.chunks(TOGETHER) {
            let parts: Result<Vec<_>> =
                some.iter().map(|attempt| self.attempt_part(scope, id, attempt)).collect();
            self.write_if(parts?).await?;
        }
        let mut parts = vec![self.position_part(scope, id, position)?];
        for letter in dead {
            parts.push(self.dead_part(scope, id, letter)?);
        }
        self.write_if(parts).await
    }

    /// Switches a webhook off and says so in the log. `Ok(false)` when somebody changed it meanwhile.
    pub async fn switch_webhook_off(&self, scope: &Scope, webhook: &Webhook, event: &Event) -> Result<bool> {
        self.write_if(vec![self.webhook_part(scope, webhook)?, self.event_part(scope, event)?]).await
    }

    /// Notes that a webhook's owners know that it was switched off. `Ok(false)` when somebody changed it meanwhile.
    pub async fn webhook_told(&self, scope: &Scope, webhook: &Webhook) -> Result<bool> {
        self.write_if(vec![self.webhook_part(scope, webhook)?]).await
    }

    /// Webhooks of all tenants for which turns have something to do, after one of them, and their names in this list.
    pub async fn listed_webhooks(
        &self,
        after: Option<&str>,
        limit: i32,
    ) -> Result<Vec<(String, TenantId, WebhookId)>> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(BY_TENANT_INDEX)
            .expression_attribute_values(":all", text(ALL_WEBHOOKS))
            .limit(limit);
        let query = match after {
            Some(after) => query
                .key_condition_expression("tenant = :all AND listed > :after")
                .expression_attribute_values(":after", text(after)),
            None => query.key_condition_expression("tenant = :all"),
        };
        let page = query.send().await.map_err(error::read)?;
        let names = page.items().iter().filter_map(|item| item.get("listed")?.as_s().ok());
        let parsed = |name: &String| {
            let (tenant, webhook) =
                name.split_once('#').ok_or_else(|| Error::internal("a webhook's name"))?;
            Ok((name.clone(), tenant.parse()?, webhook.parse()?))
        };
        names.map(parsed).collect()
    }

    fn webhook_part(&self, scope: &Scope, webhook: &Webhook) -> Result<TransactWriteItem> {
        let values = HashMap::from([(":before".to_owned(), number(webhook.version - 1))]);
        let record = webhook_item(scope, webhook)?;
        put_item_part(&self.tables.core, record, Some("version = :before"), values)
    }

    fn position_part(&self, scope: &Scope, id: &WebhookId, position: &Position) -> Result<TransactWriteItem> {
        let values = HashMap::from([(":before".to_owned(), number(position.version - 1))]);
        let record = item(&keys::webhook_position(scope.tenant(), id), position)?;
        put_item_part(&self.tables.core, record, Some("version = :before"), values)
    }

    fn delete_from_core(&self, key: &Key) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(key)))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Gives a webhook's deliveries back. What fails here ends by itself with the lease.
    pub async fn release_webhook(&self, scope: &Scope, id: &WebhookId, position: &Position) -> Result<()> {
        let values = HashMap::from([(":version".to_owned(), number(position.version))]);
        let key = keys::webhook_position(scope.tenant(), id);
        let part =
            update_part(&self.tables.core, &key, "REMOVE leased_until", Some("version = :version"), values)?;
        self.write_if(vec![part]).await.map(drop)
    }
}

/// A webhook as an item: listed while turns have something to do for it.
fn webhook_item(scope: &Scope, webhook: &Webhook) -> Result<Item> {
    let mut record = item(&keys::webhook(scope.tenant(), &webhook.id), webhook)?;
    if webhook.has_turns() {
        record.insert("tenant".into(), text(ALL_WEBHOOKS));
        record.insert("listed".into(), value(keys::listed_webhook(scope.tenant(), &webhook.id))?);
    }
    Ok(record)
}
