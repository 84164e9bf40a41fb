//! API tokens, in their owner's partition.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use super::keys::{self, TOKEN_PREFIX};
use super::{NEW, Store, key_item, put_part, read};
use crate::domain::audit::AuditEntry;
use crate::domain::token::{ApiToken, Owner};
use crate::error::{Error, Result};
use crate::id::TokenId;
use crate::scope::Scope;

impl Store {
    /// Adds an operator's token.
    ///
    /// # Errors
    /// Internal when the identifier is taken, which 80 random bits make a fault.
    pub async fn create_operator_token(&self, token: &ApiToken) -> Result<()> {
        self.add_token(&Owner::Operator, token, None).await
    }

    /// Adds a tenant's token.
    ///
    /// # Errors
    /// Internal when the identifier is taken, which 80 random bits make a fault.
    pub async fn create_token(&self, scope: &Scope, token: &ApiToken, audit: &AuditEntry) -> Result<()> {
        let owner = Owner::Tenant(scope.tenant().clone());
        self.add_token(&owner, token, Some(self.audit_part(scope, audit)?)).await
    }

    async fn add_token(
        &self,
        owner: &Owner,
        token: &ApiToken,
        audit: Option<TransactWriteItem>,
    ) -> Result<()> {
        let put = put_part(&self.tables.core, &keys::token(owner, &token.id), token, Some(NEW))?;
        if self.write_if([put].into_iter().chain(audit).collect()).await? {
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
        let delete = Delete::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::token(&owner, token))))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(Error::internal)?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        if self.write_if(vec![delete, self.audit_part(scope, audit)?]).await? {
            Ok(())
        } else {
            Err(Error::not_found("token"))
        }
    }
}
