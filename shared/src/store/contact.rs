//! Whether a contact confirmed its address: beside the tenant, and the question in the table of what ends by itself.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::keys::{self, CONTACT_PREFIX};
use super::{Cancelled, Store, VERSION, number, put_part, read, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::contact::{Disabled, EmailAddress};
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
    /// Why no mail goes to it, since one bounced or was called spam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

/// An address that is to be asked.
#[derive(Clone, Debug)]
pub struct Asking<'a> {
    /// The address.
    pub address: &'a EmailAddress,
    /// Now, in unix seconds.
    pub at: i64,
    /// Nobody is asked who was asked after this, in unix seconds.
    pub unless_since: i64,
    /// Whether an address that was disabled is asked as well.
    pub also_disabled: bool,
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

    /// Notes that an address is being asked, and the question. `Ok(false)` when it was confirmed, or asked a
    /// short time ago, or is disabled.
    pub async fn ask_contact(
        &self,
        scope: &Scope,
        asking: &Asking<'_>,
        hash: &str,
        question: &Confirmation,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let tenant = scope.tenant();
        let key = keys::contact(tenant, asking.address.as_str());
        let open = if asking.also_disabled {
            "(attribute_not_exists(verified_at) OR attribute_exists(disabled))"
        } else {
            "attribute_not_exists(verified_at) AND attribute_not_exists(disabled)"
        };
        let due = format!("attribute_not_exists(pk) OR ({open} AND asked_at < :since)");
        let values = HashMap::from([
            (":since".to_owned(), number(asking.unless_since)),
            (":address".to_owned(), value(asking.address)?),
            (":at".to_owned(), number(asking.at)),
            (":v".to_owned(), number(VERSION)),
        ]);
        let asked = "SET address = :address, asked_at = :at, v = :v";
        let parts = vec![
            update_part(&self.tables.core, &key, asked, Some(&due), values)?,
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

    /// Notes that an address was confirmed: mails go to it again. Repeating it changes nothing.
    pub async fn contact_verified(
        &self,
        scope: &Scope,
        address: &EmailAddress,
        audit: &AuditEntry,
    ) -> Result<()> {
        let key = keys::contact(scope.tenant(), address.as_str());
        let values = HashMap::from([(":now".to_owned(), value(audit.at)?)]);
        let unconfirmed =
            "attribute_exists(pk) AND (attribute_not_exists(verified_at) OR attribute_exists(disabled))";
        let confirmed = "SET verified_at = :now REMOVE disabled";
        let part = update_part(&self.tables.core, &key, confirmed, Some(unconfirmed), values)?;
        self.write_if(vec![part, self.audit_part(scope, audit)?]).await.map(drop)
    }

    /// Notes that no mail goes to an address any more. `Ok(false)` when that stood there, or its owner has confirmed it
    /// since `contact` was read.
    pub async fn disable_contact(
        &self,
        scope: &Scope,
        contact: &Contact,
        disabled: &Disabled,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let key = keys::contact(scope.tenant(), contact.address.as_str());
        let mut values = HashMap::from([(":disabled".to_owned(), value(disabled)?)]);
        let unchanged = if let Some(verified) = contact.verified_at {
            values.insert(":verified".to_owned(), value(verified)?);
            "attribute_not_exists(disabled) AND verified_at = :verified"
        } else {
            "attribute_exists(pk) AND attribute_not_exists(disabled) AND attribute_not_exists(verified_at)"
        };
        let part = update_part(&self.tables.core, &key, "SET disabled = :disabled", Some(unchanged), values)?;
        self.write_if(vec![part, self.audit_part(scope, audit)?]).await
    }
}
