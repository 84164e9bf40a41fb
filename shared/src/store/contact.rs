//! Whether a contact confirmed its address: beside the tenant, and the question in the table of what ends by itself.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::keys::{self, CONTACT_PREFIX};
use super::{Cancelled, Store, item, number, put_item_part, put_part, read, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::contact::EmailAddress;
use crate::error::{Error, Result};
use crate::scope::Scope;
use crate::time::Timestamp;

/// What is known of an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// The address.
    pub address: EmailAddress,
    /// When its owner was last asked to confirm it, in unix seconds.
    pub asked_at: i64,
    /// When its owner did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
}

/// A question that was mailed to an address; its answer names it by the hash of its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Confirmation {
    /// Who was asked.
    pub address: EmailAddress,
    /// Until when the answer counts, in unix seconds.
    pub expires_at: i64,
}

impl Store {
    /// What is known of the tenant's addresses, also of those that are no longer its contacts.
    pub async fn contacts(&self, scope: &Scope) -> Result<Vec<Contact>> {
        let partition = keys::tenant(scope.tenant()).pk;
        self.partition(&self.tables.core, &partition, CONTACT_PREFIX).await?.into_iter().map(read).collect()
    }

    /// Notes that an address is being asked, and the question. `Ok(false)` when it was confirmed, or asked after
    /// `unless_since`.
    pub async fn ask_contact(
        &self,
        scope: &Scope,
        contact: &Contact,
        hash: &str,
        question: &Confirmation,
        unless_since: i64,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let tenant = scope.tenant();
        let record = item(&keys::contact(tenant, contact.address.as_str()), contact)?;
        let due = "attribute_not_exists(pk) OR (attribute_not_exists(verified_at) AND asked_at < :since)";
        let since = HashMap::from([(":since".to_owned(), number(unless_since))]);
        let parts = vec![
            put_item_part(&self.tables.core, record, Some(due), since)?,
            put_part(&self.tables.ephemeral, &keys::confirmation(tenant, hash), question, Some(super::NEW))?,
            self.audit_part(scope, audit)?,
        ];
        match self.transact(parts).await {
            Ok(()) => Ok(true),
            Err(Cancelled::Condition(0)) => Ok(false),
            Err(Cancelled::Condition(_)) => Err(Error::internal("a new question exists already")),
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    /// The question with this hash, which may be over: the reader compares its time with the clock.
    pub async fn confirmation(&self, scope: &Scope, hash: &str) -> Result<Option<Confirmation>> {
        self.get(&self.tables.ephemeral, &keys::confirmation(scope.tenant(), hash)).await
    }

    /// Notes that an address was confirmed. Repeating it changes nothing.
    pub async fn contact_verified(
        &self,
        scope: &Scope,
        address: &EmailAddress,
        audit: &AuditEntry,
    ) -> Result<()> {
        let key = keys::contact(scope.tenant(), address.as_str());
        let values = HashMap::from([(":now".to_owned(), value(audit.at)?)]);
        let unconfirmed = "attribute_exists(pk) AND attribute_not_exists(verified_at)";
        let part = update_part(&self.tables.core, &key, "SET verified_at = :now", Some(unconfirmed), values)?;
        self.write_if(vec![part, self.audit_part(scope, audit)?]).await.map(drop)
    }
}
