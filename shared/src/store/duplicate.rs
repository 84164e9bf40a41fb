//! A second device under an enrolled device's name: refused, and told once a day.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use serde::Serialize;

use super::{NEW, Store, key_item, keys, put_part};
use crate::domain::event::Event;
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, Fingerprint};
use crate::scope::Scope;
use crate::time::DAY;

#[derive(Serialize)]
struct Told {
    expires_at: i64,
}

impl Store {
    /// Writes down that another identity, or a revoked one, spoke for an enrollment. `Ok(false)` when there is no such
    /// enrollment, or when it has been written down this day: nobody fills the log by knocking.
    pub async fn tell_refused(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        signer: Fingerprint,
        event: &Event,
    ) -> Result<bool> {
        let day = event.at.strftime("%Y-%m-%d").to_string();
        let exists = ConditionCheck::builder()
            .table_name(&self.tables.core)
            .set_key(Some(key_item(&keys::enrollment(scope.tenant(), &id.device_channel()))))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(Error::internal)?;
        let told = Told { expires_at: event.at.as_second() + 2 * DAY };
        let key = keys::duplicate(scope.tenant(), id, signer, &day);
        let parts = vec![
            TransactWriteItem::builder().condition_check(exists).build(),
            put_part(&self.tables.ephemeral, &key, &told, Some(NEW))?,
            self.event_part(scope, event)?,
        ];
        self.write_if(parts).await
    }
}
