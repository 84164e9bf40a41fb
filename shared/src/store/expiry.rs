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
use crate::id::TenantId;
use crate::time::{SignedDuration, Timestamp};

#[derive(Deserialize)]
struct Indexed {
    tenant: TenantId,
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
        let mut found = BTreeSet::new();
        for month in months(from, to) {
            let mut pages = self
                .client
                .query()
                .table_name(&self.tables.pki)
                .index_name(BY_EXPIRY_INDEX)
                .key_condition_expression("expiry_month = :month AND expiry BETWEEN :from AND :to")
                .expression_attribute_values(":month", text(&month))
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to))
                .into_paginator()
                .items()
                .send();
            while let Some(item) = pages.next().await {
                found.insert(read::<Indexed>(item.map_err(error::read)?)?.tenant);
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
