//! Enrollments: one item a channel, all channels of a device in its partition.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use bytes::Bytes;

use super::device_identity::refusal;
use super::keys::{self, Key};
use super::{Cancelled, Item, Store, key_item, names_in, number, read, text, update_part, value};
use crate::domain::enrollment::{Enrollment, EnrollmentState, PushAddress};
use crate::domain::event::Event;
use crate::domain::identity::{not_bound, revoked};
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, Fingerprint};
use crate::scope::Scope;
use crate::time::Timestamp;

/// The condition that the signer's certificate is one of this enrollment's.
const SIGNED_BY_ITS_OWN: &str = "contains(certificates, :signer)";
/// The same, of a device that is enrolled already.
const UPDATES: &str = "contains(certificates, :signer) AND token_update_tally > :none";
/// The same, of a device that has only begun.
const ENROLLS: &str = "contains(certificates, :signer) AND token_update_tally = :none";
/// The same, where nothing waits: what the device is need not be read to know what to do next.
const ENROLLS_IDLE: &str =
    "contains(certificates, :signer) AND token_update_tally = :none AND waiting = :none";

/// What a TokenUpdate writes; sealed already.
#[derive(Clone, Debug)]
pub struct TokenUpdateWrite {
    /// Where pushes go from now on.
    pub push: PushAddress,
    /// The sealed unlock token, if the message had one.
    pub unlock_token: Option<Bytes>,
    /// Whether the device waits in Setup Assistant, if the message said so.
    pub awaiting_configuration: Option<bool>,
    /// On a user's channel, what the device calls the user, if the message said so.
    pub user_name: Option<String>,
    /// Whether this is probably the device's first one. A wrong guess costs a call, and nothing else.
    pub probably_enrolls: bool,
}

/// What a TokenUpdate did.
#[derive(Debug)]
pub enum TokenUpdated {
    /// The device was enrolled; this is what it is now.
    Again(Box<Enrollment>),
    /// The device enrolled; so many commands wait for it.
    Enrolled {
        /// Commands without a final answer.
        waiting: u64,
    },
    /// A user's channel has a new address. What it is now was not read.
    User,
}

impl Store {
    /// Marks an enrollment as seen now and returns it: the whole store traffic of an Idle poll with nothing waiting.
    ///
    /// `starts_session` is true for Idle.
    ///
    /// # Errors
    /// Forbidden when there is no such enrollment or `signer` is not one of its certificates.
    pub async fn seen(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        signer: Fingerprint,
        now: Timestamp,
        starts_session: bool,
    ) -> Result<Enrollment> {
        let mut values = HashMap::from([(":now".to_owned(), value(now)?)]);
        let expression = if starts_session {
            values.insert(":one".into(), number(1));
            "SET last_seen = :now, answered_at = if_not_exists(answered_at, :now) ADD #session :one, unanswered :one"
        } else {
            values.insert(":zero".into(), number(0));
            "SET last_seen = :now, answered_at = if_not_exists(answered_at, :now), unanswered = :zero"
        };
        if id.user_id().is_none() {
            values.insert(":signer".into(), text(signer));
            return self.update_enrollment(scope, id, expression, signer, values).await;
        }
        // A user channel signs with its device's identity, whose renewals are known to the device's item only.
        self.signed_device(scope, id, signer).await?;
        let updated = self.update(scope, id, expression, "attribute_exists(pk)", values).await?;
        updated.map_err(|_| not_bound(id))
    }

    async fn signed_device(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        signer: Fingerprint,
    ) -> Result<Enrollment> {
        let device = self.enrollment(scope, &id.device_channel()).await?;
        let device = device.ok_or_else(|| not_bound(id))?;
        if device.certificates.contains(&signer) {
            return Ok(device);
        }
        Err(if device.revoked.contains(&signer) { revoked() } else { not_bound(id) })
    }

    /// An update of a device's enrollment, if `signer` is its own; the value `:signer` is there already.
    pub(super) async fn update_enrollment(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        expression: &str,
        signer: Fingerprint,
        values: HashMap<String, AttributeValue>,
    ) -> Result<Enrollment> {
        let updated = self.update(scope, id, expression, SIGNED_BY_ITS_OWN, values).await?;
        updated.map_err(|before| refusal(id, before, signer))
    }

    /// An update of an enrollment: what it is then, or what it was where the condition did not hold.
    async fn update(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        expression: &str,
        condition: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<Result<Enrollment, Option<Item>>> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::enrollment(scope.tenant(), id))))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_names(names_in(&[expression, condition]))
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(output) => read(output.attributes.unwrap_or_default()).map(Ok),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Err(refused.item.clone()))
                }
                Some(_) | None => Err(crate::aws::failure(error)),
            },
        }
    }

    /// One enrollment.
    pub async fn enrollment(&self, scope: &Scope, id: &EnrollmentId) -> Result<Option<Enrollment>> {
        self.get(&self.tables.core, &keys::enrollment(scope.tenant(), id)).await
    }

    /// Those of `ids` that exist, in no particular order.
    pub async fn enrollments(&self, scope: &Scope, ids: &[EnrollmentId]) -> Result<Vec<Enrollment>> {
        let wanted: Vec<Key> = ids.iter().map(|id| keys::enrollment(scope.tenant(), id)).collect();
        self.get_many(&self.tables.core, &wanted).await
    }

    /// Stores where pushes go; the first one after Authenticate enrolls, which is written down as the event `enrolled`.
    /// One call, or two where it was guessed wrong whether it is the first.
    ///
    /// # Errors
    /// Forbidden when the signer is not this enrollment's.
    pub async fn update_token(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        signer: Fingerprint,
        write: &TokenUpdateWrite,
        now: Timestamp,
        enrolled: &Event,
    ) -> Result<TokenUpdated> {
        let mut expression = "SET push = :push, last_seen = :now, #state = :enrolled, tenant = :tenant, \
                              listed = :listed, enrolled_at = if_not_exists(enrolled_at, :now)"
            .to_owned();
        let mut values = HashMap::from([
            (":push".to_owned(), value(&write.push)?),
            (":now".to_owned(), value(now)?),
            (":enrolled".to_owned(), value(EnrollmentState::Enrolled)?),
            (":tenant".to_owned(), text(scope.tenant())),
            (":listed".to_owned(), text(keys::listed(&write.push.topic, id))),
            (":one".to_owned(), number(1)),
            (":signer".to_owned(), text(signer)),
        ]);
        if let Some(token) = &write.unlock_token {
            expression.push_str(", unlock_token = :unlock");
            values.insert(":unlock".into(), value(token)?);
        }
        if let Some(awaiting) = write.awaiting_configuration {
            expression.push_str(", awaiting_configuration = :awaiting");
            values.insert(":awaiting".into(), value(awaiting)?);
        }
        if id.user_id().is_none() {
            expression.push_str(" REMOVE push_rests_until ADD token_update_tally :one");
            values.insert(":none".into(), number(0));
            if write.probably_enrolls {
                let update = (expression.as_str(), ENROLLS_IDLE, values.clone());
                match self.enroll(scope, id, update, enrolled).await {
                    Ok(()) => return Ok(TokenUpdated::Enrolled { waiting: 0 }),
                    Err(Cancelled::Condition(_)) => {}
                    Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => return Err(error),
                }
            }
            return self.update_or_enroll(scope, id, signer, &expression, values, enrolled).await;
        }
        // A user channel begins with its first TokenUpdate: there is no Authenticate for it.
        if let Some(name) = &write.user_name {
            expression.push_str(", user_name = :user_name");
            values.insert(":user_name".into(), text(name));
        }
        expression.push_str(
            ", id = :id, generation = if_not_exists(generation, :zero), waiting = if_not_exists(waiting, :zero), \
             #session = if_not_exists(#session, :zero), v = :version REMOVE push_rests_until \
             ADD token_update_tally :one",
        );
        values.remove(":signer");
        values.insert(":id".into(), text(id));
        values.insert(":zero".into(), number(0));
        values.insert(":version".into(), number(super::VERSION));
        let key = keys::enrollment(scope.tenant(), id);
        let update = update_part(&self.tables.core, &key, &expression, None, values)?;
        self.transact(vec![self.signer_part(scope, id, signer)?, update]).await.map_err(|cancelled| {
            match cancelled {
                Cancelled::Condition(_) => not_bound(id),
                Cancelled::Collided(error) | Cancelled::Failed(error) => error,
            }
        })?;
        Ok(TokenUpdated::User)
    }

    /// The update of a device that has only begun, and the event.
    async fn enroll(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        (expression, condition, values): (&str, &str, HashMap<String, AttributeValue>),
        enrolled: &Event,
    ) -> Result<(), Cancelled> {
        let key = keys::enrollment(scope.tenant(), id);
        let update = update_part(&self.tables.core, &key, expression, Some(condition), values)
            .map_err(Cancelled::Failed)?;
        let event = self.event_part(scope, enrolled).map_err(Cancelled::Failed)?;
        self.transact(vec![update, event]).await
    }

    /// An update where the device is enrolled already; else the same in a transaction with the event.
    async fn update_or_enroll(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        signer: Fingerprint,
        expression: &str,
        values: HashMap<String, AttributeValue>,
        enrolled: &Event,
    ) -> Result<TokenUpdated> {
        let item = match self.update(scope, id, expression, UPDATES, values.clone()).await? {
            Ok(updated) => return Ok(TokenUpdated::Again(Box::new(updated))),
            Err(item) => item.ok_or_else(|| not_bound(id))?,
        };
        let before: Enrollment = read(item.clone())?;
        if !before.certificates.contains(&signer) {
            return Err(refusal(id, Some(item), signer));
        }
        self.enroll(scope, id, (expression, ENROLLS, values), enrolled).await.map_err(|cancelled| {
            match cancelled {
                Cancelled::Condition(_) => {
                    Error::conflict("enrollment-changed", "The enrollment changed meanwhile.")
                }
                Cancelled::Collided(error) | Cancelled::Failed(error) => error,
            }
        })?;
        Ok(TokenUpdated::Enrolled { waiting: before.waiting })
    }

    /// The part of a transaction that fails unless `signer` is one of the device's certificates.
    fn signer_part(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        signer: Fingerprint,
    ) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::enrollment(scope.tenant(), &id.device_channel()))))
            .condition_expression(SIGNED_BY_ITS_OWN)
            .expression_attribute_values(":signer", text(signer))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Stores or, with `None`, removes a device's sealed bootstrap token.
    ///
    /// # Errors
    /// Forbidden when the signer is not this enrollment's.
    pub async fn set_bootstrap_token(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        signer: Fingerprint,
        sealed: Option<Bytes>,
        now: Timestamp,
    ) -> Result<Enrollment> {
        let mut values =
            HashMap::from([(":now".to_owned(), value(now)?), (":signer".to_owned(), text(signer))]);
        let expression = match sealed {
            Some(sealed) => {
                values.insert(":token".into(), value(sealed)?);
                "SET last_seen = :now, bootstrap_token = :token"
            }
            None => "SET last_seen = :now REMOVE bootstrap_token",
        };
        self.update_enrollment(scope, &id.device_channel(), expression, signer, values).await
    }

    /// The part of a transaction that lets a renewed identity sign for its device from now on.
    pub(super) fn accept_part(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        renewed: Fingerprint,
        renews: Fingerprint,
    ) -> Result<TransactWriteItem> {
        let set = AttributeValue::Ss(vec![renewed.to_string()]);
        let values = HashMap::from([
            (":new".to_owned(), set),
            (":signer".to_owned(), text(renews)),
            (":none".to_owned(), AttributeValue::L(Vec::new())),
            (":last".to_owned(), AttributeValue::L(vec![text(renewed)])),
        ]);
        let key = keys::enrollment(scope.tenant(), &id.device_channel());
        let expression =
            "SET renewals = list_append(if_not_exists(renewals, :none), :last) ADD certificates :new";
        update_part(&self.tables.core, &key, expression, Some(SIGNED_BY_ITS_OWN), values)
    }
}
