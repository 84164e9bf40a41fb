//! Sessions, and codes to sign in, in the table of what ends by itself.

use std::collections::HashMap;

use super::keys;
use super::token::delete_part;
use super::{NEW, Store, VERSION, error, key_item, number, put_part, read, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::contact::EmailAddress;
use crate::domain::session::{CODE_TRIES, CODES_AN_HOUR, Session, SignIn};
use crate::error::Result;
use crate::scope::{Operator, Scope};
use crate::time::Timestamp;
use aws_sdk_dynamodb::types::ReturnValue;

impl Store {
    /// Counts a code that is about to be mailed. `Ok(false)` when an address has had its number for this hour.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn may_mail_code(&self, address: &EmailAddress, now: Timestamp) -> Result<bool> {
        let hour = now.as_second() / 3_600;
        let values = HashMap::from([
            (":one".to_owned(), number(1)),
            (":end".to_owned(), number((hour + 2) * 3_600)),
            (":most".to_owned(), number(CODES_AN_HOUR)),
            (":v".to_owned(), number(VERSION)),
        ]);
        let part = update_part(
            &self.tables.ephemeral,
            &keys::codes_mailed(address, hour),
            "SET expires_at = :end, v = :v ADD mailed :one",
            Some("attribute_not_exists(pk) OR mailed < :most"),
            values,
        )?;
        self.write_if(vec![part]).await
    }

    /// Keeps what a code is compared with.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn begin_sign_in(&self, browser: &str, sign_in: &SignIn) -> Result<()> {
        let part = put_part(&self.tables.ephemeral, &keys::sign_in(browser), sign_in, None)?;
        self.put_if(part).await.map(drop)
    }

    /// Counts a try, before the code is compared, and returns what it is compared with; none when there is nothing, its
    /// time is over, or it was tried too often.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn try_code(&self, browser: &str, now: Timestamp) -> Result<Option<SignIn>> {
        let tried = self
            .client
            .update_item()
            .table_name(&self.tables.ephemeral)
            .set_key(Some(key_item(&keys::sign_in(browser))))
            .update_expression("ADD tries :one")
            .condition_expression("attribute_exists(pk) AND expires_at > :now AND tries < :most")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":most", number(CODE_TRIES))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let counted = error::condition(tried.map_err(error::update))?;
        counted.and_then(|output| output.attributes).map(read).transpose()
    }

    /// Begins a session, and uses up the code that opened it. `Ok(false)` when the code was used a moment ago.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn begin_session(&self, hash: &str, session: &Session, code_of: Option<&str>) -> Result<bool> {
        let table = &self.tables.ephemeral;
        let mut parts = vec![put_part(table, &keys::session(hash), session, Some(NEW))?];
        if let Some(browser) = code_of {
            parts.push(delete_part(table, &keys::sign_in(browser), Some("attribute_exists(pk)"))?);
        }
        self.write_if(parts).await
    }

    /// The session with this hash, which may be over.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn session(&self, hash: &str) -> Result<Option<Session>> {
        self.get(&self.tables.ephemeral, &keys::session(hash)).await
    }

    /// Notes when a session was last seen. Nothing happens to one that has ended.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn note_session(&self, hash: &str, now: Timestamp) -> Result<()> {
        let values = HashMap::from([(":now".to_owned(), value(now)?)]);
        let (table, key) = (&self.tables.ephemeral, keys::session(hash));
        let part = update_part(table, &key, "SET seen_at = :now", Some("attribute_exists(pk)"), values)?;
        self.write_if(vec![part]).await.map(drop)
    }

    /// Notes that a session entered the scope's tenant, together with the entry that says so.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn note_entry(&self, scope: &Scope, hash: &str, audit: &AuditEntry) -> Result<()> {
        let values = HashMap::from([
            (":tenant".to_owned(), value(scope.tenant())?),
            (":tenants".to_owned(), value([scope.tenant()])?),
        ]);
        // Of two pages that are opened at once, one says so.
        let part = update_part(
            &self.tables.ephemeral,
            &keys::session(hash),
            "SET entered = list_append(entered, :tenants)",
            Some("attribute_exists(pk) AND NOT contains(entered, :tenant)"),
            values,
        )?;
        self.write_if(vec![part, self.audit_part(scope, audit)?]).await.map(drop)
    }

    /// Notes that a session made use of what a tenant allowed support, together with the entries of both audit logs.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn note_support(
        &self,
        (scope, audit): (&Scope, &AuditEntry),
        (operator, operators): (&Operator, &AuditEntry),
        hash: &str,
        mark: &str,
    ) -> Result<()> {
        let values = HashMap::from([
            (":mark".to_owned(), value(mark)?),
            (":marks".to_owned(), value([mark])?),
            (":none".to_owned(), value::<[&str; 0]>([])?),
        ]);
        let part = update_part(
            &self.tables.ephemeral,
            &keys::session(hash),
            "SET supported = list_append(if_not_exists(supported, :none), :marks)",
            Some("attribute_exists(pk) AND NOT contains(supported, :mark)"),
            values,
        )?;
        let parts = vec![part, self.audit_part(scope, audit)?, self.audit_part(operator, operators)?];
        self.write_if(parts).await.map(drop)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn end_session(&self, hash: &str) -> Result<()> {
        self.write_if(vec![delete_part(&self.tables.ephemeral, &keys::session(hash), None)?]).await.map(drop)
    }
}
