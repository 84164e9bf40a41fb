//! Which identity a device signs with: revoked by an administrator, or changed by the device's first word with a renewed one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::{Item, Store, keys, read, text, update_part, value};
use crate::domain::audit::AuditEntry;
use crate::domain::enrollment::Enrollment;
use crate::domain::event::Event;
use crate::domain::identity::{DeviceIdentity, not_bound, revoked};
use crate::error::{Error, Result};
use crate::id::{EnrollmentId, Fingerprint};
use crate::scope::Scope;

impl Store {
    /// Refuses every identity of a device from now on, and closes the tenant's services to it. `Ok(false)` when one was added or
    /// taken away since `device` was read.
    pub async fn revoke_identity(
        &self,
        scope: &Scope,
        device: &Enrollment,
        audit: &AuditEntry,
    ) -> Result<bool> {
        let identities = AttributeValue::Ss(device.certificates.iter().map(ToString::to_string).collect());
        let values =
            HashMap::from([(":these".to_owned(), identities), (":now".to_owned(), value(audit.at)?)]);
        // What is bound is given up: so an Idle poll's one call refuses it without looking anywhere else.
        let expression = "SET locked_at = if_not_exists(locked_at, :now) \
                          REMOVE certificates, renewals, renewal, renewal_failed_at ADD revoked :these";
        let key = keys::enrollment(scope.tenant(), &device.id);
        let mut parts = vec![
            update_part(&self.tables.core, &key, expression, Some("certificates = :these"), values)?,
            self.audit_part(scope, audit)?,
        ];
        for fingerprint in &device.certificates {
            parts.push(self.revoked_part(scope, *fingerprint, audit)?);
        }
        self.write_if(parts).await
    }

    /// Notes which of its identities a device signs with. Those before it are refused from then on; one that was issued later stays
    /// accepted, because the device may be about to use it. `Ok(false)` when somebody did so meanwhile.
    pub async fn adopt_identity(
        &self,
        scope: &Scope,
        device: &Enrollment,
        identity: &DeviceIdentity,
        event: Option<&Event>,
    ) -> Result<bool> {
        let place = device.renewals.iter().position(|renewed| *renewed == identity.fingerprint);
        let (before, after) = match place {
            Some(place) => (&device.renewals[..place], &device.renewals[place + 1..]),
            None => (&[][..], &device.renewals[..]),
        };
        let mut values = HashMap::from([
            (":identity".to_owned(), value(identity)?),
            (":signer".to_owned(), text(identity.fingerprint)),
            (":after".to_owned(), value(after)?),
        ]);
        let mut expression =
            "SET #identity = :identity, renewals = :after REMOVE renewal, renewal_failed_at".to_owned();
        let mut condition = "contains(certificates, :signer)".to_owned();
        match &device.identity {
            Some(former) => {
                let gone = before.iter().chain([&former.fingerprint]).map(ToString::to_string).collect();
                values.insert(":gone".into(), AttributeValue::Ss(gone));
                values.insert(":former".into(), text(former.fingerprint));
                expression.push_str(" DELETE certificates :gone");
                condition.push_str(" AND #identity.fingerprint = :former");
            }
            None => condition.push_str(" AND attribute_not_exists(#identity)"),
        }
        if device.renewals.is_empty() {
            condition.push_str(" AND (attribute_not_exists(renewals) OR renewals = :after)");
        } else {
            values.insert(":read".into(), value(&device.renewals)?);
            condition.push_str(" AND renewals = :read");
        }
        let key = keys::enrollment(scope.tenant(), &device.id);
        let mut parts = vec![update_part(&self.tables.core, &key, &expression, Some(&condition), values)?];
        if let Some(event) = event {
            parts.push(self.event_part(scope, event)?);
        }
        self.write_if(parts).await
    }

    /// The part that keeps a revoked identity from beginning an enrollment, whether it has a record or not.
    fn revoked_part(
        &self,
        scope: &Scope,
        fingerprint: Fingerprint,
        audit: &AuditEntry,
    ) -> Result<TransactWriteItem> {
        let values = HashMap::from([(":now".to_owned(), value(audit.at)?)]);
        let key = keys::identity(scope.tenant(), &fingerprint);
        let condition = Some("attribute_exists(pk)");
        update_part(&self.tables.pki, &key, "SET revoked_at = :now", condition, values)
    }
}

/// Why an enrollment's item, if there is one, does not admit a signer.
pub(super) fn refusal(id: &EnrollmentId, item: Option<Item>, signer: Fingerprint) -> Error {
    let enrollment: Option<Enrollment> = item.and_then(|item| read(item).ok());
    if enrollment.is_some_and(|enrollment| enrollment.revoked.contains(&signer)) {
        return revoked();
    }
    not_bound(id)
}
