//! Names that profiles ask another authority for: kept until a device comes with one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{NEW, Store, keys, number, put_part, text, update_part};
use crate::domain::enrollment::Enrollment;
use crate::domain::event::Event;
use crate::domain::identity::IssuedIdentity;
use crate::domain::identity_promise::IdentityPromise;
use crate::domain::link_terms::compared;
use crate::error::{Error, Result};
use crate::id::{Fingerprint, LinkId, PromiseId};
use crate::scope::Scope;
use crate::time::DAY;

#[derive(serde::Serialize)]
struct Told {
    expires_at: i64,
}

impl Store {
    /// Keeps what one profile asks for.
    pub async fn keep_promise(&self, scope: &Scope, promise: &IdentityPromise) -> Result<()> {
        let key = keys::identity_promise(scope.tenant(), &promise.link, &promise.id);
        if self.put_if(put_part(&self.tables.ephemeral, &key, promise, Some(NEW))?).await? {
            Ok(())
        } else {
            Err(Error::internal("a new promise's identifier exists already"))
        }
    }

    /// A promise, which may have ended: the reader compares its time with the clock.
    pub async fn promise(
        &self,
        scope: &Scope,
        link: &LinkId,
        promise: &PromiseId,
    ) -> Result<Option<IdentityPromise>> {
        self.get(&self.tables.ephemeral, &keys::identity_promise(scope.tenant(), link, promise)).await
    }

    /// The part of a transaction that keeps a promise; it fails when that was kept before, has ended, does not admit this device, or
    /// names another group than the certificate.
    pub(super) fn promise_part(
        &self,
        scope: &Scope,
        link: &LinkId,
        promise: &PromiseId,
        group: Option<&str>,
        identity: &IssuedIdentity,
        device: &Enrollment,
    ) -> Result<TransactWriteItem> {
        let udid = compared(device.id.device_id());
        let serial = device.facts.serial_number.as_deref().map_or_else(|| udid.clone(), compared);
        let mut values = HashMap::from([
            (":certificate".to_owned(), text(identity.fingerprint)),
            (":now".to_owned(), number(identity.issued_at.as_second())),
            (":udid".to_owned(), text(udid)),
            (":serial".to_owned(), text(serial)),
        ]);
        let mut condition = "attribute_exists(pk) AND attribute_not_exists(kept_by) AND expires_at > :now AND \
                             (attribute_not_exists(devices) OR contains(devices, :udid) OR contains(devices, :serial))"
            .to_owned();
        match group {
            Some(group) => {
                values.insert(":group".to_owned(), text(group));
                condition.push_str(" AND holder.#group = :group");
            }
            None => condition.push_str(" AND attribute_not_exists(holder.#group)"),
        }
        let key = keys::identity_promise(scope.tenant(), link, promise);
        let set = "SET kept_by = :certificate";
        update_part(&self.tables.ephemeral, &key, set, Some(&condition), values)
    }

    /// Writes down that a certificate of an authority from elsewhere was refused. `Ok(false)` when it has been written down this
    /// day: whoever has one fills no log by knocking.
    pub async fn tell_unpromised(&self, scope: &Scope, signer: Fingerprint, event: &Event) -> Result<bool> {
        let day = event.at.strftime("%Y-%m-%d").to_string();
        let key = keys::unpromised(scope.tenant(), signer, &day);
        let told = Told { expires_at: event.at.as_second() + 2 * DAY };
        let parts =
            vec![put_part(&self.tables.ephemeral, &key, &told, Some(NEW))?, self.event_part(scope, event)?];
        self.write_if(parts).await
    }
}
