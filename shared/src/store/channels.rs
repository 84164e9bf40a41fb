//! All channels of a device together: what begins or ends an enrollment concerns the device and its users.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::keys::{self, CHANNEL_PREFIX};
use super::{Cancelled, Item, NEW, Store, item, number, put_item_part, read, text};
use crate::domain::audit::AuditEntry;
use crate::domain::enrollment::{Enrollment, EnrollmentState};
use crate::domain::event::Event;
use crate::domain::identity::{IssuedIdentity, not_bound};
use crate::domain::identity_promise::Claim;
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, GroupId};
use crate::scope::Scope;

/// The identity that a device begins an enrollment with, and what must be true for that.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The identity.
    pub identity: &'a IssuedIdentity,
    /// What must be true.
    pub claim: &'a Claim,
}

/// Channels written in one transaction, which holds 100 items. A shared iPad may have more users.
const AT_ONCE: usize = 90;

impl Store {
    /// Every channel of a device: the device's own, and its users'.
    pub async fn channels(&self, scope: &Scope, id: &EnrollmentId) -> Result<Vec<Enrollment>> {
        let partition = keys::device_partition(scope.tenant(), id);
        self.partition(&self.tables.core, &partition, CHANNEL_PREFIX).await?.into_iter().map(read).collect()
    }

    /// Writes channels of a device whose enrollment ends, the device's own first.
    ///
    /// `before` are the generations that were read: a concurrent change makes this one a Conflict. `event` is written down
    /// with the change, if there is one.
    ///
    /// # Errors
    /// Conflict when a channel changed meanwhile.
    pub async fn write_channels(
        &self,
        scope: &Scope,
        channels: &[Enrollment],
        before: &[(EnrollmentId, u64)],
        event: Option<&Event>,
    ) -> Result<()> {
        let event = event.map(|event| self.event_part(scope, event)).transpose()?;
        self.write_with(scope, channels, before, None, event.into_iter().collect()).await
    }

    /// Writes the channels of a device that begins an enrollment, its own first, binds its identity to it, makes it a member of
    /// the group `joins`, lets it be found by its serial number, and writes down `event`. The identity's record is made here if the certificate came from elsewhere;
    /// where it claims a link, that is used once.
    ///
    /// # Errors
    /// Forbidden when the certificate is bound to another device or its link enrolls no more; Conflict when a channel
    /// changed meanwhile.
    pub async fn begin_channels(
        &self,
        scope: &Scope,
        channels: &[Enrollment],
        before: &[(EnrollmentId, u64)],
        binds: Binding<'_>,
        joins: Option<&str>,
        event: Option<&Event>,
    ) -> Result<()> {
        let joins = joins.zip(channels.first());
        let member = joins.map(|(name, device)| self.member_part(scope, &GroupId::named(name), &device.id));
        let event = event.map(|event| self.event_part(scope, event));
        let way = channels.first().and_then(|device| self.way_part(scope, device).transpose());
        let with = member.into_iter().chain(event).chain(way).collect::<Result<Vec<_>>>()?;
        self.write_with(scope, channels, before, Some(binds), with).await
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
        self.write_with(scope, channels, before, None, vec![entry]).await
    }

    /// The binding of `binds` and what is written `with` it go with the first channels, among which is the device's own.
    async fn write_with(
        &self,
        scope: &Scope,
        channels: &[Enrollment],
        before: &[(EnrollmentId, u64)],
        binds: Option<Binding<'_>>,
        mut with: Vec<TransactWriteItem>,
    ) -> Result<()> {
        let mut binding = self.binding_parts(scope, binds, channels.first())?;
        // Whatever waits for the generations before is dropped, and found by the note.
        let is_newer = |channel: &&Enrollment| {
            before.iter().any(|(id, was)| *id == channel.id && *was < channel.generation)
        };
        let newer = channels.iter().find(is_newer);
        let mut dropped = newer.map(|channel| self.dropped_part(scope, channel)).transpose()?;
        for some in channels.chunks(AT_ONCE) {
            let mut parts = std::mem::take(&mut binding);
            let binding_parts = parts.len();
            for channel in some {
                parts.push(self.channel_part(scope, channel, before)?);
            }
            parts.append(&mut with);
            if let Some(dropped) = dropped.take() {
                parts.push(dropped);
            }
            match self.transact(parts).await {
                Ok(()) => {}
                Err(Cancelled::Condition(index)) if index < binding_parts => {
                    return Err(self.unbindable(scope, binds, channels.first()).await?);
                }
                Err(Cancelled::Condition(_)) => {
                    return Err(Error::conflict("enrollment-changed", "The enrollment changed meanwhile."));
                }
                Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// The parts that bind the signer's identity, and claim its link where it has one to claim.
    fn binding_parts(
        &self,
        scope: &Scope,
        binds: Option<Binding<'_>>,
        device: Option<&Enrollment>,
    ) -> Result<Vec<TransactWriteItem>> {
        let Some((Binding { identity, claim }, device)) = binds.zip(device) else { return Ok(Vec::new()) };
        let mut parts = vec![self.bind_part(scope, identity, claim, device)?];
        if let Claim::Promised { link, promise, group } = claim {
            parts.push(self.promise_part(scope, link, promise, group.as_deref(), identity, device)?);
        }
        if let Some(link) = claim.link() {
            parts.extend(self.claim_parts(scope, link, identity)?);
        }
        Ok(parts)
    }

    /// Why an identity could not be bound: looked up afterwards, because it is rare.
    async fn unbindable(
        &self,
        scope: &Scope,
        binds: Option<Binding<'_>>,
        device: Option<&Enrollment>,
    ) -> Result<Error> {
        let Some((Binding { identity, claim }, device)) = binds.zip(device) else {
            return Err(Error::internal("nothing was to be bound"));
        };
        let known = self.identity(scope, &identity.fingerprint).await?;
        if known.as_ref().is_some_and(|identity| identity.revoked_at.is_some()) {
            return Ok(crate::domain::identity::revoked());
        }
        let bound = known.and_then(|identity| identity.enrollment);
        let claims = claim.link().is_some();
        Ok(if bound.as_ref().is_some_and(|bound| *bound != device.id) {
            Error::forbidden("identity-bound-elsewhere", "This identity belongs to another device.")
        } else if bound.is_some() && claims {
            Error::forbidden("identity-claimed-before", "This device claimed this identity before.")
        } else if bound.is_none() && *claim == Claim::Bound {
            not_bound(&device.id)
        } else if claims {
            let message = "The enrollment link of this profile was used, withdrawn or has ended, or does not admit this device.";
            Error::forbidden("identity-unclaimable", message)
        } else {
            Error::forbidden("device-not-admitted", "The enrollment link does not admit this device.")
        })
    }

    fn channel_part(
        &self,
        scope: &Scope,
        channel: &Enrollment,
        before: &[(EnrollmentId, u64)],
    ) -> Result<TransactWriteItem> {
        let mut item: Item = item(&keys::enrollment(scope.tenant(), &channel.id), channel)?;
        if let Some(push) = channel.push.as_ref().filter(|_| channel.state == EnrollmentState::Unenrolling) {
            // It stays in the lists until it was told, so that the sweep finds it.
            item.insert("tenant".to_owned(), text(scope.tenant()));
            item.insert("listed".to_owned(), text(keys::listed(&push.topic, &channel.id)));
        }
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
