//! What ends when: a global index by month over the credentials of all tenants.
//!
//! A record is in the index once it carries the attributes of [`indexed`]. The index only says whom to look at: what
//! really ends is read from the tenant's own records.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::keys::{self, BY_EXPIRY_INDEX};
use super::{Item, Store, error, read, text};
use crate::domain::credential::CredentialKind;
use crate::error::Result;
use crate::id::{Fingerprint, TenantId};
use crate::time::{SignedDuration, Timestamp};

/// An active push certificate that ends in the asked-for time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Expiring {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which it is.
    pub fingerprint: Fingerprint,
}

#[derive(Deserialize)]
struct Indexed {
    /// None where it is the server's own.
    tenant: Option<TenantId>,
}

/// The record of a tenant's credential, as the index finds it.
pub(super) fn indexed(
    mut record: Item,
    tenant: &TenantId,
    kind: CredentialKind,
    not_after: Timestamp,
) -> Item {
    record.insert("tenant".into(), text(tenant));
    record.insert("kind".into(), text(kind.as_str()));
    record.insert("expiry_month".into(), text(keys::expiry_month(not_after)));
    record.insert("expiry".into(), text(not_after));
    record
}

impl Store {
    /// Every tenant with something that ends from `from` to `to`: whom the notifier looks at. It reads only what ends
    /// then, however many tenants there are.
    pub async fn tenants_with_an_end(&self, from: Timestamp, to: Timestamp) -> Result<BTreeSet<TenantId>> {
        let items = self.ending(from, to, None).await?;
        let tenants: Result<Vec<Indexed>> = items.into_iter().map(read).collect();
        Ok(tenants?.into_iter().filter_map(|indexed| indexed.tenant).collect())
    }

    /// Every active push certificate of any tenant that ends from `from` to `to`: what the probe asks Apple about.
    pub async fn expiring(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Expiring>> {
        let items = self.ending(from, to, Some(CredentialKind::PushCertificate)).await?;
        items.into_iter().map(read).collect()
    }

    async fn ending(
        &self,
        from: Timestamp,
        to: Timestamp,
        only: Option<CredentialKind>,
    ) -> Result<Vec<Item>> {
        let mut found = Vec::new();
        for month in months(from, to) {
            let mut query = self
                .client
                .query()
                .table_name(&self.tables.pki)
                .index_name(BY_EXPIRY_INDEX)
                .key_condition_expression("expiry_month = :month AND expiry BETWEEN :from AND :to")
                .expression_attribute_values(":month", text(&month))
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to));
            if let Some(kind) = only {
                query = query
                    .filter_expression("kind = :kind")
                    .expression_attribute_values(":kind", text(kind.as_str()));
            }
            let mut pages = query.into_paginator().items().send();
            while let Some(item) = pages.next().await {
                found.push(item.map_err(error::read)?);
            }
        }
        Ok(found)
    }
}

/// The months that a stretch of time touches.
fn months(from: Timestamp, to: Timestamp) -> Vec<String> {
    let mut months = Vec::new();
    let mut at = from;
    while at < to {
        months.push(keys::expiry_month(at));
        // No month is shorter than this step, so none is passed over.
        at += SignedDuration::from_hours(24 * 28);
    }
    months.push(keys::expiry_month(to));
    months.dedup();
    months
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_month_between_is_asked_once() {
        let stretch = |from: &str, to: &str| months(from.parse().unwrap(), to.parse().unwrap());
        assert_eq!(
            stretch("2026-01-31T00:00:00Z", "2026-03-01T00:00:00Z"),
            ["2026-01", "2026-02", "2026-03"]
        );
        assert_eq!(stretch("2026-05-01T00:00:00Z", "2026-05-20T00:00:00Z"), ["2026-05"]);
        assert_eq!(stretch("2026-12-20T00:00:00Z", "2027-01-31T00:00:00Z"), ["2026-12", "2027-01"]);
    }
}
