//! API tokens, in their owner's partition.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use serde::Serialize;

use super::expiry::indexed;
use super::keys::{self, Key, TOKEN_PREFIX};
use super::{NEW, Store, item, key_item, put_item_part, put_part, read};
use crate::domain::audit::AuditEntry;
use crate::domain::credential::CredentialKind;
use crate::domain::token::{ApiToken, Owner};
use crate::error::{Error, Result};
use crate::id::TokenId;
use crate::scope::{Operator, Realm, Scope};

impl Store {
    /// Adds an operator's token.
    ///
    /// # Errors
    /// Internal when the identifier is taken, which 80 random bits make a fault.
    pub async fn create_operator_token(
        &self,
        operator: &Operator,
        token: &ApiToken,
        audit: &AuditEntry,
    ) -> Result<()> {
        self.add_token(operator.into(), token, audit).await
    }

    /// Adds a tenant's token; one that ends is in the calendar from then on.
    ///
    /// # Errors
    /// Internal when the identifier is taken, which 80 random bits make a fault.
    pub async fn create_token(&self, scope: &Scope, token: &ApiToken, audit: &AuditEntry) -> Result<()> {
        self.add_token(scope.into(), token, audit).await
    }

    async fn add_token(&self, realm: Realm<'_>, token: &ApiToken, audit: &AuditEntry) -> Result<()> {
        let owner = match realm {
            Realm::Tenant(scope) => Owner::Tenant(scope.tenant().clone()),
            Realm::Operator(_) => Owner::Operator,
        };
        let mut parts = vec![
            put_part(&self.tables.core, &keys::token(&owner, &token.id), token, Some(NEW))?,
            self.audit_part(realm, audit)?,
        ];
        if let (Owner::Tenant(tenant), Some(end)) = (&owner, token.expires_at) {
            let record = item(&keys::token_expiry(&owner, &token.id), &EndingToken {})?;
            let record = indexed(record, tenant, CredentialKind::ApiToken, end);
            parts.push(put_item_part(&self.tables.pki, record, Some(NEW), HashMap::new())?);
        }
        if self.write_if(parts).await? {
            Ok(())
        } else {
            Err(Error::internal("a new token's identifier exists already"))
        }
    }

    /// The token a bearer names, before its secret is compared.
    pub async fn token(&self, owner: &Owner, token: &TokenId) -> Result<Option<ApiToken>> {
        self.get(&self.tables.core, &keys::token(owner, token)).await
    }

    /// Every token of an owner.
    pub async fn tokens(&self, owner: &Owner) -> Result<Vec<ApiToken>> {
        self.partition(&self.tables.core, &keys::token_partition(owner), TOKEN_PREFIX)
            .await?
            .into_iter()
            .map(read)
            .collect()
    }

    /// Removes a token; it stops working within the stated life of the caller's cache.
    ///
    /// # Errors
    /// NotFound when there is no such token.
    pub async fn delete_token(&self, scope: &Scope, token: &TokenId, audit: &AuditEntry) -> Result<()> {
        let owner = Owner::Tenant(scope.tenant().clone());
        let parts = vec![
            delete_part(&self.tables.core, &keys::token(&owner, token), Some("attribute_exists(pk)"))?,
            delete_part(&self.tables.pki, &keys::token_expiry(&owner, token), None)?,
            self.audit_part(scope, audit)?,
        ];
        if self.write_if(parts).await? { Ok(()) } else { Err(Error::not_found("token")) }
    }
}

/// Stands in the index by expiry for a token.
#[derive(Serialize)]
struct EndingToken {}

/// Deletes a record, with a condition if given.
pub(super) fn delete_part(table: &str, key: &Key, condition: Option<&str>) -> Result<TransactWriteItem> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key_item(key)))
        .set_condition_expression(condition.map(str::to_owned))
        .build()
        .map_err(Error::internal)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}
