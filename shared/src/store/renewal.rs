//! Renewals of identities: what a device was asked, the challenges that it may use, and what they issued.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{Cancelled, NEW, Store, keys, put_part, text, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::enrollment::{DeviceFacts, Enrollment};
use crate::domain::event::Event;
use crate::domain::identity::{IssuedIdentity, not_bound};
use crate::domain::link::IssuedByLink;
use crate::domain::renewal::Renewal;
use crate::domain::renewal_challenge::RenewalChallenge;
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, Fingerprint, RenewalId};
use crate::scope::Scope;
use crate::time::Timestamp;

impl Store {
    /// Keeps the challenge of one profile.
    pub async fn keep_renewal_challenge(&self, scope: &Scope, kept: &RenewalChallenge) -> Result<()> {
        let key = keys::renewal_challenge(scope.tenant(), &kept.id);
        if self.put_if(put_part(&self.tables.ephemeral, &key, kept, Some(NEW))?).await? {
            Ok(())
        } else {
            Err(Error::internal("a new challenge's identifier exists already"))
        }
    }

    /// A challenge, which may have ended: the reader compares its time with the clock.
    pub async fn renewal_challenge(&self, scope: &Scope, id: &RenewalId) -> Result<Option<RenewalChallenge>> {
        self.get(&self.tables.ephemeral, &keys::renewal_challenge(scope.tenant(), id)).await
    }

    /// Records the identity that a challenge obtained, and lets it sign for the device. `Ok(false)` when the challenge was used.
    ///
    /// # Errors
    /// Forbidden when the former identity is no longer the device's.
    pub async fn record_challenged_renewal(
        &self,
        scope: &Scope,
        identity: &IssuedIdentity,
        challenge: &RenewalChallenge,
        issued: &IssuedByLink,
    ) -> Result<bool> {
        let values = HashMap::from([(":issued".to_owned(), value(issued)?)]);
        let unused = "attribute_exists(pk) AND attribute_not_exists(issued)";
        let used = keys::renewal_challenge(scope.tenant(), &challenge.id);
        let key = keys::identity(scope.tenant(), &identity.fingerprint);
        let parts = vec![
            update_part(&self.tables.ephemeral, &used, "SET issued = :issued", Some(unused), values)?,
            self.accept_part(scope, &challenge.enrollment, identity.fingerprint, challenge.renews)?,
            put_part(&self.tables.pki, &key, identity, Some(NEW))?,
            self.count_part(scope, identity)?,
        ];
        match self.transact(parts).await {
            Ok(()) => Ok(true),
            Err(Cancelled::Condition(0)) => Ok(false),
            Err(Cancelled::Condition(_)) => Err(not_bound(&challenge.enrollment)),
            Err(Cancelled::Collided(error) | Cancelled::Failed(error)) => Err(error),
        }
    }

    /// Notes that a device was asked. `Ok(false)` when it was asked, or has renewed, meanwhile.
    pub async fn note_renewal(&self, scope: &Scope, device: &Enrollment, renewal: &Renewal) -> Result<bool> {
        let part = self.renewal_part(scope, device, renewal, " REMOVE renewal_failed_at")?;
        self.write_if(vec![part]).await
    }

    /// Keeps an administrator's wish. `Ok(false)` as [`Self::note_renewal`].
    pub async fn want_renewal(
        &self,
        scope: &Scope,
        device: &Enrollment,
        renewal: &Renewal,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let part = self.renewal_part(scope, device, renewal, "")?;
        self.write_if(vec![part, self.audit_part(scope, audit)?]).await
    }

    /// Writes down that a renewal is overdue. `Ok(false)` as [`Self::note_renewal`].
    pub async fn note_overdue(
        &self,
        scope: &Scope,
        device: &Enrollment,
        renewal: &Renewal,
        event: &Event,
    ) -> Result<bool> {
        let part = self.renewal_part(scope, device, renewal, "")?;
        self.write_if(vec![part, self.event_part(scope, event)?]).await
    }

    /// The part that changes the renewal of the identity that was read, if nobody did so meanwhile.
    fn renewal_part(
        &self,
        scope: &Scope,
        device: &Enrollment,
        renewal: &Renewal,
        more: &str,
    ) -> Result<TransactWriteItem> {
        let identity = device.identity.as_ref().ok_or_else(|| Error::internal("nothing to renew"))?;
        let mut values = HashMap::from([
            (":renewal".to_owned(), value(renewal)?),
            (":identity".to_owned(), text(identity.fingerprint)),
        ]);
        let mut condition =
            "#identity.fingerprint = :identity AND contains(certificates, :identity) AND ".to_owned();
        match &device.renewal {
            Some(before) => {
                values.insert(":before".into(), value(before)?);
                condition.push_str("renewal = :before");
            }
            None => condition.push_str("attribute_not_exists(renewal)"),
        }
        let key = keys::enrollment(scope.tenant(), &device.id);
        let expression = format!("SET renewal = :renewal{more}");
        update_part(&self.tables.core, &key, &expression, Some(&condition), values)
    }

    /// Takes the facts of a device that installed its profile anew because it was asked to. Everything else stays: it goes on
    /// with what waits for it.
    ///
    /// # Errors
    /// Forbidden when the signer is not this enrollment's.
    pub async fn refresh_device(
        &self,
        scope: &Scope,
        id: &EnrollmentId,
        signer: Fingerprint,
        facts: &DeviceFacts,
        now: Timestamp,
    ) -> Result<()> {
        let values = HashMap::from([
            (":facts".to_owned(), value(facts)?),
            (":now".to_owned(), value(now)?),
            (":signer".to_owned(), text(signer)),
        ]);
        let expression = "SET facts = :facts, last_seen = :now";
        self.update_enrollment(scope, id, expression, signer, values).await.map(drop)
    }
}
