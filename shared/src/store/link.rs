//! Enrollment links, in the table of things that end by themselves.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{ReturnValue, TransactWriteItem};

use super::{
    Cancelled, NEW, Store, error, key_item, keys, names_in, number, put_part, read, text, update_part, value,
};
use crate::domain::audit::AuditEntry;
use crate::domain::identity::IssuedIdentity;
use crate::domain::link::{EnrollmentLink, IssuedByLink, LONGEST_DAYS, LinkUse};
use crate::domain::link_challenge::{LinkChallenge, ProvenDevice};
use crate::error::{Error, Result};
use crate::id::LinkId;
use crate::scope::Scope;
use crate::time::{DAY, Timestamp};

/// How long a link may live at most, in seconds.
const LONGEST_LINK: i64 = LONGEST_DAYS * DAY;

/// The condition of a link that still enrolls devices.
const OPEN: &str = "attribute_exists(pk) AND attribute_not_exists(issued) AND attribute_not_exists(revoked_at) \
                    AND (attribute_not_exists(terms.uses) OR attribute_type(terms.uses, :null) \
                    OR used < terms.uses)";

impl Store {
    /// Adds a link.
    ///
    /// # Errors
    /// Internal when the identifier is taken, which 80 random bits make a fault.
    pub async fn create_link(&self, scope: &Scope, link: &EnrollmentLink, audit: &AuditEntry) -> Result<()> {
        let put = put_part(&self.tables.ephemeral, &keys::link(scope.tenant(), &link.id), link, Some(NEW))?;
        if self.write_if(vec![put, self.audit_part(scope, audit)?]).await? {
            Ok(())
        } else {
            Err(Error::internal("a new link's identifier exists already"))
        }
    }

    /// A link, which may have ended: the reader compares its time with the clock.
    pub async fn link(&self, scope: &Scope, link: &LinkId) -> Result<Option<EnrollmentLink>> {
        self.get(&self.tables.ephemeral, &keys::link(scope.tenant(), link)).await
    }

    /// The tenant's links, ended ones too while they are kept, a page at a time, and the mark of the next page.
    pub async fn links(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<EnrollmentLink>, Option<String>)> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.ephemeral)
            .expression_attribute_values(":pk", text(keys::link_partition(scope.tenant())))
            .limit(limit);
        let query = match after {
            Some(after) => query
                .key_condition_expression("pk = :pk AND sk > :after")
                .expression_attribute_values(":after", text(super::mark(after)?)),
            None => query.key_condition_expression("pk = :pk"),
        };
        let page = query.send().await.map_err(error::read)?;
        let last = page.last_evaluated_key.as_ref().and_then(|key| key.get("sk")?.as_s().ok());
        let next = last.map(hex::encode);
        let links = page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_>>()?;
        Ok((links, next))
    }

    /// Revokes a link. `Ok(false)` when there is none, or it was revoked before.
    pub async fn revoke_link(
        &self,
        scope: &Scope,
        link: &LinkId,
        now: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let values = HashMap::from([(":now".to_owned(), value(now)?)]);
        let condition = "attribute_exists(pk) AND attribute_not_exists(revoked_at)";
        let key = keys::link(scope.tenant(), link);
        let revoke =
            update_part(&self.tables.ephemeral, &key, "SET revoked_at = :now", Some(condition), values)?;
        self.write_if(vec![revoke, self.audit_part(scope, audit)?]).await
    }

    /// Counts one more profile of a link for several devices and returns its number; `None` when the link enrolls no more.
    pub async fn count_served(&self, scope: &Scope, link: &LinkId) -> Result<Option<u32>> {
        let expression = "ADD served :one";
        let values = HashMap::from([(":one".to_owned(), number(1)), (":null".to_owned(), text("NULL"))]);
        let sent = self
            .client
            .update_item()
            .table_name(&self.tables.ephemeral)
            .set_key(Some(key_item(&keys::link(scope.tenant(), link))))
            .update_expression(expression)
            .condition_expression(OPEN)
            .set_expression_attribute_names(names_in(&[expression, OPEN]))
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(error::update);
        let counted = error::condition(sent)?.and_then(|output| output.attributes);
        Ok(counted.map(read::<EnrollmentLink>).transpose()?.map(|link| link.served))
    }

    /// Keeps the challenge of one profile, in the place of the oldest one if the link has many.
    pub async fn keep_challenge(&self, scope: &Scope, link: &LinkId, kept: &LinkChallenge) -> Result<()> {
        let key = keys::link_challenge(scope.tenant(), link, kept.served);
        let values = HashMap::from([(":served".to_owned(), number(kept.served))]);
        let older = "attribute_not_exists(pk) OR served < :served";
        let item = super::item(&key, kept)?;
        // A later profile that took the place already leaves this one without: its holder opens the link again.
        self.put_if(super::put_item_part(&self.tables.ephemeral, item, Some(older), values)?).await.map(drop)
    }

    /// The challenge of a link's profile.
    pub async fn challenge(
        &self,
        scope: &Scope,
        link: &LinkId,
        served: u32,
    ) -> Result<Option<LinkChallenge>> {
        self.get(&self.tables.ephemeral, &keys::link_challenge(scope.tenant(), link, served)).await
    }

    /// Notes which device answered a challenge. `Ok(false)` when another did, or the challenge is gone.
    pub async fn answer_challenge(
        &self,
        scope: &Scope,
        link: &LinkId,
        served: u32,
        device: &ProvenDevice,
    ) -> Result<bool> {
        let key = keys::link_challenge(scope.tenant(), link, served);
        let values =
            HashMap::from([(":device".to_owned(), value(device)?), (":served".to_owned(), number(served))]);
        let first = "served = :served AND (attribute_not_exists(device) OR device = :device)";
        let set = "SET device = :device";
        self.put_if(update_part(&self.tables.ephemeral, &key, set, Some(first), values)?).await
    }

    /// Uses a challenge without using its link. `Ok(false)` when it was used before, or is gone.
    pub async fn use_challenge(
        &self,
        scope: &Scope,
        link: &LinkId,
        served: u32,
        issued: &IssuedByLink,
    ) -> Result<bool> {
        self.put_if(self.challenge_part(scope, link, served, issued)?).await
    }

    /// The part of a transaction that uses a challenge; it fails when that was used before.
    fn challenge_part(
        &self,
        scope: &Scope,
        link: &LinkId,
        served: u32,
        issued: &IssuedByLink,
    ) -> Result<TransactWriteItem> {
        let key = keys::link_challenge(scope.tenant(), link, served);
        let values =
            HashMap::from([(":issued".to_owned(), value(issued)?), (":served".to_owned(), number(served))]);
        let unused = "served = :served AND attribute_not_exists(issued)";
        update_part(&self.tables.ephemeral, &key, "SET issued = :issued", Some(unused), values)
    }

    /// What a link was used for, in no particular order.
    pub async fn link_uses(&self, scope: &Scope, link: &LinkId) -> Result<Vec<LinkUse>> {
        let partition = keys::link_uses_partition(scope.tenant(), link);
        let items = self.partition(&self.tables.ephemeral, &partition, keys::LINK_USE_PREFIX).await?;
        items.into_iter().map(read).collect()
    }

    /// The parts of a transaction that use a link once; the first, or first two, fail when that cannot be.
    pub(super) fn use_link_parts(
        &self,
        scope: &Scope,
        link: &LinkId,
        served: Option<u32>,
        issued: &IssuedByLink,
        used: &LinkUse,
    ) -> Result<Vec<TransactWriteItem>> {
        let table = &self.tables.ephemeral;
        let one = || (":one".to_owned(), number(1));
        let null = || (":null".to_owned(), text("NULL"));
        let key = keys::link(scope.tenant(), link);
        let mut parts = match served {
            None => {
                let values = HashMap::from([one(), null(), (":issued".to_owned(), value(issued)?)]);
                vec![update_part(table, &key, "SET issued = :issued ADD used :one", Some(OPEN), values)?]
            }
            Some(served) => {
                vec![
                    self.challenge_part(scope, link, served, issued)?,
                    update_part(table, &key, "ADD used :one", Some(OPEN), HashMap::from([one(), null()]))?,
                ]
            }
        };
        let key = keys::link_use(scope.tenant(), link, &used.fingerprint);
        parts.push(put_part(table, &key, used, Some(NEW))?);
        Ok(parts)
    }

    /// The parts of a transaction in which a device claims an identity that was not issued for a challenge of ours: the link is used
    /// once, if it still enrolls, and the identity is counted.
    pub(super) fn claim_parts(
        &self,
        scope: &Scope,
        link: &LinkId,
        identity: &IssuedIdentity,
    ) -> Result<Vec<TransactWriteItem>> {
        let now = identity.issued_at;
        let values = HashMap::from([
            (":one".to_owned(), number(1)),
            (":null".to_owned(), text("NULL")),
            (":now".to_owned(), number(now.as_second())),
        ]);
        let open = format!("{OPEN} AND expires_at > :now");
        let key = keys::link(scope.tenant(), link);
        let table = &self.tables.ephemeral;
        // The link's end is not known here. The longest that a link can still live is long enough for a list of its uses.
        let expires_at = now.as_second() + LONGEST_LINK;
        let used = LinkUse { fingerprint: identity.fingerprint, used_at: now, expires_at };
        Ok(vec![
            update_part(table, &key, "ADD used :one", Some(&open), values)?,
            put_part(table, &keys::link_use(scope.tenant(), link, &used.fingerprint), &used, Some(NEW))?,
            self.count_part(scope, identity)?,
        ])
    }
}

/// Whether a transaction that begins with [`Store::use_link_parts`] failed because the link or challenge was used.
pub(super) fn link_was_used(cancelled: &Cancelled, served: Option<u32>) -> bool {
    let first_other = if served.is_some() { 2 } else { 1 };
    matches!(cancelled, Cancelled::Condition(index) if *index < first_other)
}
