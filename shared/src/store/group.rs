//! Groups, and who is in them: one item a membership, and the names of its groups on each enrollment.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, TransactWriteItem};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::{self, Key};
use super::{Cancelled, NEW, Store, error, item, key_item, mark, put_item_part, put_part, read, text};
use super::{update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::group::Group;
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, GroupId};
use crate::scope::Scope;
use crate::time::Timestamp;

/// Memberships that change in one transaction: two items each, of 100.
pub const MEMBERS_AT_ONCE: usize = 40;

/// The condition of a group that takes members.
const OPEN: &str = "attribute_exists(pk) AND attribute_not_exists(deleted_at)";

/// A membership.
#[derive(Debug, Serialize, Deserialize)]
struct Member {
    enrollment: EnrollmentId,
}

impl Store {
    /// Adds a group: `false` when there is one of this name.
    pub async fn create_group(&self, scope: &Scope, group: &Group, audit: &AuditEntry) -> Result<bool> {
        let key = keys::group(scope.tenant(), &group.id);
        let put = put_part(&self.tables.core, &key, group, Some(NEW))?;
        self.write_if(vec![put, self.audit_part(scope, audit)?]).await
    }

    /// One group.
    pub async fn group(&self, scope: &Scope, id: &GroupId) -> Result<Option<Group>> {
        self.get(&self.tables.core, &keys::group(scope.tenant(), id)).await
    }

    /// The tenant's groups, a page at a time and in no particular order, and the mark of the next page.
    pub async fn groups(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Group>, Option<String>)> {
        self.page_of(keys::group_partition(scope.tenant()), after, limit).await
    }

    /// A group's members, a page at a time, and the mark of the next page.
    pub async fn members(
        &self,
        scope: &Scope,
        id: &GroupId,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<EnrollmentId>, Option<String>)> {
        let partition = keys::member_partition(scope.tenant(), id);
        let (members, next) = self.page_of::<Member>(partition, after, limit).await?;
        Ok((members.into_iter().map(|member| member.enrollment).collect(), next))
    }

    async fn page_of<T: DeserializeOwned>(
        &self,
        partition: String,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<T>, Option<String>)> {
        let query = self.client.query().table_name(&self.tables.core).consistent_read(true);
        let query = query.expression_attribute_values(":pk", text(partition)).limit(limit);
        let query = match after {
            Some(after) => query
                .key_condition_expression("pk = :pk AND sk > :after")
                .expression_attribute_values(":after", text(mark(after)?)),
            None => query.key_condition_expression("pk = :pk"),
        };
        let page = query.send().await.map_err(error::read)?;
        let last = page.last_evaluated_key.as_ref().and_then(|key| key.get("sk")?.as_s().ok());
        let next = last.map(hex::encode);
        Ok((page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_>>()?, next))
    }

    /// Makes enrollments members, or, with `leave`, members no more: [`MEMBERS_AT_ONCE`] of them at most, all or none.
    ///
    /// # Errors
    /// NotFound when the group is gone or going; Conflict when one of the enrollments is gone.
    pub async fn change_members(
        &self,
        scope: &Scope,
        group: &Group,
        ids: &[EnrollmentId],
        leave: bool,
        audit: &AuditEntry,
    ) -> Result<()> {
        let mut parts = vec![self.open_part(&keys::group(scope.tenant(), &group.id))?];
        for id in ids {
            parts.push(if leave {
                self.no_member_part(scope, &group.id, id)?
            } else {
                self.member_part(scope, &group.id, id)?
            });
            parts.push(self.named_part(scope, &group.name, id, leave)?);
        }
        parts.push(self.audit_part(scope, audit)?);
        match self.transact(parts).await {
            Ok(()) => Ok(()),
            Err(Cancelled::Condition(0)) => Err(Error::not_found("group")),
            Err(Cancelled::Condition(_)) => {
                Err(Error::conflict("enrollment-changed", "An enrollment changed meanwhile."))
            }
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    /// Notes that a group is being deleted: `false` when it was before, or there is none.
    pub async fn close_group(
        &self,
        scope: &Scope,
        id: &GroupId,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let values = HashMap::from([(":now".to_owned(), value(now)?)]);
        let key = keys::group(scope.tenant(), id);
        let part = update_part(&self.tables.core, &key, "SET deleted_at = :now", Some(OPEN), values)?;
        self.write_if(vec![part, self.audit_part(scope, audit)?]).await
    }

    /// Takes members out of a group that is being deleted: [`MEMBERS_AT_ONCE`] of them at most.
    pub async fn empty_group(&self, scope: &Scope, group: &Group, ids: &[EnrollmentId]) -> Result<()> {
        let mut parts = Vec::with_capacity(ids.len() * 2);
        for id in ids {
            parts.push(self.no_member_part(scope, &group.id, id)?);
            parts.push(self.named_part(scope, &group.name, id, true)?);
        }
        if self.write_if(parts).await? {
            return Ok(());
        }
        Err(Error::unavailable("a member of a group is not in the table"))
    }

    /// Removes a group that is being deleted; `false` when it is gone already.
    pub async fn remove_group(&self, scope: &Scope, id: &GroupId) -> Result<bool> {
        let key = keys::group(scope.tenant(), id);
        self.put_if(self.gone_part(&key, Some("attribute_exists(deleted_at)"))?).await
    }

    /// The part of a transaction that makes an enrollment a member; again changes nothing.
    pub(super) fn member_part(
        &self,
        scope: &Scope,
        group: &GroupId,
        id: &EnrollmentId,
    ) -> Result<TransactWriteItem> {
        let member = item(&keys::member(scope.tenant(), group, id), &Member { enrollment: id.clone() })?;
        put_item_part(&self.tables.core, member, None, HashMap::new())
    }

    fn no_member_part(&self, scope: &Scope, group: &GroupId, id: &EnrollmentId) -> Result<TransactWriteItem> {
        self.gone_part(&keys::member(scope.tenant(), group, id), None)
    }

    /// The part of a transaction that keeps the group's name with the enrollment, or does not any more.
    fn named_part(
        &self,
        scope: &Scope,
        name: &str,
        id: &EnrollmentId,
        leave: bool,
    ) -> Result<TransactWriteItem> {
        let names = AttributeValue::Ss(vec![name.to_owned()]);
        let values = HashMap::from([(":names".to_owned(), names)]);
        let expression = if leave { "DELETE groups :names" } else { "ADD groups :names" };
        let key = keys::enrollment(scope.tenant(), id);
        update_part(&self.tables.core, &key, expression, Some("attribute_exists(pk)"), values)
    }

    fn open_part(&self, key: &Key) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(key)))
            .condition_expression(OPEN)
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn gone_part(&self, key: &Key, condition: Option<&str>) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(key)))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
