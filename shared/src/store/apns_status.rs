//! What is known of each push certificate's connection: written seldom, read by people and by the probe.

use std::collections::HashMap;

use super::{Item, Store, item, keys, number, put_item_part};
use crate::domain::apns_status::ApnsStatus;
use crate::error::Result;
use crate::id::Fingerprint;
use crate::scope::Scope;
use crate::time::DAY;

/// How long the status of a certificate is kept that nobody uses any more: longer than a certificate lives.
const KEPT_SECONDS: i64 = 400 * DAY;

impl Store {
    /// What is known of a certificate's connection.
    pub async fn apns_status(&self, scope: &Scope, certificate: &Fingerprint) -> Result<Option<ApnsStatus>> {
        self.get(&self.tables.ephemeral, &keys::apns_status(scope.tenant(), certificate)).await
    }

    /// Writes down what was found, unless another process has written something later.
    pub async fn put_apns_status(
        &self,
        scope: &Scope,
        certificate: &Fingerprint,
        status: &ApnsStatus,
    ) -> Result<()> {
        let mut record: Item = item(&keys::apns_status(scope.tenant(), certificate), status)?;
        record.insert("expires_at".into(), number(status.noted + KEPT_SECONDS));
        let values = HashMap::from([(":noted".to_owned(), number(status.noted))]);
        let not_later = "attribute_not_exists(pk) OR noted <= :noted";
        self.put_if(put_item_part(&self.tables.ephemeral, record, Some(not_later), values)?).await.map(drop)
    }
}
