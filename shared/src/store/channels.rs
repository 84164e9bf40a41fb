//! All channels of a device together: what begins or ends an enrollment concerns the device and its users.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::keys::{self, CHANNEL_PREFIX};
use super::{Cancelled, Item, NEW, Store, item, number, put_item_part, read};
use crate::domain::audit::AuditEntry;
use crate::domain::enrollment::Enrollment;
use crate::domain::event::Event;
use crate::domain::identity::IssuedIdentity;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::scope::Scope;

/// Channels written in one transaction, which holds 100 items. A shared iPad may have more users.
const AT_ONCE: usize = 90;

impl Store {
    /// Every channel of a device: the device's own, and its users'.
    pub async fn channels(&self, scope: &Scope, id: &EnrollmentId) -> Result<Vec<Enrollment>> {
        let partition = keys::device_partition(scope.tenant(), id);
        self.partition(&self.tables.core, &partition, CHANNEL_PREFIX).await?.into_iter().map(read).collect()
    }

    /// Writes channels of a device that begins or ends an enrollment, the device's own first, and binds the signer's
    /// certificate to it.
    ///
    /// `before` are the generations that were read: a concurrent change makes this one a Conflict. `binds` is the
    /// identity of an Authenticate, whose record is made if the certificate came from elsewhere. `event` is written down
    /// with the change, if there is one.
    ///
    /// # Errors
    /// Forbidden when the certificate is bound to another device; Conflict when a channel changed meanwhile.
    pub async fn write_channels(
        &self,
        scope: &Scope,
        channels: &[Enrollment],
        before: &[(EnrollmentId, u64)],
        binds: Option<&IssuedIdentity>,
        event: Option<&Event>,
    ) -> Result<()> {
        let binding = binds.map(|identity| self.bind_part(scope, identity)).transpose()?;
        let event = event.map(|event| self.event_part(scope, event)).transpose()?;
        self.write_with(scope, channels, before, binding, event).await
    }

    /// Ends channels of a device, its own first, and writes down who did it.
    ///
    /// # Errors
    /// Conflict when a channel changed meanwhile.
    pub async fn end_channels(
        &self,
        scope: &Scope,
        channels: &[Enrollment],
        before: &[(EnrollmentId, u64)],
        audit: &AuditEntry,
    ) -> Result<()> {
        let entry = self.audit_part(scope, audit)?;
        self.write_with(scope, channels, before, None, Some(entry)).await
    }

    /// `binding` and `entry` go with the first channels, among which is the device's own.
    async fn write_with(
        &self,
        scope: &Scope,
        channels: &[Enrollment],
        before: &[(EnrollmentId, u64)],
        mut binding: Option<TransactWriteItem>,
        mut entry: Option<TransactWriteItem>,
    ) -> Result<()> {
        for some in channels.chunks(AT_ONCE) {
            let first_is_binding = binding.is_some();
            let mut parts: Vec<TransactWriteItem> = binding.take().into_iter().collect();
            for channel in some {
                parts.push(self.channel_part(scope, channel, before)?);
            }
            parts.extend(entry.take());
            self.transact(parts).await.map_err(|cancelled| match cancelled {
                Cancelled::Condition(0) if first_is_binding => {
                    Error::forbidden("identity-bound-elsewhere", "This identity belongs to another device.")
                }
                Cancelled::Condition(_) => {
                    Error::conflict("enrollment-changed", "The enrollment changed meanwhile.")
                }
                Cancelled::Collided(error) | Cancelled::Failed(error) => error,
            })?;
        }
        Ok(())
    }

    fn channel_part(
        &self,
        scope: &Scope,
        channel: &Enrollment,
        before: &[(EnrollmentId, u64)],
    ) -> Result<TransactWriteItem> {
        let item: Item = item(&keys::enrollment(scope.tenant(), &channel.id), channel)?;
        let generation = before.iter().find(|(id, _)| *id == channel.id).map(|(_, generation)| *generation);
        match generation {
            None => put_item_part(&self.tables.core, item, Some(NEW), HashMap::new()),
            Some(generation) => {
                let values = HashMap::from([(":before".to_owned(), number(generation))]);
                put_item_part(&self.tables.core, item, Some("generation = :before"), values)
            }
        }
    }
}
