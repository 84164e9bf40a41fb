//! What a tenant allows the operator's support, in the tenant's own record: whoever looks at a page reads that anyway.

use std::collections::HashMap;

use super::{Store, keys, number, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::support::{ASKED_EVERY, SupportAccess, SupportQuestion};
use crate::error::{Error, Result};
use crate::scope::{Operator, Scope};

impl Store {
    /// Lets support in, in place of what was allowed before.
    ///
    /// # Errors
    /// NotFound when there is no such tenant.
    pub async fn allow_support(
        &self,
        scope: &Scope,
        access: &SupportAccess,
        audit: &AuditEntry,
    ) -> Result<()> {
        let values = HashMap::from([(":access".to_owned(), value(access)?)]);
        let update = update_part(
            &self.tables.core,
            &keys::tenant(scope.tenant()),
            "SET support = :access",
            Some("attribute_exists(pk)"),
            values,
        )?;
        let written = self.write_if(vec![update, self.audit_part(scope, audit)?]).await?;
        if written { Ok(()) } else { Err(Error::not_found("tenant")) }
    }

    /// Ends it. `Ok(false)` when there is nothing to end.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn end_support(&self, scope: &Scope, audit: &AuditEntry) -> Result<bool> {
        let update = update_part(
            &self.tables.core,
            &keys::tenant(scope.tenant()),
            "REMOVE support",
            Some("attribute_exists(support)"),
            HashMap::new(),
        )?;
        self.write_if(vec![update, self.audit_part(scope, audit)?]).await
    }

    /// Keeps an operator's question, with what both audit logs say of it. `Ok(false)` when one was asked within the hour.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn ask_support(
        &self,
        question: &SupportQuestion,
        (scope, audit): (&Scope, &AuditEntry),
        (operator, operators): (&Operator, &AuditEntry),
    ) -> Result<bool> {
        let values = HashMap::from([
            (":question".to_owned(), value(question)?),
            (":before".to_owned(), number(question.asked_at - ASKED_EVERY)),
        ]);
        let update = update_part(
            &self.tables.core,
            &keys::tenant(scope.tenant()),
            "SET support_asked = :question",
            Some(
                "attribute_exists(pk) AND (attribute_not_exists(support_asked) OR support_asked.asked_at <= :before)",
            ),
            values,
        )?;
        let parts = vec![update, self.audit_part(scope, audit)?, self.audit_part(operator, operators)?];
        self.write_if(parts).await
    }

    /// Takes a question back that reached nobody.
    ///
    /// # Errors
    /// Unavailable when the store does not answer.
    pub async fn forget_question(&self, scope: &Scope, question: &SupportQuestion) -> Result<()> {
        let values = HashMap::from([(":asked_at".to_owned(), number(question.asked_at))]);
        let update = update_part(
            &self.tables.core,
            &keys::tenant(scope.tenant()),
            "REMOVE support_asked",
            Some("support_asked.asked_at = :asked_at"),
            values,
        )?;
        self.write_if(vec![update]).await.map(drop)
    }
}
