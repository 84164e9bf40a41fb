//! A tenant's enrollments, counted and listed through the index by tenant.

use aws_sdk_dynamodb::types::Select;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::keys::{self, BY_TENANT_INDEX, Key};
use super::{Store, error, key_of, mark, text};
use crate::domain::enrollment::Enrollment;
use crate::domain::glimpse::Glimpse;
use crate::error::Result;
use crate::scope::Scope;
use crate::time::Timestamp;

/// The attributes of a [`Glimpse`], and the form of the item.
const GLIMPSE: &str =
    "v, id, #state, waiting, unanswered, last_seen, enrolled_at, locked_at, facts.device_name";

/// The one attribute of an enrollment that is counted.
#[derive(Deserialize)]
struct LastSeen {
    last_seen: Timestamp,
}

impl Store {
    /// How many devices are enrolled on a topic: those a Replacement of its certificate silences.
    pub async fn count_devices_on(&self, scope: &Scope, topic: &str) -> Result<u64> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(BY_TENANT_INDEX)
            .select(Select::Count)
            .key_condition_expression("tenant = :tenant AND begins_with(listed, :prefix)")
            .expression_attribute_values(":tenant", text(scope.tenant()))
            .expression_attribute_values(":prefix", text(keys::listed_prefix(topic, false)))
            .into_paginator()
            .send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            count += u64::try_from(page.map_err(error::read)?.count).unwrap_or_default();
        }
        Ok(count)
    }

    /// When devices enrolled on a topic were last seen: of `limit` of them at most. The index is eventually consistent, so
    /// that a device that enrolled just now may be missing.
    pub async fn last_seen_on(&self, scope: &Scope, topic: &str, limit: i32) -> Result<Vec<Timestamp>> {
        let seen: Vec<LastSeen> = self.devices_as(scope, topic, limit).await?;
        Ok(seen.into_iter().map(|device| device.last_seen).collect())
    }

    /// Devices enrolled on a topic, `limit` of them at most, as [`Self::last_seen_on`] finds them.
    pub async fn devices_on(&self, scope: &Scope, topic: &str, limit: i32) -> Result<Vec<Enrollment>> {
        self.devices_as(scope, topic, limit).await
    }

    async fn devices_as<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        topic: &str,
        limit: i32,
    ) -> Result<Vec<T>> {
        let page = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(BY_TENANT_INDEX)
            .key_condition_expression("tenant = :tenant AND begins_with(listed, :prefix)")
            .expression_attribute_values(":tenant", text(scope.tenant()))
            .expression_attribute_values(":prefix", text(keys::listed_prefix(topic, false)))
            .limit(limit)
            .send()
            .await
            .map_err(error::read)?;
        let found: Vec<Key> = page.items().iter().filter_map(key_of).collect();
        self.get_many(&self.tables.core, &found).await
    }

    /// A page of a tenant's enrollments, and the mark to continue after.
    pub async fn list_enrollments(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Enrollment>, Option<String>)> {
        let (found, next) = self.listed(scope, after, limit).await?;
        let mut enrollments: Vec<Enrollment> = self.get_many(&self.tables.core, &found).await?;
        enrollments.sort_by(|left, right| left.id.cmp(&right.id));
        Ok((enrollments, next))
    }

    /// The same page, with a glimpse of each.
    pub async fn list_glimpses(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Glimpse>, Option<String>)> {
        let (found, next) = self.listed(scope, after, limit).await?;
        let mut glimpses: Vec<Glimpse> = self.get_parts(&self.tables.core, &found, Some(GLIMPSE)).await?;
        glimpses.sort_by(|left, right| left.id.cmp(&right.id));
        Ok((glimpses, next))
    }

    async fn listed(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Key>, Option<String>)> {
        let mut query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(BY_TENANT_INDEX)
            .expression_attribute_values(":tenant", text(scope.tenant()))
            .limit(limit);
        query = match after {
            Some(after) => query
                .key_condition_expression("tenant = :tenant AND listed > :after")
                .expression_attribute_values(":after", text(mark(after)?)),
            None => query.key_condition_expression("tenant = :tenant"),
        };
        let page = query.send().await.map_err(error::read)?;
        let more = page.last_evaluated_key.is_some();
        let last = page.items().last().and_then(|item| item.get("listed")).and_then(|mark| mark.as_s().ok());
        let next = last.filter(|_| more).map(hex::encode);
        Ok((page.items().iter().filter_map(key_of).collect(), next))
    }
}
