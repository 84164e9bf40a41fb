//! What ends when: a global index by month over the active push certificates of all tenants.

use serde::Deserialize;

use super::keys::{self, BY_EXPIRY_INDEX};
use super::{Store, error, read, text};
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

impl Store {
    /// Every active push certificate of any tenant that ends from `from` to `to`: what the notifier works on. It reads
    /// only what ends then, however many tenants there are.
    pub async fn expiring(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Expiring>> {
        let mut found = Vec::new();
        for month in months(from, to) {
            let mut pages = self
                .client
                .query()
                .table_name(&self.tables.pki)
                .index_name(BY_EXPIRY_INDEX)
                .key_condition_expression("expiry_month = :month AND expiry BETWEEN :from AND :to")
                // Other credentials in the index carry a kind.
                .filter_expression("attribute_not_exists(kind)")
                .expression_attribute_values(":month", text(&month))
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to))
                .into_paginator()
                .items()
                .send();
            while let Some(item) = pages.next().await {
                found.push(read(item.map_err(error::read)?)?);
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
