//! API tokens, in their owner's partition.

use super::keys::{self, TOKEN_PREFIX};
use super::{Store, error, key_item, read};
use crate::domain::token::{ApiToken, Owner};
use crate::error::{Error, Result};
use crate::id::TokenId;

impl Store {
    /// Adds a token.
    ///
    /// # Errors
    /// Conflict when the identifier is taken.
    pub async fn create_token(&self, owner: &Owner, token: &ApiToken) -> Result<()> {
        if self.put_new(&self.tables.core, &keys::token(owner, &token.id), token).await? {
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
    pub async fn delete_token(&self, owner: &Owner, token: &TokenId) -> Result<()> {
        let sent = self
            .client
            .delete_item()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::token(owner, token))))
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        match error::condition(sent.map_err(error::delete))? {
            Some(_) => Ok(()),
            None => Err(Error::not_found("token")),
        }
    }
}
