//! What the calendar knows of the operator's vendor certificate.

use super::{Store, keys, put_part};
use crate::domain::credential::WatchedVendor;
use crate::error::Result;

impl Store {
    /// Keeps what is watched of the vendor certificate that was just installed. The last installation counts.
    pub async fn watch_vendor(&self, vendor: &WatchedVendor) -> Result<()> {
        let part = put_part(&self.tables.pki, &keys::watched_vendor(), vendor, None)?;
        self.put_if(part).await.map(drop)
    }

    /// The vendor certificate in use, for whoever needs its end and not its key.
    pub async fn watched_vendor(&self) -> Result<Option<WatchedVendor>> {
        self.get(&self.tables.pki, &keys::watched_vendor()).await
    }
}
