//! How many identities end in which month: counted as they are issued, so that nobody has to read them one by one.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::Deserialize;

use super::{Store, keys, number, read, update_part};
use crate::domain::identity::IssuedIdentity;
use crate::error::Result;
use crate::scope::Scope;

/// The identities that end in one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityCount {
    /// The month in UTC, `YYYY-MM`.
    pub month: String,
    /// How many were issued that end then, also those renewed since.
    pub issued: u64,
}

#[derive(Deserialize)]
struct Shard {
    sk: String,
    issued: u64,
}

impl Store {
    /// The tenant's issued identities by the month of their end, the earliest first.
    pub async fn identity_counts(&self, scope: &Scope) -> Result<Vec<IdentityCount>> {
        let partition = keys::identity_count_partition(scope.tenant());
        let mut months: BTreeMap<String, u64> = BTreeMap::new();
        for item in self.partition(&self.tables.pki, &partition, "").await? {
            let Shard { sk, issued } = read(item)?;
            let month = sk.split('#').next().unwrap_or_default();
            *months.entry(month.to_owned()).or_default() += issued;
        }
        Ok(months.into_iter().map(|(month, issued)| IdentityCount { month, issued }).collect())
    }

    /// The part of an issuing transaction that counts the identity.
    pub(super) fn count_part(&self, scope: &Scope, identity: &IssuedIdentity) -> Result<TransactWriteItem> {
        let key = keys::identity_count(scope.tenant(), identity.not_after, &identity.fingerprint);
        let values =
            HashMap::from([(":one".to_owned(), number(1)), (":version".to_owned(), number(super::VERSION))]);
        update_part(&self.tables.pki, &key, "SET v = :version ADD issued :one", None, values)
    }
}
