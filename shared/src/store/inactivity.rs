//! The rule about silent devices, and what follows from it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::Deserialize;

use super::error::condition;
use super::keys;
use super::{
    Cancelled, NEW, Store, error, key_item, number, put_item_part, put_part, text, update_part, value,
};
use crate::domain::audit::AuditEntry;
use crate::domain::enrollment::{Enrollment, EnrollmentState};
use crate::domain::event::Event;
use crate::domain::inactivity::{Held, InactivityRule};
use crate::error::Result;
use crate::id::{CommandUuid, EnrollmentId};
use crate::scope::Scope;
use crate::time::{DAY, Date, Timestamp, day_begins};

/// The one attribute of the mark that devices are heard.
#[derive(Deserialize)]
struct Heard {
    heard_at: Timestamp,
}

/// What became of an attempt to make a device inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeInactive {
    /// It is inactive now.
    Yes,
    /// It spoke, or changed, meanwhile.
    No,
    /// As many as the rule allows have become inactive this day.
    CapReached,
}

impl Store {
    /// A tenant's rule, if it ever made one.
    pub async fn inactivity_rule(&self, scope: &Scope) -> Result<Option<InactivityRule>> {
        self.get(&self.tables.core, &keys::inactivity_rule(scope.tenant())).await
    }

    /// Writes a rule over the version before it. `Ok(false)` when somebody else changed it meanwhile.
    pub async fn write_inactivity_rule(
        &self,
        scope: &Scope,
        rule: &InactivityRule,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let key = keys::inactivity_rule(scope.tenant());
        let put = if rule.version == 1 {
            put_part(&self.tables.core, &key, rule, Some(NEW))?
        } else {
            let values = HashMap::from([(":before".to_owned(), number(rule.version - 1))]);
            put_item_part(&self.tables.core, super::item(&key, rule)?, Some("version = :before"), values)?
        };
        self.write_if(vec![put, self.audit_part(scope, audit)?]).await
    }

    /// Notes that a rule rests. `Ok(false)` when that is known, or the rule changed meanwhile.
    pub async fn hold_inactivity(
        &self,
        scope: &Scope,
        rule: &InactivityRule,
        held: &Held,
        event: &Event,
    ) -> Result<bool> {
        let values = HashMap::from([
            (":held".to_owned(), value(held)?),
            (":version".to_owned(), number(rule.version)),
        ]);
        let update = update_part(
            &self.tables.core,
            &keys::inactivity_rule(scope.tenant()),
            "SET held = :held",
            Some("version = :version AND attribute_not_exists(held)"),
            values,
        )?;
        self.write_if(vec![update, self.event_part(scope, event)?]).await
    }

    /// Notes that a rule does not rest any more.
    pub async fn release_inactivity(&self, scope: &Scope, rule: &InactivityRule) -> Result<()> {
        let values = HashMap::from([(":version".to_owned(), number(rule.version))]);
        let key = keys::inactivity_rule(scope.tenant());
        self.update_if(&key, "REMOVE held", "version = :version", values).await.map(drop)
    }

    /// Makes a device inactive and locks its access, unless it spoke meanwhile or the day's cap is reached. `device_lock` is
    /// the command that is to be queued for it.
    pub async fn make_inactive(
        &self,
        scope: &Scope,
        device: &Enrollment,
        device_lock: Option<&CommandUuid>,
        daily_cap: u32,
        now: Timestamp,
        event: &Event,
    ) -> Result<MadeInactive> {
        let mut expression = "SET #state = :inactive, inactive_since = :now, \
                              locked_at = if_not_exists(locked_at, :now)"
            .to_owned();
        let mut values = HashMap::from([
            (":inactive".to_owned(), value(EnrollmentState::Inactive)?),
            (":enrolled".to_owned(), value(EnrollmentState::Enrolled)?),
            (":now".to_owned(), value(now)?),
            (":seen".to_owned(), value(device.last_seen)?),
        ]);
        if let Some(uuid) = device_lock {
            expression.push_str(", device_lock = :lock");
            values.insert(":lock".into(), value(uuid)?);
        }
        let still_silent = "#state = :enrolled AND last_seen = :seen";
        let key = keys::enrollment(scope.tenant(), &device.id);
        let parts = vec![
            update_part(&self.tables.core, &key, &expression, Some(still_silent), values)?,
            self.cap_part(scope, daily_cap, now)?,
            self.event_part(scope, event)?,
        ];
        match self.transact(parts).await {
            Ok(()) => Ok(MadeInactive::Yes),
            Err(Cancelled::Condition(1)) => Ok(MadeInactive::CapReached),
            Err(Cancelled::Condition(_)) => Ok(MadeInactive::No),
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    /// The part of a transaction that counts one more of the day, up to the cap.
    fn cap_part(&self, scope: &Scope, cap: u32, now: Timestamp) -> Result<TransactWriteItem> {
        let day = now.strftime("%Y-%m-%d").to_string();
        let ends = day.parse::<Date>().map_or(now, day_begins).as_second() + 2 * DAY;
        let values = HashMap::from([
            (":one".to_owned(), number(1)),
            (":cap".to_owned(), number(cap)),
            (":ends".to_owned(), number(ends)),
            (":version".to_owned(), number(super::VERSION)),
        ]);
        update_part(
            &self.tables.ephemeral,
            &keys::inactive_today(scope.tenant(), &day),
            "SET expires_at = :ends, v = :version ADD made_inactive :one",
            Some("attribute_not_exists(made_inactive) OR made_inactive < :cap"),
            values,
        )
    }

    /// Writes down that an inactive device answered. `Ok(false)` when that has been done.
    pub async fn note_return(&self, scope: &Scope, id: &EnrollmentId, event: &Event) -> Result<bool> {
        let values = HashMap::from([(":enrolled".to_owned(), value(EnrollmentState::Enrolled)?)]);
        let update = update_part(
            &self.tables.core,
            &keys::enrollment(scope.tenant(), id),
            "SET #state = :enrolled REMOVE inactive_since, device_lock",
            Some("attribute_exists(inactive_since)"),
            values,
        )?;
        self.write_if(vec![update, self.event_part(scope, event)?]).await
    }

    /// Opens the tenant's services to a device again. `Ok(false)` when they are open.
    pub async fn unlock_access(
        &self,
        scope: &Scope,
        device: &Enrollment,
        locked_at: Timestamp,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let values = HashMap::from([(":locked".to_owned(), value(locked_at)?)]);
        let update = update_part(
            &self.tables.core,
            &keys::enrollment(scope.tenant(), &device.id),
            "REMOVE locked_at",
            Some("locked_at = :locked"),
            values,
        )?;
        self.write_if(vec![update, self.audit_part(scope, audit)?]).await
    }

    /// Notes that the DeviceLock of a device that became inactive is dealt with.
    pub async fn note_device_lock(&self, scope: &Scope, id: &EnrollmentId, uuid: &CommandUuid) -> Result<()> {
        let values = HashMap::from([(":lock".to_owned(), value(uuid)?)]);
        let key = keys::enrollment(scope.tenant(), id);
        self.update_if(&key, "REMOVE device_lock", "device_lock = :lock", values).await.map(drop)
    }

    /// When a device of any tenant was last known to be heard.
    pub async fn heard_at(&self) -> Result<Option<Timestamp>> {
        let heard: Option<Heard> = self.get(&self.tables.core, &keys::heard()).await?;
        Ok(heard.map(|heard| heard.heard_at))
    }

    /// Notes that a device was heard, unless a later time is known.
    pub async fn note_heard(&self, at: Timestamp) -> Result<()> {
        let values =
            HashMap::from([(":at".to_owned(), text(at)), (":version".to_owned(), number(super::VERSION))]);
        let expression = "SET heard_at = :at, v = :version";
        let newer = "attribute_not_exists(heard_at) OR heard_at < :at";
        let sent = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::heard())))
            .update_expression(expression)
            .condition_expression(newer)
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        condition(sent.map_err(error::update)).map(drop)
    }
}
