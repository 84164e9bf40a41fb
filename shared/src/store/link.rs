//! Enrollment links, in the table of things that end by themselves.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{NEW, Store, keys, put_part, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::link::{EnrollmentLink, IssuedByLink};
use crate::error::{Error, Result};
use crate::id::LinkId;
use crate::scope::Scope;

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

    /// The part of a transaction that uses a link up; it fails when the link was used.
    pub(super) fn use_link_part(
        &self,
        scope: &Scope,
        link: &LinkId,
        issued: &IssuedByLink,
    ) -> Result<TransactWriteItem> {
        let values = HashMap::from([(":issued".to_owned(), value(issued)?)]);
        let key = keys::link(scope.tenant(), link);
        let unused = "attribute_exists(pk) AND attribute_not_exists(issued)";
        update_part(&self.tables.ephemeral, &key, "SET issued = :issued", Some(unused), values)
    }
}
