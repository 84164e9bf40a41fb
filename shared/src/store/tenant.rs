//! Tenants.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::TransactWriteItem;

use super::keys::{self, ALL_TENANTS, BY_TENANT_INDEX};
use super::{Cancelled, Item, NEW, Store, error, item, put_item_part, put_part, text, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::tenant::Tenant;
use crate::domain::token::{ApiToken, Owner};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::scope::{Operator, Scope};
use std::collections::HashMap;

impl Store {
    /// Creates a tenant together with its first token; both its own audit log and the operator's say so.
    ///
    /// # Errors
    /// Conflict when the identifier is taken, which 80 random bits make a fault.
    pub async fn create_tenant(
        &self,
        scope: &Scope,
        tenant: &Tenant,
        token: &ApiToken,
        audit: &AuditEntry,
        (operator, operators): (&Operator, &AuditEntry),
    ) -> Result<()> {
        let owner = Owner::Tenant(tenant.id.clone());
        let mut listed: Item = item(&keys::tenant(&tenant.id), tenant)?;
        listed.insert("tenant".into(), text(ALL_TENANTS));
        listed.insert("listed".into(), text(&tenant.id));
        let parts = vec![
            put_item_part(&self.tables.core, listed, Some(NEW), HashMap::new())?,
            put_part(&self.tables.core, &keys::token(&owner, &token.id), token, Some(NEW))?,
            self.audit_part(scope, audit)?,
            self.audit_part(operator, operators)?,
        ];
        self.transact(parts).await.map_err(|cancelled| match cancelled {
            Cancelled::Condition(_) => Error::internal("a new tenant's identifier exists already"),
            Cancelled::Collided(error) | Cancelled::Failed(error) => error,
        })
    }

    /// The tenant of this scope.
    ///
    /// # Errors
    /// NotFound when there is no such tenant.
    pub async fn tenant(&self, scope: &Scope) -> Result<Tenant> {
        self.get(&self.tables.core, &keys::tenant(scope.tenant()))
            .await?
            .ok_or_else(|| Error::not_found("tenant"))
    }

    /// A page of all tenants by identifier, after `after`, for the operator.
    pub async fn tenants(&self, after: Option<&TenantId>, limit: i32) -> Result<Vec<Tenant>> {
        let page = self.tenants_query(after, limit).send().await.map_err(error::read)?;
        let found: Vec<keys::Key> = page.items().iter().filter_map(super::key_of).collect();
        let mut tenants: Vec<Tenant> = self.get_many(&self.tables.core, &found).await?;
        tenants.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(tenants)
    }

    /// The identifiers of a page of all tenants, after `after`: one call, whatever the tenants have.
    pub async fn tenant_ids(&self, after: Option<&TenantId>, limit: i32) -> Result<Vec<TenantId>> {
        let page = self.tenants_query(after, limit).send().await.map_err(error::read)?;
        let listed = page.items().iter().filter_map(|item| item.get("listed")?.as_s().ok());
        listed.map(|id| id.parse()).collect()
    }

    fn tenants_query(&self, after: Option<&TenantId>, limit: i32) -> QueryFluentBuilder {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .index_name(BY_TENANT_INDEX)
            .expression_attribute_values(":all", text(ALL_TENANTS))
            .limit(limit);
        match after {
            Some(after) => query
                .key_condition_expression("tenant = :all AND listed > :after")
                .expression_attribute_values(":after", text(after)),
            None => query.key_condition_expression("tenant = :all"),
        }
    }

    /// The part of a transaction that opts a tenant in to expiry mails, or out.
    pub(super) fn expiry_mails_part(&self, scope: &Scope, mails: bool) -> Result<TransactWriteItem> {
        let values = HashMap::from([(":mails".to_owned(), value(mails)?)]);
        let key = keys::tenant(scope.tenant());
        update_part(
            &self.tables.core,
            &key,
            "SET expiry_mails = :mails",
            Some("attribute_exists(pk)"),
            values,
        )
    }

    /// Replaces what a tenant may change of itself: name, contacts, opt-in.
    ///
    /// # Errors
    /// NotFound when there is no such tenant.
    pub async fn update_tenant(&self, scope: &Scope, tenant: &Tenant, audit: &AuditEntry) -> Result<()> {
        let values = HashMap::from([
            (":name".to_owned(), text(&tenant.name)),
            (":contacts".to_owned(), value(&tenant.contacts)?),
            (":mails".to_owned(), value(tenant.expiry_mails)?),
        ]);
        let part = update_part(
            &self.tables.core,
            &keys::tenant(scope.tenant()),
            "SET #name = :name, contacts = :contacts, expiry_mails = :mails",
            Some("attribute_exists(pk)"),
            values,
        )?;
        self.transact(vec![part, self.audit_part(scope, audit)?]).await.map_err(|cancelled| match cancelled {
            Cancelled::Condition(_) => Error::not_found("tenant"),
            Cancelled::Collided(error) | Cancelled::Failed(error) => error,
        })
    }
}
